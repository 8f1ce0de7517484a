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
 * column of each group; what follows from these is a limit, and a second look picks the rows within it. Groups have boxes, which say what no row in
 * them is nearer than: where these leave enough out, a query by itself looks at some groups only.
 */
enum { METRIC_FLAT_QUERIES = 4, METRIC_FLAT_COLUMNS = 16, METRIC_FLAT_PAIRS = 32 };
/* No squared distance is above the first; the square of an empty lane is the second, so no sum with it is as small as the first. */
#define METRIC_FLAT_MOST ((INT32_C(1) << 30) - 1)
#define METRIC_FLAT_EMPTY (INT32_C(1) << 30)

struct metric_flat_rows {
    int16_t *lane;    /* [groups][pairs][64][2], aligned to 64 bytes */
    int32_t *square;  /* [groups][64] */
    uint32_t *number; /* [groups] of lane 0, the others follow */
    int16_t *low;     /* [groups / 16, rounded up][pairs][16][2] least sides of boxes; NULL: there are none */
    int16_t *high;    /* the same, greatest sides */
    size_t groups;
    uint32_t pairs;   /* at most METRIC_FLAT_PAIRS */
};

struct metric_flat_query {
    int16_t at[METRIC_FLAT_PAIRS][2];    /* q */
    int16_t twice[METRIC_FLAT_PAIRS][2]; /* -2 q */
    int32_t square;
};

struct metric_flat {
    const char *name;
    /* lane[(dim + 1) / 2][64][2], square[64] of rows coordinate-major, float [dim][64]: each times `by`, plus from[j], to the nearest. */
    void (*take)(int16_t *lane, int32_t *square, const float *row, uint32_t dim, float by, const float *from);
    /* Of some queries at once, in all groups: least[groups][METRIC_FLAT_QUERIES][16]. */
    void (*look)(int32_t *least, const struct metric_flat_rows *rows, const struct metric_flat_query query[METRIC_FLAT_QUERIES]);
    /* Of one query, in `count` of the groups: least[count][16]. */
    void (*look_at)(int32_t *least, const struct metric_flat_rows *rows, const struct metric_flat_query *query, const uint32_t *list, size_t count);
    /* bound[groups, rounded up to 16]; those beyond the groups mean nothing. */
    void (*bounds)(int32_t *bound, const struct metric_flat_rows *rows, const struct metric_flat_query *query);
    /* The groups whose bounds are above one and not above another, in order; there is room for 16 more. Returns how many. */
    size_t (*list)(uint32_t *list, const int32_t *bound, size_t groups, int32_t above, int32_t limit);
    /* The least of `folds` times 16 columns, of every folds-th group each, which stand `step` numbers apart. */
    void (*fold)(float *value, const int32_t *least, size_t step, size_t groups, size_t folds);
    /* Puts the rows of the listed groups (NULL: all) that are within the limit, at most METRIC_FLAT_MOST, behind what is in `near`. least: of these
     * groups, `step` numbers apart. hit[count]: scratch. Returns 0 when there are more than capacity. */
    int (*pick)(struct metric_near *near, size_t capacity, const struct metric_flat_rows *rows, const struct metric_flat_query *query,
                const uint32_t *list, size_t count, const int32_t *least, size_t step, uint32_t *hit, int32_t limit);
};

/* What the processor has, or the nearest to what was asked for. AVX-512 here is its part for products of shorts, VNNI; without it AVX2 is as good. */
const struct metric_flat *metric_flat_choose(enum metric_isa isa);

/* What it chooses from; for this room only. */
extern const struct metric_flat metric_flat_plain, metric_flat_avx2, metric_flat_vnni;

#endif
