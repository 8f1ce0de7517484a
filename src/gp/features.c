/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/features.h"

#include "base/memory.h"
#include "base/par.h"
#include "base/watch.h"
#include "gp/cholesky.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* out[rows][16] = K(row, lane). */
static void covariances(double *out, const struct gp_form *form, const struct gp_kernel *kernel, const struct gp_tiles *tiles,
                        const double *const *row, unsigned rows, const double *panel, const double *const *lane)
{
    if (form->shape == GP_CUSTOM) kernel->tile(kernel->ctx, out, row, rows, lane, GP_LANES);
    else tiles->covariances(out, row, rows, panel, form);
}

void gp_rho_tile(double *out, const struct gp_features *features, const struct gp_row *row, unsigned rows, const struct gp_panel *panel,
                 const double *const *lane)
{
    _Alignas(64) double dot[GP_ROWS * GP_LANES];
    const double *v[GP_ROWS] = { NULL }, *x[GP_ROWS] = { NULL };

    if (features->form.shape != GP_CUSTOM) {
        features->tiles->rho(out, row, rows, panel, &features->form);
        return;
    }
    for (unsigned i = 0; i < rows; i++) {
        v[i] = row[i].v;
        x[i] = row[i].x;
    }
    features->tiles->dots(dot, v, rows, panel->v, features->form.m);
    features->kernel->tile(features->kernel->ctx, out, x, rows, lane, GP_LANES);
    for (unsigned i = 0; i < rows * GP_LANES; i++) out[i] = (out[i] - dot[i]) * (row[i / GP_LANES].isp * panel->isp[i % GP_LANES]);
}

void gp_rho_pairs(double *out, const struct gp_features *features, const struct gp_row *row, const struct gp_row *other, unsigned n)
{
    const double *x[GP_ROWS] = { NULL };
    double k[GP_ROWS];

    if (features->form.shape != GP_CUSTOM) {
        features->tiles->pairs(out, row, 0, other, n, &features->form);
        return;
    }
    for (unsigned i = 0; i < n; i++) x[i] = other[i].x;
    features->kernel->tile(features->kernel->ctx, k, &row->x, 1, x, n);
    for (unsigned i = 0; i < n; i++) {
        double sum = 0;

        for (uint32_t l = 0; l < features->form.m; l++) sum = fma(row->v[l], other[i].v[l], sum);
        out[i] = (k[i] - sum) * (row->isp * other[i].isp);
    }
}

/* ---- inducing points ---------------------------------------------------------------------------------------------------------------------- */

static struct gp_form form_of(const struct gp_kernel *kernel, uint32_t m)
{
    return (struct gp_form){ kernel->shape, kernel->variance, m, kernel->dim };
}

/* 16 rows from `first` on, coordinate-major; lanes beyond the last repeat it. */
static void turn(double *panel, const double **lane, const double *row, size_t first, size_t n, uint32_t dim)
{
    for (size_t i = 0; i < GP_LANES; i++) {
        const double *from = row + (first + i < n ? first + i : n - 1) * dim;

        lane[i] = from;
        for (uint32_t t = 0; t < dim; t++) panel[(size_t)t * GP_LANES + i] = from[t];
    }
}

/* panel[m][16] = K(Z, lanes) */
static void against_inducing(double *panel, const struct gp_inducing *z, const double *coordinates, const double *const *lane)
{
    const struct gp_form form = form_of(z->kernel, z->m);
    const double *from = form.shape == GP_CUSTOM ? z->point : z->x;

    for (uint32_t first = 0; first < z->m; first += GP_ROWS) {
        const uint32_t rows = z->m - first < GP_ROWS ? z->m - first : GP_ROWS;
        const double *row[GP_ROWS] = { NULL };

        for (uint32_t i = 0; i < rows; i++) row[i] = from + (size_t)(first + i) * form.dim;
        covariances(panel + (size_t)first * GP_LANES, &form, z->kernel, z->tiles, row, rows, coordinates, lane);
    }
}

