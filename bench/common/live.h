/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include "common/data.h"
#include "common/random.h"
#include "common/store.h"

/* The points that a store should hold, kept beside it: labels are 0, 1, 2, ... in the order of insertion and are never used again. */
struct bench_live {
    enum bench_shape shape;
    size_t dim;
    struct bench_series *series;
    struct bench_random random; /* of what is dropped */
    double *points;             /* [labels][dim], by label, the dropped ones too */
    size_t labels, room;
    int64_t *label;             /* [n]: of the live points, in no order */
    size_t n;
};
void bench_live_init(struct bench_live *live, enum bench_shape shape, size_t dim);
void bench_live_free(struct bench_live *live);

/* The next n points of the series are live; answers the first of their labels. */
int64_t bench_live_add(struct bench_live *live, size_t n);
/* Draws n live points, whose labels go into label[n] and which are no longer live. */
void bench_live_drop(int64_t *label, struct bench_live *live, size_t n);

/* The live points get the labels 0 to n - 1, in the order of the ones that they had; the dropped ones are forgotten. For a store that is new. */
void bench_live_renumber(struct bench_live *live);

/* Add and drop, with a commit to the store. */
void bench_live_insert(struct bench_commit *commit, struct bench_live *live, pcct_store *store, size_t n);
void bench_live_delete(struct bench_commit *commit, struct bench_live *live, pcct_store *store, size_t n);

/* Copies of the live points into points[n][dim] by ascending label; label[n], NULL: not wanted. */
void bench_live_read(double *points, int64_t *label, const struct bench_live *live);

/* Asks the newest version for the neighbours of nq further draws of the same data and compares the answers with brute force over the live points, to
 * the last bit. Answers the number of queries whose answer differs. */
uint64_t bench_live_check(const struct bench_live *live, pcct_store *store, size_t nq);

#endif
