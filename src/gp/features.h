/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_FEATURES_H
#define GP_FEATURES_H

#include "gp/tiles.h"

/*
 * The residual process of a kernel given its values at m inducing points Z: with L L^T = K(Z, Z) + jitter I,
 *   v = L^-1 K(Z, x),  p = K(x, x) - |v|^2 + nugget, at least GP_FLOOR K(x, x),
 *   rho(a, b) = (K(a, b) - v_a . v_b) (1/sqrt(p_a) 1/sqrt(p_b)),  key = 1 - min(|rho|, 1),  d = sqrt(key).
 * All in double precision, in an order that is fixed to the bit (gp/kernel.h).
 */
#define GP_FLOOR 1e-9
#define GP_JITTER 1e-6 /* of the variance; ten times as much until the factor exists, at most GP_JITTER_MAX */
#define GP_JITTER_MAX 1e-2

struct gp_inducing {
    const struct base_env *env;
    const struct gp_kernel *kernel; /* borrowed */
    const struct gp_tiles *tiles;
    uint32_t m;
    double *point;   /* [m x dim] as they were given */
    double *x;       /* [m x dim] scaled */
    double *factor;  /* [m x m] */
    double jitter;   /* used */
};

/* point[m x dim] are copied; m may be 0. gp_inducing_free() in any case. Errors: INVALID (no factor even with the greatest jitter; a value of a
 * custom kernel that is not finite), MEMORY. */
int gp_inducing_make(struct gp_inducing *inducing, const struct gp_kernel *kernel, const double *point, uint32_t m, double jitter,
                     const struct gp_tiles *tiles, const struct base_env *env, struct pcct_error *err);
void gp_inducing_free(struct gp_inducing *inducing);

struct gp_features {
    const struct base_env *env;
    struct gp_form form;
    const struct gp_kernel *kernel; /* borrowed */
    const struct gp_tiles *tiles;
    size_t n;
    const double *point; /* [n x dim] the caller's coordinates, borrowed; what custom kernels see */
    double *x;           /* [n x dim] scaled */
    double *v;           /* [n x m] */
    double *p, *isp;     /* [n] and 1 / sqrt(p) */
    size_t floored;      /* points whose p was raised to the floor */
};

/* Of n points. point is borrowed. gp_features_free() in any case. Parallel. Errors: INVALID (a custom kernel's value that is not finite), MEMORY,
 * CANCELLED. */
int gp_features_make(struct gp_features *features, const struct gp_inducing *inducing, const double *point, size_t n, const struct base_env *env,
                     struct pcct_error *err);
/* The same of features the caller has: v[n x m], p[n] are copied. Errors: INVALID (p that is not positive or finite, v that is not finite),
 * MEMORY. */
int gp_features_given(struct gp_features *features, const struct gp_kernel *kernel, const double *point, const double *v, const double *p, size_t n,
                      uint32_t m, const struct gp_tiles *tiles, const struct base_env *env, struct pcct_error *err);
void gp_features_free(struct gp_features *features);

static inline struct gp_row gp_features_row(const struct gp_features *f, size_t i)
{
    return (struct gp_row){ f->v + i * f->form.m, (f->form.shape == GP_CUSTOM ? f->point : f->x) + i * f->form.dim, f->isp[i] };
}

/* out[rows x 16] = rho of rows and the points of a panel. lane[16]: those points as rows, for custom kernels; others do without. */
void gp_rho_tile(double *out, const struct gp_features *features, const struct gp_row *row, unsigned rows, const struct gp_panel *panel,
                 const double *const *lane);

/* out[n] = rho of one row and n others, at most 8, to the bit the same. */
void gp_rho_pairs(double *out, const struct gp_features *features, const struct gp_row *row, const struct gp_row *other, unsigned n);

/* The key: what answers are ordered by, before labels. */
static inline double gp_key(double rho)
{
    const double size = rho < 0 ? -rho : rho;

    return size < 1 ? 1 - size : 0;
}

/* What rounding may do to K - v.v at most, in its own unit: m + 16 roundings of sums that stay below K(x, x). An error of rho is then at most
 * gp_rounding / sqrt(p_a p_b). */
static inline double gp_rounding(const struct gp_form *form)
{
    return (form->m + 16) * 0x1p-53 * form->variance;
}

#endif
