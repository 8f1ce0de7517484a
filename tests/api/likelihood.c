/* SPDX-License-Identifier: Apache-2.0 */
/* What statistics says of the lists: Vecchia's approximation with all predecessors is exact, it comes nearer with more neighbours, and neighbours by
 * the kernel make it better than those by distance. Everything dense is computed here, from the definitions. */

#include "common.h"

#include <pcct/pcct.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 240, DIM = 2, M = 16 };
static const double lengthscale[DIM] = { 0.9, 0.09 }, nugget = 0.01;

struct fixture {
    char *folder;
    char path[4096];
    pcct_store *store;
    pcct_view *view;
    double point[N * DIM], y[N];
    double covariance[N * N]; /* of the process at hand, by label */
    double log_det;
};

static void ok(int status, const struct pcct_error *err)
{
    if (status != 0) fail_msg("%d: %s", status, err->message);
}

static double next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed + 0.5) / 4294967296.0;
}

static int start(void **test)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;
    uint32_t seed = 7;

    f->folder = folder_new();
    snprintf(f->path, sizeof f->path, "%s/s", f->folder);
    create.dim = DIM;
    ok(pcct_store_create(f->path, &create, &err), &err);
    ok(pcct_store_open(&f->store, f->path, NULL, &err), &err);
    for (size_t i = 0; i < N * DIM; i++) f->point[i] = next(&seed);
    for (size_t i = 0; i < N; i++) f->y[i] = sqrt(-2 * log(next(&seed))) * cos(6.283185307179586 * next(&seed));
    ok(pcct_batch_begin(&batch, f->store, "main", NULL, &err), &err);
    ok(pcct_batch_insert(batch, f->point, N, NULL, &err), &err);
    ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    ok(pcct_view_open(&f->view, f->store, "main", &err), &err);
    *test = f;
    return 0;
}

static int finish(void **test)
{
    struct fixture *f = *test;

    pcct_view_close(f->view);
    pcct_store_close(f->store);
    folder_free(f->folder);
    free(f);
    return 0;
}

/* ---- dense -------------------------------------------------------------------------------------------------------------------------------- */

/* Matern 3/2, variance 1. */
static double kernel_of(const double *a, const double *b)
{
    double sum = 0, s = 0;
    size_t j;

    for (j = 0; j < DIM; j++) sum += (a[j] - b[j]) / lengthscale[j] * ((a[j] - b[j]) / lengthscale[j]);
    s = sqrt(3 * sum);
    return (1 + s) * exp(-s);
}

/* a = L L^T in its lower half. */
static void factorise(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            for (size_t l = 0; l < j; l++) a[i * n + j] -= a[i * n + l] * a[j * n + l];
            if (i == j) a[j * n + j] = sqrt(a[j * n + j]);
            else a[i * n + j] /= a[j * n + j];
        }
    }
}

static void solve(double *x, const double *factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < i; l++) x[i] -= factor[i * n + l] * x[l];
        x[i] /= factor[i * n + i];
    }
}

/* The covariance of the process that a kernel leaves, with its noise; the log-likelihood of y under it. */
static double dense(struct fixture *f, const pcct_gp *gp)
{
    struct pcct_gp_info info = { .size = sizeof info };
    double *factor = malloc(sizeof f->covariance), x[N], sum = 0;

    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            double r = kernel_of(f->point + i * DIM, f->point + j * DIM);

            for (size_t l = 0; l < info.m; l++) r -= info.v[i * info.m + l] * info.v[j * info.m + l];
            f->covariance[i * N + j] = i == j ? info.p[i] : r;
        }
    }
    memcpy(factor, f->covariance, sizeof f->covariance);
    memcpy(x, f->y, sizeof x);
    factorise(factor, N);
    solve(x, factor, N);
    f->log_det = 0;
    for (size_t i = 0; i < N; i++) {
        f->log_det += 2 * log(factor[i * N + i]);
        sum += x[i] * x[i] + log(6.283185307179586);
    }
    free(factor);
    return -0.5 * (sum + f->log_det);
}

/* ---- by lists ----------------------------------------------------------------------------------------------------------------------------- */

struct vecchia {
    double log_likelihood, divergence; /* Kullback-Leibler's, from the dense density */
};

static struct vecchia approximate(const struct fixture *f, const struct pcct_ordering_options *how, size_t k)
{
    struct pcct_vecchia_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    struct vecchia sum = { 0, -0.5 * f->log_det };
    double *factor = malloc(k * k * sizeof *factor), *c = malloc(k * sizeof *c), *y = malloc(k * sizeof *y);
    pcct_vecchia *vecchia = NULL;

