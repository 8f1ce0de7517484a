/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <stddef.h>
#include <stdint.h>

enum bench_shape {
    BENCH_GAUSSIAN, /* independent standard normal coordinates */
    BENCH_UNIFORM,  /* independent coordinates in [0, 1) */
    BENCH_CLUSTERS, /* 1000 centres uniform in [0, 10)^dim, each with a spread of its own, lognormal around 0.5 */
    BENCH_MANIFOLD, /* 5 normal numbers, random cosine features of them, rotated, plus normal noise of 0.01 */
    BENCH_LATTICE,  /* whole numbers below a side that gives about 32768 places (at least 2); every 8th point stands where the one before stands */
    BENCH_LINE,     /* the i-th point is (i, ..., i): sorted, equal steps */
    BENCH_SPREAD6,  /* standard normal, shrunk by 10^-u, u uniform in [0, 6): distances over 6 decades */
    BENCH_SPREAD12, /* the same over 12 decades */
    BENCH_CITIES    /* places from a file, see cities.h, which is to be read first */
};

/* By name: gaussian, uniform, clusters, manifold, lattice, line, spread6, spread12, cities. -1: no such name. */
int bench_shape_named(enum bench_shape *shape, const char *name);
const char *bench_shape_name(enum bench_shape shape);

/* An endless series of points of a shape, in a fixed order for each seed. What belongs to the shape (centres, rotation) is the same for every
 * seed, so series of different seeds are draws of one distribution. */
struct bench_series;
struct bench_series *bench_series_open(enum bench_shape shape, size_t dim, uint64_t seed);
void bench_series_next(double *points, struct bench_series *series, size_t n);
void bench_series_close(struct bench_series *series);

/* The first n points of a series. */
void bench_points(double *points, enum bench_shape shape, size_t n, size_t dim, uint64_t seed);

#endif
