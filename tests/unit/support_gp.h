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

/* Features as a caller of the library may bring them. */
enum support_gp_given {
    SUPPORT_GP_COMPUTED,
    SUPPORT_GP_NOISY,    /* p is greater by noise of each point's own */
    SUPPORT_GP_DIAGONAL, /* K(x, x) differs from point to point */
    SUPPORT_GP_KERNELS,  /* those from here on are of no kernel: a search may pass over points, brute force does not */
    SUPPORT_GP_SHORT = SUPPORT_GP_KERNELS, /* p times something from 0.25 to 4 */
    SUPPORT_GP_CRUDE,    /* v in single precision, or cruder */
    SUPPORT_GP_ANYTHING, /* any v, any p */
    SUPPORT_GP_ALL
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
    enum support_gp_given given;
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

/* Asks, and compares every answer with a plain comparison with all points; by brute force alone where features are of no kernel. Returns what was
 * done. */
struct gp_work support_gp_expect(struct support_gp *s, const struct support_gp_case *c);

/* Every tile of a table against plain loops. NULL: skipped, as the processor lacks them. */
void support_gp_tiles(const struct gp_tiles *tiles);

/* A random case: kernels, 1 to 16 dimensions, lengthscales 0.01 to 10, duplicates, points equal to inducing points, p near the floor. */
struct support_gp_case support_gp_any(uint64_t seed);
/* The same with features of one of the first `kinds` that callers bring. */
struct support_gp_case support_gp_brought(uint64_t seed, enum support_gp_given kinds);
/* A random case of many dimensions, most of which want the cascade. */
struct support_gp_case support_gp_wide(uint64_t seed);

#endif