    ok(pcct_vecchia_open(&vecchia, f->view, k, how, &err), &err);
    assert_int_equal(pcct_vecchia_read(&rows, vecchia), 0);
    for (size_t r = 0; r < N; r++) {
        const size_t i = (size_t)rows.labels[r], n = (size_t)(rows.starts[r + 1] - rows.starts[r]);
        double mean = 0, variance = f->covariance[i * N + i];

        assert_int_equal(n, r < k ? r : k);
        for (size_t a = 0; a < n; a++) {
            const size_t at = (size_t)rows.labels[rows.ranks[rows.starts[r] + a]];

            for (size_t b = 0; b < n; b++) factor[a * n + b] = f->covariance[at * N + (size_t)rows.labels[rows.ranks[rows.starts[r] + b]]];
            c[a] = f->covariance[i * N + at];
            y[a] = f->y[at];
        }
        factorise(factor, n);
        solve(c, factor, n);
        solve(y, factor, n);
        for (size_t a = 0; a < n; a++) {
            mean += c[a] * y[a];
            variance -= c[a] * c[a];
        }
        sum.log_likelihood -= 0.5 * ((f->y[i] - mean) * (f->y[i] - mean) / variance + log(6.283185307179586 * variance));
        sum.divergence += 0.5 * log(variance);
    }
    pcct_vecchia_close(vecchia);
    free(factor);
    free(c);
    free(y);
    return sum;
}

static pcct_gp *open_kernel(const struct fixture *f, size_t m)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    double inducing[M * DIM];
    pcct_gp *gp = NULL;

    choose.lengthscale = lengthscale;
    ok(pcct_inducing_choose(inducing, NULL, &m, f->view, &choose, &err), &err);
    kernel.name = "matern32";
    kernel.lengthscale = lengthscale;
    kernel.nugget = nugget;
    kernel.inducing = inducing;
    kernel.m = m;
    open.kernel = &kernel;
    ok(pcct_gp_open(&gp, f->view, &open, &err), &err);
    return gp;
}

/* In one order, so that lists alone differ: for each k the divergence by lists of the kernel, below `most` and below a share of that by distances;
 * by lists of the residual process also less than by those of scaled distances, which know nothing of inducing points, while lists are short. */
static void compare(struct fixture *f, size_t m, const double *most, const double *share)
{
    static const size_t sizes[] = { 1, 2, 4, 8, 16 };
    struct pcct_ordering_options by_kernel = PCCT_ORDERING_OPTIONS_INIT, by_distance = PCCT_ORDERING_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_gp *gp = open_kernel(f, m);
    const double whole = dense(f, gp);
    int64_t order[N];
    double before = (double)INFINITY;

    by_kernel.gp = gp;
    by_kernel.kind = PCCT_ORDERING_MAXMIN;
    ok(pcct_ordering(order, f->view, &by_kernel, &err), &err);
    by_kernel.kind = by_distance.kind = PCCT_ORDERING_GIVEN;
    by_kernel.ordering = by_distance.ordering = order;
    by_kernel.n_ordering = by_distance.n_ordering = N;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct vecchia ours = approximate(f, &by_kernel, sizes[i]), theirs = approximate(f, &by_distance, sizes[i]);
        struct vecchia scaled;

        by_distance.lengthscale = lengthscale;
        scaled = approximate(f, &by_distance, sizes[i]);
        by_distance.lengthscale = NULL;

        assert_true(ours.divergence > 0 && ours.divergence < before);
        assert_true(ours.divergence < most[i] && ours.divergence < share[i] * theirs.divergence);
        if (m == 0) assert_true(scaled.divergence == ours.divergence); /* the same lists */
        else if (sizes[i] <= 4) assert_true(ours.divergence < 0.95 * scaled.divergence);
        before = ours.divergence;
    }
    {
        const struct vecchia all = approximate(f, &by_kernel, N - 1);

        assert_true(fabs(all.divergence) < 1e-9 * fabs(f->log_det));
        assert_true(fabs(all.log_likelihood - whole) < 1e-10 * fabs(whole));
    }
    pcct_gp_close(gp);
}

static void by_correlation(void **test)
{
    static const double most[] = { 105, 46, 13, 3, 0.25 }, share[] = { 0.6, 0.4, 0.2, 0.1, 0.03 };

    compare(*test, 0, most, share);
}

static void by_residual_correlation(void **test)
{
    static const double most[] = { 55, 24, 7.2, 2.1, 0.5 }, share[] = { 0.5, 0.32, 0.16, 0.1, 0.08 };

    compare(*test, M, most, share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_correlation, start, finish),
        cmocka_unit_test_setup_teardown(by_residual_correlation, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
