/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_TILES_H
#define GP_TILES_H

#include "gp/kernel.h"
#include "metric/metric.h"

/*
 * The inner loops: up to 8 rows (row-major, wherever they stand) against a panel of 16 points (coordinate-major, [m][16] and [dim][16], 64-byte
 * aligned). Tables for scalar, AVX2 and AVX-512 give the same bits.
 */
enum { GP_ROWS = 8, GP_LANES = 16, GP_BLOCK = 64, GP_PANELS = GP_BLOCK / GP_LANES, GP_PIVOTS = 16 };

struct gp_panel {
    const double *v;   /* [m][16] */
    const double *x;   /* [dim][16] */
    const double *isp; /* [16] 1 / sqrt(p); NaN in lanes without a point */
};

/* A point as a row: features, scaled coordinates, 1 / sqrt(p). */
struct gp_row {
    const double *v, *x;
    double isp;
};

struct gp_form {
    enum gp_shape shape;
    double variance;
    uint32_t m, dim;
};

/* The same in single precision, in panels of 32 and in units of the variance: only what is looked at is decided by these (gp/rounded.h). */
enum { GP_ROUNDED_LANES = 32, GP_ROUNDED_PANELS = GP_BLOCK / GP_ROUNDED_LANES };

struct gp_rounded_panel {
    const float *v, *x;   /* [m][32], [dim][32] */
    const float *isp;     /* [32]; NaN in lanes without a point */
    const float *error;   /* [32] */
};

struct gp_rounded_row {
    const float *v, *x;
    float isp, error;
};

/*
 * A few coordinates in whole numbers of 8 bits (gp/coarse.h): unit times these, `length` long, is off them by at most `error`, and off v in all by at
 * most `rest`.
 */
enum { GP_COARSE_ZERO = 128, GP_COARSE_FACTS = 4 };

struct gp_coarse_panel {
    const uint8_t *value; /* [m / 4][32][4], GP_COARSE_ZERO added */
    const float *x;       /* [dim][32] */
    const float *isp;     /* [32]; NaN in lanes without a point */
    const float *fact;    /* [4][32] unit, length, error, rest */
};

struct gp_coarse_row {
    const int8_t *value;
    const float *x, *fact; /* fact[4]: unit, length, error, rest */
    float isp, least;      /* what |rho| must come to */
    int32_t start;         /* - GP_COARSE_ZERO times the sum of value[] */
};

struct gp_tiles {
    const char *name;
    /* out[rows][16] = sum over l of row[l] * panel[l] */
    void (*dots)(double *out, const double *const *row, unsigned rows, const double *panel, uint32_t m);
    /* Forward substitution of up to 8 rows of a lower factor: sums[rows][16] are the dots of what stands left of column `first` with the panel above
     * that row, whose rows from there on are solved for in place. */
    void (*substitute)(double *panel, const double *sums, const double *const *row, unsigned rows, uint32_t first);
    /* out[16] = sum over l of panel[l]^2 */
    void (*squares)(double *out, const double *panel, uint32_t m);
    /* out[rows][16] = K(row, panel); not for GP_CUSTOM */
    void (*covariances)(double *out, const double *const *x, unsigned rows, const double *panel, const struct gp_form *form);
    /* out[rows][16] = rho; not for GP_CUSTOM */
    void (*rho)(double *out, const struct gp_row *row, unsigned rows, const struct gp_panel *panel, const struct gp_form *form);
    /* out[8][16] = rho of lanes `first` to first + 7 of one panel and another panel: the bits of `rho`; not for GP_CUSTOM */
    void (*cross)(double *out, const struct gp_panel *own, unsigned first, const struct gp_panel *panel, const struct gp_form *form);
    /* which of 16 values are, without sign, at least t; NaN is not */
    uint32_t (*above)(const double *value, double t);
    /* out[n] = rho of row[i step] and other[i], at most 8: the bits of `rho` */
    void (*pairs)(double *out, const struct gp_row *row, size_t step, const struct gp_row *other, unsigned n, const struct gp_form *form);
    /* out[rows][32] = rho, nearly */
    void (*filter)(float *out, const struct gp_rounded_row *row, unsigned rows, const struct gp_rounded_panel *panel, const struct gp_form *form);
    /* out[16]: the same of row[i step] and other[i], n at most 8 */
    void (*filter_pairs)(float *out, const struct gp_rounded_row *row, size_t step, const struct gp_rounded_row *other, unsigned n,
                         const struct gp_form *form);
    /* which of 32 values are, without sign and with row_error * error[i] added, at least t */
    uint32_t (*filter_above)(const float *value, const float *error, float row_error, float t);
    /* found[rows]: which of 32 points may have a |rho| of at least row.least, as far as coordinates in whole numbers tell; form->m is how many */
    void (*coarse)(uint32_t found[GP_ROWS], const struct gp_coarse_row *row, unsigned rows, const struct gp_coarse_panel *panel,
                   const struct gp_form *form);
    /* One of n values, which at least k of them are not below, and the greatest such or next to it. 64-byte aligned, with room up to the next
     * multiple of 16, which is written to. 1 <= k <= n; all finite. */
    float (*kth)(float *value, size_t n, size_t k);
    /* value[n] = variance * shape(d2[n]); n is a multiple of 16, both 64-byte aligned */
    void (*kernel)(double *value, const double *d2, size_t n, const struct gp_form *form);
    /* out[64] = sum over l of |v[panel][l][lane]| * most[l], for the four panels of a block that stand one after the other */
    void (*envelope)(double *out, const double *v, const double *most, uint32_t m);
    /* h[16][64] = G^T y / |y| for the queries whose coordinates are y[16][64], with 1 / |y| given; u[64] = |h|; far[64] = sqrt(1 - u^2), or a
     * little more */
    void (*project)(float *u, float *far, float *h, const float *g, const float *y, const float *inverse, float slack);
    /* the lanes of 64 with u[i] + slack >= c[i] * cosine - s[i] * sine */
    uint64_t (*reaching)(const float *u, const float *c, const float *s, float cosine, float sine, float slack);
    /* who[i]: those queries of mask[panel] for which point i of a block's 64, in that panel, has |h . y| + far sine[i] + slack >= cosine; y[16][64]
     * and sine[64] are the points' */
    void (*meet)(uint64_t who[GP_BLOCK], const uint64_t mask[GP_PANELS], const float *h, const float *far, const float *cosine, const float *y,
                 const float *sine, float slack);
    /* g[16][16] = lower * c * upper in double precision, then rounded, of the first `rows` rows of c (8 or 16), all 64-byte aligned; returns the sum
     * of the squares of g^T g */
    float (*gram)(float *g, const double *c, const double *lower, const double *upper, unsigned rows);
};

/* NULL when the processor lacks them. */
const struct gp_tiles *gp_tiles_choose(enum metric_isa isa);

extern const struct gp_tiles gp_tiles_scalar;
#if defined(__x86_64__)
extern const struct gp_tiles gp_tiles_avx2, gp_tiles_avx512, gp_tiles_vnni;
#endif

#endif
