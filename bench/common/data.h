/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <stddef.h>
#include <stdint.h>

enum bench_shape {
    BENCH_GAUSSIAN, /* independent standard normal coordinates */
    BENCH_UNIFORM,  /* independent coordinates in [0, 1) */
    BENCH_CLUSTERS, /* 1000 centres uniform in [0, 10)^dim, each with a spread of its own, lognormal around 0.5 */
    BENCH_MANIFOLD  /* 5 normal numbers, random cosine features of them, rotated, plus normal noise of 0.01 */
};

struct bench_workload {
    const char *name;
    enum bench_shape shape;
    size_t n, dim, nq, k;
    size_t sets; /* of nq queries each, used in turn */
};

/* The workloads of the query benchmark, in order. Static storage. */
const struct bench_workload *bench_workloads(size_t *count);

/* n points of a shape. What belongs to the shape (centres, rotation) is the same for every seed, so points and queries of different seeds are
 * draws of one distribution. */
void bench_points(double *points, enum bench_shape shape, size_t n, size_t dim, uint64_t seed);

#endif