static int scale(double *out, const struct gp_kernel *kernel, const double *point, size_t n, const char *what, struct pcct_error *err)
{
    const size_t dim = kernel->dim;

    gp_kernel_scale(out, kernel, point, n);
    for (size_t i = 0; i < n * dim; i++) {
        if (fabs(out[i]) < METRIC_COORDINATE_LIMIT) continue;
        return base_fail(err, PCCT_E_INVALID, "coordinate %zu of %s %zu is too large for its lengthscale", i % dim + 1, what, i / dim);
    }
    return 0;
}

static int inducing_matrix(double *matrix, const struct gp_inducing *z, struct pcct_error *err)
{
    const uint32_t dim = z->kernel->dim, m = z->m;
    double *panel = NULL, *value = NULL;
    const double *lane[GP_LANES];
    int status = 0;

    TRY(base_take(&panel, z->env, (size_t)dim * GP_LANES, sizeof *panel, err));
    TRY(base_take(&value, z->env, (size_t)m * GP_LANES, sizeof *value, err));
    for (uint32_t first = 0; first < m; first += GP_LANES) {
        turn(panel, lane, z->kernel->shape == GP_CUSTOM ? z->point : z->x, first, m, dim);
        against_inducing(value, z, panel, lane);
        for (uint32_t l = 0; l < m; l++) {
            for (uint32_t i = 0; i < GP_LANES && first + i < m; i++) {
                matrix[(size_t)(first + i) * m + l] = value[(size_t)l * GP_LANES + i];
                if (isfinite(value[(size_t)l * GP_LANES + i])) continue;
                TRY(base_fail(err, PCCT_E_INVALID, "the kernel of inducing points %u and %u is not finite", l, first + i));
            }
        }
    }
done:
    base_free(z->env, value);
    base_free(z->env, panel);
    return status;
}

int gp_inducing_make(struct gp_inducing *inducing, const struct gp_kernel *kernel, const double *point, uint32_t m, double jitter,
                     const struct gp_tiles *tiles, const struct base_env *env, struct pcct_error *err)
{
    const size_t cells = (size_t)m * kernel->dim;
    double *matrix = NULL;
    uint32_t row = 0;
    int status = 0;

    memset(inducing, 0, sizeof *inducing);
    inducing->env = env;
    inducing->kernel = kernel;
    inducing->tiles = tiles;
    inducing->m = m;
    TRY(base_take(&inducing->point, env, cells, sizeof(double), err));
    TRY(base_take(&inducing->x, env, cells, sizeof(double), err));
    TRY(base_take(&inducing->factor, env, (size_t)m * m, sizeof(double), err));
    if (m == 0) goto done;
    memcpy(inducing->point, point, cells * sizeof(double));
    TRY(scale(inducing->x, kernel, point, m, "inducing point", err));
    TRY(base_take(&matrix, env, (size_t)m * m, sizeof *matrix, err));
    TRY(inducing_matrix(matrix, inducing, err));
    for (inducing->jitter = jitter; ; inducing->jitter = fmin(10 * inducing->jitter, GP_JITTER_MAX)) {
        TRY(gp_cholesky(inducing->factor, &row, matrix, m, inducing->jitter * kernel->variance, tiles, env, err));
        if (row == m) break;
        if (inducing->jitter > 0 && inducing->jitter < GP_JITTER_MAX) continue;
        TRY(base_fail(err, PCCT_E_INVALID, "the kernel matrix of the inducing points is not positive definite at point %u even with a jitter of %g "
                      "of the variance; take fewer points, or points that are farther apart", row, inducing->jitter));
    }
done:
    base_free(env, matrix);
    return status;
}

void gp_inducing_free(struct gp_inducing *inducing)
{
    if (!inducing->env) return;
    base_free(inducing->env, inducing->point);
    base_free(inducing->env, inducing->x);
    base_free(inducing->env, inducing->factor);
    inducing->env = NULL;
}

/* ---- points ------------------------------------------------------------------------------------------------------------------------------- */

struct filling {
    struct gp_features *features;
    const struct gp_inducing *inducing;
    double *panel;  /* [threads][(m + dim) x 16] */
    uint64_t bad;   /* 1: a value is not finite */
    uint64_t floored;
};

