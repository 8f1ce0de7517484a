/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_KERNEL_H
#define GP_KERNEL_H

#include "base/env.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Covariance kernels K(a, b) = variance * shape(r), where r is the Euclidean distance of a and b after each coordinate was divided by its
 * lengthscale:
 *   rbf       exp(-r^2 / 2)
 *   matern12  exp(-r)
 *   matern32  (1 + s) exp(-s), s = sqrt(3) r
 *   matern52  (1 + s + s^2 / 3) exp(-s), s = sqrt(5) r
 * or a function of the caller's. The nugget is the variance of noise: it belongs to a point and itself alone.
 *
 * Everything is computed in double precision by sequences of operations that are fixed to the bit: sums run over coordinates in order, each step
 * one fused multiply-add; exp is a polynomial of our own (within 1 ulp, see tests). So values are the same on any machine, alone or in tiles.
 */
enum gp_shape { GP_RBF, GP_MATERN12, GP_MATERN32, GP_MATERN52, GP_SHAPES, GP_CUSTOM = GP_SHAPES };

struct gp_kernel {
    enum gp_shape shape;
    uint32_t dim;
    const double *lengthscale; /* [dim], borrowed; NULL: all 1 */
    double variance, nugget;
    /* GP_CUSTOM: out[na x nb] = K(a[i], b[j]) in the caller's coordinates, symmetric to the bit, any number of threads at once. K(x, x) is
     * `variance`. */
    void (*tile)(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb);
    void *ctx;
};

const char *gp_shape_name(enum gp_shape shape);
/* GP_SHAPES when no shape has this name. */
enum gp_shape gp_shape_named(const char *name);

/* Errors: INVALID, naming the parameter and what it must be. */
int gp_kernel_check(const struct gp_kernel *kernel, struct pcct_error *err);

/* out[n x dim] = rows divided by lengthscales. */
void gp_kernel_scale(double *out, const struct gp_kernel *kernel, const double *rows, size_t n);

#endif
