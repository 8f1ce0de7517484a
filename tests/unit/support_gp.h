/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_GP_H
#define TESTS_SUPPORT_GP_H

#include "support.h"

#include "gp/residual.h"

/* Points with features under a kernel. Shapes of data: as support_points(), or standard normal. */
struct support_gp {
    struct support_env env;
    struct gp_kernel kernel;
    struct gp_inducing inducing;
    struct gp_features points, queries;
    double *point, *query, *lengthscale;
    uint32_t *member, *rank;
    int64_t *label;  /* not the points' numbers, and not ascending */
    size_t n, nq;
};

struct support_gp_case {
    size_t n, nq, m, k;
    uint32_t dim;
    enum gp_shape shape;
    double lengthscale, nugget, variance;
    int gauss;         /* 1: standard normal points; 0: support_points() of shape `points` */
    enum support_shape points;
    size_t few;        /* the inducing points stand close around the first few of them; 0: they do not */
    int predecessors;
    int threads;
    enum metric_isa isa;
    uint64_t seed;
};

/* A custom kernel, for GP_CUSTOM: exp(-sum of sizes), which is positive definite. */
void support_gp_tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb);

/* The first m points are the inducing ones. */
void support_gp_start(struct support_gp *s, const struct support_gp_case *c);
void support_gp_finish(struct support_gp *s);

/* rho of two rows of features by its definition, in a plain loop; the kernel's value by the scalar tiles. */
double support_gp_rho(const struct gp_features *a, size_t i, const struct gp_features *b, size_t j);

/* Asks, and compares every answer with a plain comparison with all points. Returns what was done. */
struct gp_work support_gp_expect(struct support_gp *s, const struct support_gp_case *c);

/* Every tile of a table against plain loops. NULL: skipped, as the processor lacks them. */
void support_gp_tiles(const struct gp_tiles *tiles);

/* A random case: kernels, 1 to 16 dimensions, lengthscales 0.01 to 10, duplicates, points equal to inducing points, p near the floor. */
struct support_gp_case support_gp_any(uint64_t seed);
/* A random case of many dimensions, most of which want the cascade. */
struct support_gp_case support_gp_wide(uint64_t seed);

#endif
