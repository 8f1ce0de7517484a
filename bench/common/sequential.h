/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SEQUENTIAL_H
#define BENCH_SEQUENTIAL_H

#include "common/tree.h"

/*
 * The compressed cover tree that inserting points one after the other gives, by two plain programs that share nothing with the library but the
 * arithmetic of a distance. Both promise the same tree, and the library the same for a commit that only inserts.
 *
 * Cover sets: the insertion of Elkin and Kurlin (ICML 2023) after its definition. It goes down level by level with R_i, the nodes of level at least
 * i that are at most 2^(i+1) from the point: a node of a lesser level j that is at most 2^j away has an ancestor in R_i. The place is the least i for
 * which the nearest of R_i is at most 2^i away, under that one (ties: the lesser row), at level i - 1.
 *
 * Brute force: each point is compared with every one before it; the nearest y with d <= 2^level(y) is the parent.
 */
struct bench_sequential {
    struct bench_tree tree;
    uint64_t distances;   /* evaluated so far */
    /* Cover sets only: children by level from the greatest down, and the set R_i. */
    int32_t *child, *next;
    struct bench_candidate *near;
    size_t n_near;
    int32_t root;
    int32_t *done;        /* rows in the order of their insertion */
    size_t n_done;
};
void bench_sequential_init(struct bench_sequential *sequential, const double *points, size_t n, size_t dim);
void bench_sequential_free(struct bench_sequential *sequential);

/* Insert the rows first .. first + n - 1 in the order of the library's priorities for a store of that seed. A tree is made by one of the two. */
void bench_sequential_cover_sets(struct bench_sequential *sequential, size_t first, size_t n, uint64_t seed);
void bench_sequential_brute(struct bench_sequential *sequential, size_t first, size_t n, uint64_t seed);

#endif
