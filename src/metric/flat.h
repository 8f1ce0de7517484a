/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_FLAT_H
#define METRIC_FLAT_H

#include "metric/metric.h"

/*
 * The kernels of a flat scan: every row is looked at, but as whole numbers of two bytes and for METRIC_FLAT_QUERIES queries at a time, so that a row
 * is read once for all of them and instructions that add up products of shorts do the work. Squared distances of whole numbers are exact, the same
 * on any processor: |x|^2 + |q|^2 - 2 x q.
 *
 * Rows stand in groups of 64, coordinate pair after coordinate pair; lane l of a group is in column l mod 16. A first look notes the least of each
 * column of each group; what follows from these is a limit, and a second look picks the rows within it.
 */
enum { METRIC_FLAT_QUERIES = 4, METRIC_FLAT_COLUMNS = 16, METRIC_FLAT_PAIRS = 32 };
/* No squared distance is above the first; the square of an empty lane is the second, so no sum with it is as small as the first. */
#define METRIC_FLAT_MOST ((INT32_C(1) << 30) - 1)
#define METRIC_FLAT_EMPTY (INT32_C(1) << 30)

struct metric_flat_rows {
    int16_t *lane;    /* [groups][pairs][64][2], aligned to 64 bytes */
    int32_t *square;  /* [groups][64] */
    uint32_t *number; /* [groups] of lane 0, the others follow */
    size_t groups;
    uint32_t pairs;   /* at most METRIC_FLAT_PAIRS */
};

struct metric_flat_query {
    int16_t twice[METRIC_FLAT_PAIRS][2]; /* -2 q */
    int32_t square;
};

struct metric_flat {
    const char *name;
    /* least[groups][METRIC_FLAT_QUERIES][16] */
    void (*look)(int32_t *least, const struct metric_flat_rows *rows, const struct metric_flat_query query[METRIC_FLAT_QUERIES]);
    /* The least of `folds` times 16 columns, of every folds-th group each; `least` is that of one query among METRIC_FLAT_QUERIES. */
    void (*fold)(float *value, const int32_t *least, size_t groups, size_t folds);
    /* Puts the rows that are within the limit, at most METRIC_FLAT_MOST, behind what is in `near`. hit[groups]: scratch. Returns 0 when there are
     * more than capacity. */
    int (*pick)(struct metric_near *near, size_t capacity, const struct metric_flat_rows *rows, const struct metric_flat_query *query,
                const int32_t *least, uint32_t *hit, int32_t limit);
};

/* What the processor has, or the nearest to what was asked for. AVX-512 here is its part for products of shorts, VNNI; without it AVX2 is as good. */
const struct metric_flat *metric_flat_choose(enum metric_isa isa);

/* What it chooses from; for this room only. */
extern const struct metric_flat metric_flat_plain, metric_flat_avx2, metric_flat_vnni;

#endif
