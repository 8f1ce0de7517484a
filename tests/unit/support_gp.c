/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void support_gp_tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    const uint32_t dim = *(const uint32_t *)ctx;

    for (size_t i = 0; i < na; i++) {
        for (size_t j = 0; j < nb; j++) {
            double sum = 0;

            for (uint32_t t = 0; t < dim; t++) sum += fabs(a[i][t] - b[j][t]);
            out[i * nb + j] = exp(-sum);
        }
    }
}

static double *points_of(const struct support_gp_case *c, size_t n, uint64_t seed)
{
    double *point = malloc((n * c->dim + 1) * sizeof *point);
    struct base_random random;

    base_random_seed(&random, seed);
    if (!c->gauss) support_points(point, n, c->dim, c->points, seed);
    for (size_t i = 0; c->gauss && i < n * c->dim; i++) point[i] = base_random_gauss(&random);
    for (size_t i = c->few * c->dim; c->few > 0 && i < c->m * c->dim && i < n * c->dim; i++) {
        point[i] = point[i % (c->few * c->dim)] + 0.02 * base_random_gauss(&random);
    }
    return point;
}

/* A kernel whose K(x, x) is not the same everywhere: that of support_gp_tile() times a size of each point. */
static double size_at(const double *x)
{
    return 0.3 + 0.7 * fabs(sin(3 * x[0]));
}

static void sized_tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    support_gp_tile(ctx, out, a, na, b, nb);
    for (size_t i = 0; i < na * nb; i++) out[i] *= size_at(a[i / nb]) * size_at(b[i % nb]);
}

/* Computed features become some that a caller might bring. */
static void bring(struct gp_features *f, const struct support_gp_case *c, const struct base_env *env, uint64_t seed)
{
    const size_t m = f->form.m;
    double *v = malloc((f->n * m + 1) * sizeof *v), *p = malloc((f->n + 1) * sizeof *p);
    struct gp_features own;
    struct pcct_error err = { 0, "" };
    struct base_random random;

    base_random_seed(&random, seed);
    for (size_t i = 0; i < f->n; i++) {
        double square = 0;

        for (size_t l = 0; l < m; l++) {
            v[i * m + l] = f->v[i * m + l];
            square += f->v[i * m + l] * f->v[i * m + l];
            if (c->given == SUPPORT_GP_CRUDE) v[i * m + l] = c->seed % 2 ? (double)(float)v[i * m + l] : ldexp(rint(ldexp(v[i * m + l], 8)), -8);
            if (c->given == SUPPORT_GP_ANYTHING) v[i * m + l] = base_random_gauss(&random) * sqrt(c->variance / (double)m);
        }
        p[i] = f->p[i];
        if (c->given == SUPPORT_GP_NOISY) p[i] += c->variance * base_random_unit(&random);
        if (c->given == SUPPORT_GP_DIAGONAL) {
            const double at = size_at(f->point + i * c->dim), diagonal = c->variance * at * at;

            p[i] = fmax(diagonal - square + c->nugget, GP_FLOOR * diagonal);
        }
        if (c->given == SUPPORT_GP_SHORT || c->given == SUPPORT_GP_ANYTHING) p[i] *= pow(4, 2 * base_random_unit(&random) - 1);
    }
    support_ok(gp_features_given(&own, f->kernel, f->point, v, p, f->n, (uint32_t)m, f->tiles, env, &err), &err);
    gp_features_free(f);
    *f = own;
    free(v);
    free(p);
}

