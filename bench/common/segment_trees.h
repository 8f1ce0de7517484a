/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SEGMENT_TREES_H
#define BENCH_SEGMENT_TREES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Nearest predecessors in the way of the established C++ package for Vecchia approximations, after a description of its algorithm: the points, in
 * order, are cut into as many segments as there are threads, and each has a cover tree of base 2 over distances from 0 to 1. The children of a node
 * at level l are the first of what it covers that is not within 2^-l of it or of one of them; each node covers what is within 2^-l of it and was
 * left. As the first comes first, what is below a node comes after it. A query goes down level by level with all nodes before it whose distance is at
 * most that of the k-th so far and 2^-(l-1).
 */
struct bench_segment_trees {
    double (*distance)(const void *ctx, uint32_t a, uint32_t b);
    const void *ctx;
    uint32_t n, segments;
    uint32_t *root;          /* [segments] */
    uint32_t *first;         /* [n] place of a node's first child in `child`; UINT32_MAX: none */
    struct bench_segment_child {
        uint32_t point, next; /* next: the parent's next child, of its level or a deeper one */
        int level;
    } *child;
    uint32_t children;
    uint64_t evaluated;      /* distances, since it was set to 0 */
};

void bench_segment_trees_build(struct bench_segment_trees *trees, uint32_t n, uint32_t segments,
                               double (*distance)(const void *ctx, uint32_t a, uint32_t b), const void *ctx);
void bench_segment_trees_free(struct bench_segment_trees *trees);

/* found[k]: the distances of the k nearest before `query`, ascending; returns how many there are. One thread. */
size_t bench_segment_trees_search(double *found, struct bench_segment_trees *trees, uint32_t query, size_t k);

#endif
