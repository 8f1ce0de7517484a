/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_BASIS_H
#define METRIC_BASIS_H

#include "base/env.h"
#include "metric/metric.h"

/*
 * A basis: a few directions along which points vary most, for metrics that sum squares. A point x, relative to a centre, is taken apart: its share
 * along the first axis is taken out of it, then that of what is left along the second, and so on; after m axes its *view* is (R, s[1], ..., s[m]),
 * R being the length of the rest. Two points are no further apart in view than they are, nearly (docs/algorithm.md): for axes whose lengths differ
 * from 1 by little it does not matter which they are, or whether they are orthogonal. Good ones leave little in the rest.
 */
enum { METRIC_AXES_MAX = 255 };

struct metric_basis {
    const double *centre; /* [dim] */
    const float *axis;    /* [axes][dim] */
    uint32_t dim, axes;
};

/* Axes by descending variance of n >= 1 rows, which are moved to their centre and multiplied by a power of two, *scale, that brings them to at most
 * 1: orthogonal iteration from a fixed start, the same for every number of threads. centre[dim], axis[axes x dim], axes < dim; share[axes]: what
 * part of the variance is along each, all 0 when there is none; first[n]: what the rows have along one of them. Errors: MEMORY. */
int metric_basis_find(double *centre, double *scale, float *axis, double *share, double *first, double *rows, size_t n, uint32_t dim, uint32_t axes,
                      const struct metric_kernels *kernels, const struct base_env *env, struct pcct_error *err);

/* By how much the squared length of an axis differs from 1 at most; infinite if something is no finite number. */
double metric_basis_defect(const struct metric_basis *basis);

/* The shares of a row along the axes from..to - 1, and what is left. rest[dim]: what the axes before left; at first metric_basis_start(). */
void metric_basis_start(double *rest, const struct metric_basis *basis, const double *row);
void metric_basis_project(double *share, double *rest, const struct metric_basis *basis, uint32_t from, uint32_t to,
                          const struct metric_kernels *kernels);

/* What a view along `axes` axes may be off by, relative to the distance of its point from the centre: rounding. */
double metric_basis_error(uint32_t dim, uint32_t axes);

#endif