void support_gp_start(struct support_gp *s, const struct support_gp_case *c)
{
    const struct gp_tiles *tiles = gp_tiles_choose(c->isa);
    struct pcct_error err = { 0, "" };
    struct base_random random;

    memset(s, 0, sizeof *s);
    support_env_start(&s->env, c->threads > 0 ? c->threads : 2);
    s->n = c->n;
    s->nq = c->nq;
    s->point = points_of(c, c->n, c->seed);
    s->query = points_of(c, c->nq, c->seed + 1000);
    s->lengthscale = malloc(c->dim * sizeof *s->lengthscale);
    s->member = malloc((c->n + 1) * sizeof *s->member);
    s->rank = malloc((c->n + 1) * sizeof *s->rank);
    s->label = malloc((c->n + 1) * sizeof *s->label);
    for (uint32_t t = 0; t < c->dim; t++) s->lengthscale[t] = c->lengthscale * (1 + 0.1 * t);
    base_random_seed(&random, c->seed + 7);
    for (size_t i = 0; i < c->n; i++) {
        const size_t other = base_random_below(&random, i + 1);

        s->member[i] = (uint32_t)i;
        s->label[i] = (int64_t)((c->n - i) * 3);
        s->rank[i] = s->rank[other];
        s->rank[other] = (uint32_t)i;
    }
    s->kernel = (struct gp_kernel){ .shape = c->shape, .dim = c->dim, .lengthscale = s->lengthscale, .variance = c->variance > 0 ? c->variance : 1,
                                    .nugget = c->nugget };
    if (c->shape == GP_CUSTOM) {
        s->kernel.tile = c->given == SUPPORT_GP_DIAGONAL ? sized_tile : support_gp_tile;
        s->kernel.ctx = &s->kernel.dim;
        s->kernel.lengthscale = NULL;
    }
    support_ok(gp_inducing_make(&s->inducing, &s->kernel, s->point, (uint32_t)c->m, GP_JITTER, tiles, &s->env.env, &err), &err);
    support_ok(gp_features_make(&s->points, &s->inducing, s->point, c->n, &s->env.env, &err), &err);
    support_ok(gp_features_make(&s->queries, &s->inducing, s->query, c->nq, &s->env.env, &err), &err);
    if (c->given == SUPPORT_GP_COMPUTED) return;
    bring(&s->points, c, &s->env.env, c->seed);
    bring(&s->queries, c, &s->env.env, c->seed + 1);
}

void support_gp_finish(struct support_gp *s)
{
    gp_features_free(&s->queries);
    gp_features_free(&s->points);
    gp_inducing_free(&s->inducing);
    free(s->point);
    free(s->query);
    free(s->lengthscale);
    free(s->member);
    free(s->rank);
    free(s->label);
    support_env_finish(&s->env);
}

double support_gp_rho(const struct gp_features *a, size_t i, const struct gp_features *b, size_t j)
{
    const uint32_t m = a->form.m, dim = a->form.dim;
    _Alignas(64) double d2[16] = { 0 }, k[16];
    double sum = 0;

    for (uint32_t l = 0; l < m; l++) sum = fma(a->v[i * m + l], b->v[j * m + l], sum);
    for (uint32_t t = 0; t < dim; t++) {
        const double difference = a->x[i * dim + t] - b->x[j * dim + t];

        d2[0] = fma(difference, difference, d2[0]);
    }
    if (a->form.shape == GP_CUSTOM) {
        const double *x = a->point + i * dim, *y = b->point + j * dim;

        a->kernel->tile(a->kernel->ctx, k, &x, 1, &y, 1);
    } else {
        gp_tiles_scalar.kernel(k, d2, 16, &a->form);
    }
    return (k[0] - sum) * (a->isp[i] * b->isp[j]);
}

static void expect_row(const struct support_gp *s, const struct support_gp_case *c, size_t row, const int64_t *labels, const double *distances,
                       int32_t count)
{
    const struct gp_features *asked = c->nq > 0 ? &s->queries : &s->points;
    struct base_topk_entry *entry = malloc((c->n + 1) * sizeof *entry);
    size_t n = 0;

    for (size_t j = 0; j < c->n; j++) {
        if (c->nq == 0 && (j == row || (c->predecessors && s->rank[j] >= s->rank[row]))) continue;
        entry[n++] = (struct base_topk_entry){ gp_key(support_gp_rho(asked, row, &s->points, j)), s->label[j] };
    }
    base_topk_sort(entry, n);
    if (n > c->k) n = c->k;
    assert_int_equal(count, n);
    for (size_t j = 0; j < c->k; j++) {
        if (j < n && (labels[j] != entry[j].id || distances[j] != sqrt(entry[j].key))) {
            fail_msg("seed %llu row %zu place %zu: label %lld at %.17g, not %lld at %.17g", (unsigned long long)c->seed, row, j,
                     (long long)labels[j], distances[j], (long long)entry[j].id, sqrt(entry[j].key));
        }
        if (j >= n) assert_true(labels[j] == -1 && isinf(distances[j]));
    }
    free(entry);
}

