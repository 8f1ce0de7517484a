/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SLOPE_H
#define BENCH_SLOPE_H

#include "common/options.h"

/* Collects the time per point of the same work at several n, to say how it grows. */
struct bench_slope {
    struct bench_sample {
        const char *work;
        enum bench_shape shape;
        size_t dim, batch, n; /* batch 0: all n points at once */
        int threads;
        double microseconds;  /* per point */
    } *sample;
    size_t count, room;
};
void bench_slope_add(struct bench_slope *slope, const struct bench_sample *sample);
void bench_slope_free(struct bench_slope *slope);

/*
 * A line for each work that was measured at two or more n: the time at the least and at the greatest n, their ratio, the ratio of the logarithms of
 * n, and the power p of log n that time = a * (log n)^p fits best (least squares of logarithms). p <= 1: no faster than log n.
 */
void bench_slope_print(const struct bench_slope *slope, const struct bench_options *options);

#endif