static void fill(void *ctx, size_t begin, size_t end, int thread)
{
    struct filling *filling = ctx;
    struct gp_features *f = filling->features;
    const uint32_t m = f->form.m, dim = f->form.dim;
    double *v = filling->panel + (size_t)thread * (m + dim) * GP_LANES, *x = v + (size_t)m * GP_LANES;
    _Alignas(64) double sum[GP_LANES];
    const double *lane[GP_LANES];

    if (base_watch_stopped(f->env)) return;
    for (size_t first = begin * GP_LANES; first < end * GP_LANES && first < f->n; first += GP_LANES) {
        turn(x, lane, f->form.shape == GP_CUSTOM ? f->point : f->x, first, f->n, dim);
        against_inducing(v, filling->inducing, x, lane);
        gp_cholesky_solve(v, filling->inducing->factor, m, m, f->tiles);
        f->tiles->squares(sum, v, m);
        for (size_t i = 0; i < GP_LANES && first + i < f->n; i++) {
            double *row = f->v + (first + i) * m, p = f->form.variance - sum[i] + f->kernel->nugget;

            for (uint32_t l = 0; l < m; l++) row[l] = v[(size_t)l * GP_LANES + i];
            if (!isfinite(sum[i])) base_par_add(&filling->bad, 1);
            if (p < GP_FLOOR * f->form.variance) {
                p = GP_FLOOR * f->form.variance;
                base_par_add(&filling->floored, 1);
            }
            f->p[first + i] = p;
            f->isp[first + i] = 1 / sqrt(p);
        }
    }
}

static int take(struct gp_features *f, const struct gp_kernel *kernel, const double *point, size_t n, uint32_t m, const struct gp_tiles *tiles,
                const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    memset(f, 0, sizeof *f);
    f->env = env;
    f->form = form_of(kernel, m);
    f->kernel = kernel;
    f->tiles = tiles;
    f->n = n;
    f->point = point;
    TRY(base_take(&f->x, env, n * kernel->dim, sizeof(double), err));
    TRY(base_take(&f->v, env, n * m, sizeof(double), err));
    TRY(base_take(&f->p, env, n, sizeof(double), err));
    TRY(base_take(&f->isp, env, n, sizeof(double), err));
    TRY(scale(f->x, kernel, point, n, "point", err));
done:
    return status;
}

int gp_features_make(struct gp_features *features, const struct gp_inducing *inducing, const double *point, size_t n, const struct base_env *env,
                     struct pcct_error *err)
{
    const struct gp_kernel *kernel = inducing->kernel;
    struct filling filling = { features, inducing, NULL, 0, 0 };
    int status = 0;

    TRY(take(features, kernel, point, n, inducing->m, inducing->tiles, env, err));
    TRY(base_take(&filling.panel, env, (size_t)base_par_threads(env) * (inducing->m + kernel->dim) * GP_LANES, sizeof(double), err));
    base_par_for(env, (n + GP_LANES - 1) / GP_LANES, 4, fill, &filling);
    TRY(base_watch_check(env, err));
    features->floored = filling.floored;
    if (filling.bad > 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "the kernel of %" PRIu64 " points and the inducing points is not finite", filling.bad));
    }
done:
    base_free(env, filling.panel);
    return status;
}

int gp_features_given(struct gp_features *features, const struct gp_kernel *kernel, const double *point, const double *v, const double *p, size_t n,
                      uint32_t m, const struct gp_tiles *tiles, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    TRY(take(features, kernel, point, n, m, tiles, env, err));
    for (size_t i = 0; i < n * m; i++) {
        if (!isfinite(v[i])) TRY(base_fail(err, PCCT_E_INVALID, "feature %zu of point %zu is not finite", i % m, i / m));
        features->v[i] = v[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] > 0 && isfinite(p[i]))) TRY(base_fail(err, PCCT_E_INVALID, "the variance p of point %zu is %g; it must be positive", i, p[i]));
        features->p[i] = p[i];
        features->isp[i] = 1 / sqrt(p[i]);
    }
done:
    return status;
}

void gp_features_free(struct gp_features *features)
{
    if (!features->env) return;
    base_free(features->env, features->x);
    base_free(features->env, features->v);
    base_free(features->env, features->p);
    base_free(features->env, features->isp);
    features->env = NULL;
}
