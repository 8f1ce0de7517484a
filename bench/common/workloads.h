/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "common/data.h"

/* Points and queries that the library is asked with. */
struct bench_workload {
    const char *name;
    enum bench_shape shape;
    size_t n, dim, nq, k;
    size_t sets;   /* of nq queries each, used in turn */
    double target; /* queries a second on two threads, as a multiple of the fastest peer's */
    int images;    /* 1: the points and queries are those of images.h, and `shape` is not looked at */
};

/* The workloads of the query benchmarks, in order. Static storage. */
const struct bench_workload *bench_workloads(size_t *count);

/* A quick run takes an eighth of what is large, and one set of queries in eight. */
void bench_workload_shrink(struct bench_workload *work);

/* Fills points[n][dim] and queries[nq * sets][dim]: draws of one distribution, the same in every run. -1: what they come from is not installed. */
int bench_workload_fill(double *points, double *queries, const struct bench_workload *work);

#endif