struct gp_work support_gp_expect(struct support_gp *s, const struct support_gp_case *c)
{
    const size_t rows = c->nq > 0 ? c->nq : c->n, step = rows / 60 + 1;
    const struct gp_ask ask = { .points = &s->points, .member = s->member, .members = c->n, .label = s->label,
                                .queries = c->nq > 0 ? &s->queries : NULL, .rank = c->predecessors ? s->rank : NULL, .k = c->k,
                                .brute = c->given >= SUPPORT_GP_KERNELS };
    int64_t *labels = malloc((rows * c->k + 1) * sizeof *labels);
    double *distances = malloc((rows * c->k + 1) * sizeof *distances);
    int32_t *counts = malloc((rows + 1) * sizeof *counts);
    struct pcct_error err = { 0, "" };
    struct gp_work work = { 0 };

    support_ok(gp_residual(labels, distances, counts, &ask, &work, &s->env.env, &err), &err);
    for (size_t row = 0; row < rows; row += step) expect_row(s, c, row, labels + row * c->k, distances + row * c->k, counts[row]);
    free(labels);
    free(distances);
    free(counts);
    return work;
}

struct support_gp_case support_gp_any(uint64_t seed)
{
    static const size_t sizes[] = { 1, 2, 17, 64, 65, 200, 700, 1500 }, inducing[] = { 0, 1, 4, 16, 40, 100 };
    static const uint32_t dims[] = { 1, 2, 2, 3, 3, 5, 8, 16 };
    struct support_gp_case c = { .seed = seed };
    struct base_random random;

    base_random_seed(&random, seed);
    c.n = sizes[base_random_below(&random, 8)];
    if (base_random_below(&random, 12) == 0) c.n = 4000;
    c.m = inducing[base_random_below(&random, 6)];
    if (c.m > c.n) c.m = c.n;
    c.dim = dims[base_random_below(&random, 8)];
    c.k = 1 + base_random_below(&random, 30);
    c.shape = (enum gp_shape)base_random_below(&random, 4);
    if (base_random_below(&random, 10) == 0) c.shape = GP_CUSTOM;
    c.lengthscale = pow(10, -2 + 3 * base_random_unit(&random));
    c.nugget = base_random_below(&random, 3) == 0 ? 0.1 : base_random_below(&random, 3) == 0 ? 1e-6 : 0;
    c.variance = base_random_below(&random, 4) == 0 && c.shape != GP_CUSTOM ? 37.5 : 1;
    c.gauss = (int)base_random_below(&random, 2);
    c.points = base_random_below(&random, 3) == 0 ? SUPPORT_GRID : SUPPORT_UNIFORM;
    c.predecessors = (int)base_random_below(&random, 2);
    if (base_random_below(&random, 3) == 0) {
        c.nq = 1 + base_random_below(&random, 200);
        c.predecessors = 0;
    }
    c.isa = base_random_below(&random, 4) == 0 ? METRIC_ISA_SCALAR : METRIC_ISA_BEST;
    return c;
}

struct support_gp_case support_gp_brought(uint64_t seed, enum support_gp_given kinds)
{
    struct support_gp_case c = support_gp_any(seed);

    c.given = (enum support_gp_given)(SUPPORT_GP_NOISY + seed % (kinds - SUPPORT_GP_NOISY));
    if (c.given == SUPPORT_GP_DIAGONAL) c.shape = GP_CUSTOM;
    if (c.shape == GP_CUSTOM) c.variance = 1;
    return c;
}

struct support_gp_case support_gp_wide(uint64_t seed)
{
    struct support_gp_case c = { .seed = seed, .gauss = 1 };
    struct base_random random;

    base_random_seed(&random, seed);
    c.n = 2200 + base_random_below(&random, 300);
    c.m = 64 + base_random_below(&random, 60);
    c.dim = 6 + (uint32_t)base_random_below(&random, 5);
    c.k = 1 + base_random_below(&random, 20);
    c.shape = base_random_below(&random, 2) == 0 ? GP_RBF : (enum gp_shape)base_random_below(&random, 4);
    c.few = 8 + base_random_below(&random, 10);
    c.lengthscale = 1 + 2 * base_random_unit(&random);
    c.nugget = base_random_below(&random, 5) == 0 ? 0.01 : 0;
    c.variance = base_random_below(&random, 3) == 0 ? 37.5 : 1;
    c.points = SUPPORT_UNIFORM;
    if (base_random_below(&random, 2) == 0) c.nq = 1 + base_random_below(&random, 150);
    else c.predecessors = base_random_below(&random, 3) == 0;
    c.isa = base_random_below(&random, 6) == 0 ? METRIC_ISA_SCALAR : METRIC_ISA_BEST;
    return c;
}
