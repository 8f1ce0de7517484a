/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_TREE_H
#define BENCH_TREE_H

#include <pcct/pcct.h>

/* A compressed cover tree as plain arrays by row, whoever made it, over borrowed points [n][dim] of a euclidean store. */
enum { BENCH_ROOT = -1, BENCH_NOBODY = -2 };
struct bench_tree {
    const double *points;
    size_t n, dim;
    int32_t *parent; /* [n]: row; BENCH_ROOT: this is the root; BENCH_NOBODY: no node in this row */
    int32_t *level;  /* [n]: twins PCCT_LEVEL_TWIN; the root 1 above the greatest other */
};
void bench_tree_init(struct bench_tree *tree, const double *points, size_t n, size_t dim); /* nobody in any row */
void bench_tree_free(struct bench_tree *tree);

/* The tree of a view whose labels are rows. */
void bench_tree_read(struct bench_tree *tree, const pcct_view *view);

/* The squared distance, summed coordinate by coordinate: what the library compares. And the square of 2^level, exactly. */
double bench_tree_key(const struct bench_tree *tree, size_t a, size_t b);
double bench_tree_reach(int32_t level);
/* The least level i with key <= bench_tree_reach(i); key > 0. */
int32_t bench_tree_scale(double key);
/* The root's level from the others'. */
void bench_tree_settle_root(struct bench_tree *tree);

/*
 * Proves the definition, from the arrays and the points alone: one root above all; each other node under a node of greater level, at most
 * 2^(level+1) away; twins at distance 0 from a node that is none; nodes p, q more than 2^(lesser level) apart. The last for all pairs, or for more
 * than BENCH_TREE_ALL rows, for 1000 nodes against all. Answers the number of violations; first: the first one in words.
 */
enum { BENCH_TREE_ALL = 20000 };
uint64_t bench_tree_check(char first[128], const struct bench_tree *tree);

/* Rows whose level or parent differ. */
uint64_t bench_tree_differences(const struct bench_tree *a, const struct bench_tree *b);

#endif
