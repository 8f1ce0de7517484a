/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels and questions by residual correlation, as a program has them. */

#include "common.h"

#include <pcct/pcct.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 700, DIM = 2, M = 12, K = 6 };

struct fixture {
    char *folder;
    char path[4096];
    pcct_store *store;
    double point[N * DIM];
};

static void ok(int status, const struct pcct_error *err)
{
    if (status != 0) fail_msg("%d: %s", status, err->message);
}

static uint64_t commit(struct fixture *f, const double *points, size_t n, const struct pcct_kernel *kernel)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    ok(pcct_batch_begin(&batch, f->store, "main", NULL, &err), &err);
    if (n > 0) ok(pcct_batch_insert(batch, points, n, NULL, &err), &err);
    if (kernel) ok(pcct_batch_set_kernel(batch, kernel, &err), &err);
    ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    return version;
}

static int start(void **test)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    uint32_t seed = 1;

    f->folder = folder_new();
    snprintf(f->path, sizeof f->path, "%s/s", f->folder);
    create.dim = DIM;
    ok(pcct_store_create(f->path, &create, &err), &err);
    ok(pcct_store_open(&f->store, f->path, NULL, &err), &err);
    for (size_t i = 0; i < N * DIM; i++) {
        seed = seed * 1664525u + 1013904223u;
        f->point[i] = seed / 4294967296.0;
    }
    commit(f, f->point, N, NULL);
    *test = f;
    return 0;
}

static int finish(void **test)
{
    struct fixture *f = *test;

    pcct_store_close(f->store);
    folder_free(f->folder);
    free(f);
    return 0;
}

/* A kernel of our own: exp of the sum of sizes. */
static void tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    size_t i, j;

    for (i = 0; i < na; i++) {
        for (j = 0; j < nb; j++) out[i * nb + j] = exp(-3 * (fabs(a[i][0] - b[j][0]) + fabs(a[i][1] - b[j][1])));
    }
    (void)ctx;
}

/* |rho| by the features that the library tells. */
static double rho(const struct pcct_gp_info *info, const double *point, size_t i, size_t j)
{
    const double *a = point + i * DIM, *b = point + j * DIM;
    double sum = 0, k = 0;
    size_t l;

    for (l = 0; l < info->m; l++) sum = fma(info->v[i * info->m + l], info->v[j * info->m + l], sum);
    tile(NULL, &k, &a, 1, &b, 1);
    return fabs((k - sum) * (1 / sqrt(info->p[i]) * (1 / sqrt(info->p[j]))));
}

static void expect_graph(const struct fixture *f, const pcct_gp *gp, int predecessors, const pcct_filter *filter)
{
    struct pcct_gp_info info = { .size = sizeof info };
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_gp_work work = { .size = sizeof work };
    int64_t *labels = malloc(sizeof *labels * N * K);
    double *distances = malloc(sizeof *distances * N * K);
    int32_t counts[N];
    struct pcct_error err = { 0, "" };

    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    ask.counts = counts;
    ask.filter = filter;
    ask.work = &work;
    ok(pcct_gp_graph(labels, distances, gp, K, &ask, &err), &err);
    assert_true(work.pairs > 0);
    for (size_t i = 0; i < N; i++) {
        double before = -1;

        assert_int_equal(counts[i], predecessors && i < K ? i : K);
        for (size_t j = 0; j < (size_t)counts[i]; j++) {
            const double key = 1 - fmin(rho(&info, f->point, i, (size_t)labels[i * K + j]), 1);

            assert_true(distances[i * K + j] == sqrt(key) && key >= before);
            before = key;
        }
        if (counts[i] < K) continue;
        for (size_t j = 0, closer = 0; j < (predecessors ? i : N); j++) {
            if (j != i) closer += 1 - fmin(rho(&info, f->point, i, j), 1) < before;
            assert_true(closer < K);
        }
    }
    free(labels);
    free(distances);
}

static void expect_same_features(const pcct_gp *a, const pcct_gp *b)
{
    struct pcct_gp_info one = { .size = sizeof one }, other = { .size = sizeof other };

    assert_int_equal(pcct_gp_describe(&one, a), 0);
    assert_int_equal(pcct_gp_describe(&other, b), 0);
    assert_int_equal(one.m, other.m);
    assert_memory_equal(one.v, other.v, N * one.m * sizeof *one.v);
    for (size_t i = 0; i < N; i++) assert_true(fabs(one.p[i] - other.p[i]) <= 0x1p-50);
}

/* A kernel that is not the same everywhere: s(a) s(b) exp(-3 (|..| + |..|)), with its diagonal s^2; correlations are those of the plain one. */
static void uneven(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    tile(ctx, out, a, na, b, nb);
    for (size_t i = 0; i < na * nb; i++) out[i] *= (1 + a[i / nb][0]) / 2 * ((1 + b[i % nb][0]) / 2);
}

static void own_diagonal(void **test)
{
    const struct fixture *f = *test;
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_gp_info info = { .size = sizeof info };
    static double v[N * M], diagonal[N], distances[2][N * K];
    static int64_t labels[2][N * K];
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;

    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    kernel.tile = tile;
    kernel.inducing = f->point;
    kernel.m = M;
    open.kernel = &kernel;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    ok(pcct_gp_graph(labels[0], distances[0], gp, K, NULL, &err), &err);
    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    for (size_t i = 0; i < N; i++) {
        const double s = (1 + f->point[i * DIM]) / 2;

        diagonal[i] = s * s;
        for (size_t l = 0; l < M; l++) v[i * M + l] = s * info.v[i * M + l];
    }
    pcct_gp_close(gp);
    kernel.tile = uneven;
    open.v = v;
    open.diagonal = diagonal;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    ok(pcct_gp_graph(labels[1], distances[1], gp, K, NULL, &err), &err);
    for (size_t i = 0; i < N * K; i++) assert_true(fabs(distances[0][i] * distances[0][i] - distances[1][i] * distances[1][i]) < 1e-9);
    pcct_gp_close(gp);
    pcct_view_close(view);
}

static void own_kernel(void **test)
{
    const struct fixture *f = *test;
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_filter_options rule = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_gp_info info = { .size = sizeof info };
    pcct_view *view = NULL;
    pcct_filter *filter = NULL;
    pcct_gp *gp = NULL, *given = NULL;
    struct pcct_error err = { 0, "" };
    int64_t label = 5, found[K];
    double distance[K], diagonal[N];

    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    kernel.tile = tile;
    kernel.inducing = f->point;
    kernel.m = M;
    open.kernel = &kernel;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    expect_graph(f, gp, 0, NULL);
    rule.order = PCCT_ORDER_LABEL;
    ok(pcct_filter_open(&filter, view, &rule, &err), &err);
    expect_graph(f, gp, 1, filter);
    ask.filter = filter;
    assert_int_equal(pcct_gp_knn(found, distance, gp, f->point, 1, K, &ask, &err), PCCT_E_INVALID);
    ask.filter = NULL;
    assert_int_equal(pcct_gp_knn_stored(found, distance, gp, &label, 1, 0, NULL, &err), PCCT_E_INVALID);
    label = 5000;
    assert_int_equal(pcct_gp_knn_stored(found, distance, gp, &label, 1, K, NULL, &err), PCCT_E_UNKNOWN);
    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    open.v = info.v; /* the same features, as the caller's */
    open.p = info.p;
    ok(pcct_gp_open(&given, view, &open, &err), &err);
    expect_graph(f, given, 0, NULL);
    assert_int_equal(pcct_gp_knn(found, distance, given, f->point, 1, K, NULL, &err), PCCT_E_INVALID);
    pcct_gp_close(given);
    open.diagonal = diagonal; /* and from it the same p */
    for (size_t i = 0; i < N; i++) diagonal[i] = 1;
    assert_int_equal(pcct_gp_open(&given, view, &open, &err), PCCT_E_INVALID); /* p beside it */
    open.p = NULL;
    ok(pcct_gp_open(&given, view, &open, &err), &err);
    expect_same_features(gp, given);
    pcct_gp_close(given);
    diagonal[7] = 1.5;
    assert_int_equal(pcct_gp_open(&given, view, &open, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "1.5"));
    open.diagonal = NULL;
    assert_int_equal(pcct_gp_open(&given, view, &open, &err), PCCT_E_INVALID);
    assert_null(given);
    open.v = NULL;
    open.diagonal = diagonal;
    assert_int_equal(pcct_gp_open(&given, view, &open, &err), PCCT_E_INVALID);
    pcct_gp_close(gp);
    pcct_filter_close(filter);
    pcct_view_close(view);
}

/* Set with a version, it holds for those after it and not for those before; another one is refused. */
static void kept_with_versions(void **test)
{
    struct fixture *f = *test;
    static const double scale[] = { 0.2, 0.3 };
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_metric metric = PCCT_METRIC_INIT;
    struct pcct_gp_info info = { .size = sizeof info };
    double inducing[M * DIM];
    size_t m = M;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    pcct_batch *batch = NULL;
    struct pcct_error err = { 0, "" };
    uint64_t set;

    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    assert_int_equal(pcct_gp_open(&gp, view, NULL, &err), PCCT_E_NOT_FOUND);
    ok(pcct_inducing_choose(inducing, NULL, &m, view, NULL, &err), &err);
    assert_int_equal(m, M);
    kernel.name = "matern32";
    kernel.lengthscale = scale;
    kernel.inducing = inducing;
    kernel.m = M;
    kernel.nugget = 0.01;
    pcct_view_close(view);
    set = commit(f, NULL, 0, &kernel);
    commit(f, f->point, 3, NULL);
    pcct_store_close(f->store);
    ok(pcct_store_open(&f->store, f->path, NULL, &err), &err);
    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    ok(pcct_gp_open(&gp, view, NULL, &err), &err);
    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    assert_string_equal(info.name, "matern32");
    assert_true(info.version == set && info.n == N + 3 && info.m == M && info.dim == DIM && info.nugget == 0.01 && info.variance == 1);
    assert_true(info.jitter == 1e-6 && info.jitter_used == 1e-6);
    assert_memory_equal(info.lengthscale, scale, sizeof scale);
    assert_memory_equal(info.inducing, inducing, sizeof inducing);
    pcct_gp_close(gp);
    open.kernel = &kernel;
    ok(pcct_gp_open(&gp, view, &open, &err), &err); /* the same one */
    pcct_gp_close(gp);
    kernel.nugget = 0.02;
    assert_int_equal(pcct_gp_open(&gp, view, &open, &err), PCCT_E_CONFLICT);
    assert_non_null(strstr(err.message, "digest"));
    open.override = 1;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    pcct_gp_close(gp);
    pcct_view_close(view);
    ok(pcct_view_open(&view, f->store, "v1", &err), &err);
    assert_int_equal(pcct_gp_parameters(&gp, view, &err), PCCT_E_NOT_FOUND);
    pcct_view_close(view);
    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    ok(pcct_gp_parameters(&gp, view, &err), &err);
    assert_int_equal(pcct_gp_metric(&metric, NULL, gp, &err), PCCT_E_INVALID); /* it answers no questions */
    pcct_gp_close(gp);
    pcct_view_close(view);
    ok(pcct_batch_begin(&batch, f->store, "main", NULL, &err), &err);
    assert_int_equal(pcct_batch_set(batch, "pcct.kernel", "rbf", &err), PCCT_E_INVALID);
    kernel.name = "cubic";
    assert_int_equal(pcct_batch_set_kernel(batch, &kernel, &err), PCCT_E_INVALID);
    ok(pcct_batch_set_kernel(batch, NULL, &err), &err);
    ok(pcct_batch_commit(&set, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    assert_int_equal(pcct_gp_open(&gp, view, NULL, &err), PCCT_E_NOT_FOUND);
    pcct_view_close(view);
}

/* The lengthscale of the kernel of main; 0: it has none. */
static double kernel_of_main(pcct_store *store)
{
    struct pcct_gp_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    double lengthscale = 0;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    int status;

    ok(pcct_view_open(&view, store, "main", &err), &err);
    status = pcct_gp_parameters(&gp, view, &err);
    if (status == 0) {
        ok(pcct_gp_describe(&info, gp), &err);
        lengthscale = info.lengthscale[0];
    } else {
        assert_int_equal(status, PCCT_E_NOT_FOUND);
    }
    pcct_gp_close(gp);
    pcct_view_close(view);
    return lengthscale;
}

/* Whatever is pruned, by rules or by policy: the version that set the kernel of one that stays is there, and no older kernel is taken for it. */
static void outlasts_pruning(void **test)
{
    static const double lengthscale[2][DIM] = { { 0.25, 1 }, { 0.5, 1 } };
    struct fixture *f = *test;
    struct pcct_prune_options prune = PCCT_PRUNE_OPTIONS_INIT, by_policy = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result result = { .size = sizeof result };
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_policy policy = PCCT_POLICY_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    kernel.name = "rbf";
    for (int i = 0; i < 2; i++) {
        kernel.lengthscale = lengthscale[i];
        commit(f, NULL, 0, &kernel);
        commit(f, f->point, 1, NULL);
    }
    prune.keep_last = 1;
    ok(pcct_prune(&result, f->store, &prune, &err), &err);
    assert_int_equal(result.left, 2);
    assert_true(kernel_of_main(f->store) == 0.5);

    policy.keep_last = 3;
    ok(pcct_policy_set(f->store, &policy, &err), &err);
    by_policy.by_policy = 1;
    for (int i = 0; i < 10; i++) commit(f, f->point, 1, NULL);
    ok(pcct_prune(&result, f->store, &by_policy, &err), &err);
    assert_int_equal(result.left, 4);
    assert_true(kernel_of_main(f->store) == 0.5);

    ok(pcct_batch_begin(&batch, f->store, "main", NULL, &err), &err);
    ok(pcct_batch_set_kernel(batch, NULL, &err), &err);
    ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    commit(f, f->point, 1, NULL);
    ok(pcct_prune(&result, f->store, &prune, &err), &err);
    assert_int_equal(result.left, 2); /* that there is none is said by a version, too */
    assert_true(kernel_of_main(f->store) == 0);
}

/* The numbers of all points, under themselves as labels. */
static void insert_numbers(int64_t *label, pcct_store *store)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;
    double row[N];

    for (size_t i = 0; i < N; i++) {
        label[i] = (int64_t)i;
        row[i] = (double)i;
    }
    ok(pcct_batch_begin(&batch, store, "main", NULL, &err), &err);
    ok(pcct_batch_insert(batch, row, N, label, &err), &err);
    ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
}

/* A store in the kernel's own metric, whose rows are numbers of points: a tree over distances alone, with the answers of the blocks. */
static void tree_of_the_true_metric(void **test)
{
    const struct fixture *f = *test;
    static const double scale[] = { 0.3, 0.3 };
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options how = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_metric metric = PCCT_METRIC_INIT, other = PCCT_METRIC_INIT;
    struct pcct_knn_options knn = PCCT_KNN_OPTIONS_INIT;
    struct pcct_gp_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct pcct_work work = { 0, 0, 0 };
    pcct_view *view = NULL, *tree = NULL;
    pcct_store *store = NULL;
    pcct_gp *gp = NULL;
    int64_t *near = malloc(sizeof *near * N * K), *found = malloc(sizeof *found * N * K), label[N];
    double *distance = malloc(sizeof *distance * N * K), *found_distance = malloc(sizeof *found_distance * N * K), slack = 0, outside = N;
    char path[4200];

    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    kernel.name = "rbf";
    kernel.lengthscale = scale;
    kernel.inducing = f->point;
    kernel.m = M;
    open.kernel = &kernel;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    ok(pcct_gp_graph(near, distance, gp, K, NULL, &err), &err);
    assert_int_equal(pcct_gp_describe(&info, gp), 0);
    ok(pcct_gp_metric(&metric, &slack, gp, &err), &err);
    assert_true(slack > 0 && slack < 1e-2);
    create.dim = 1;
    create.custom = how.custom = &metric;
    snprintf(path, sizeof path, "%s/tree", f->folder);
    ok(pcct_store_create(path, &create, &err), &err);
    ok(pcct_store_open(&store, path, &how, &err), &err);
    insert_numbers(label, store);
    ok(pcct_view_open(&tree, store, "main", &err), &err);
    ok(pcct_metric_check(tree, NULL, &err), &err); /* symmetric, and no triangle is broken */
    knn.exclude_self = 1;
    knn.work = &work;
    ok(pcct_knn_stored(found, found_distance, tree, label, N, K, &knn, &err), &err);
    assert_memory_equal(found, near, sizeof *near * N * K);
    for (size_t i = 0; i < N * K; i++) assert_true(fabs(found_distance[i] - slack - distance[i]) <= 0x1p-50);
    assert_true(work.distances < (uint64_t)N * N / 4);
    assert_int_equal(pcct_knn(found, found_distance, tree, &outside, 1, K, NULL, &err), PCCT_E_INVALID); /* no such point */
    pcct_view_close(tree);
    pcct_store_close(store);

    /* with other parameters it is another metric */
    pcct_gp_close(gp);
    kernel.nugget = 0.002;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    ok(pcct_gp_metric(&other, NULL, gp, &err), &err);
    how.custom = &other;
    assert_int_equal(pcct_store_open(&store, path, &how, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "residual-"));
    other.size = 3;
    assert_int_equal(pcct_gp_metric(&other, NULL, gp, &err), PCCT_E_INVALID);
    pcct_gp_close(gp);
    pcct_view_close(view);
    free(near);
    free(found);
    free(distance);
    free(found_distance);
}

static int stop(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx > 2;
}

static void questions_stop_when_asked(void **test)
{
    const struct fixture *f = *test;
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    int64_t *labels = malloc(sizeof *labels * N * K);
    double *distances = malloc(sizeof *distances * N * K);
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    struct pcct_error err = { 0, "" };
    int calls = 0;

    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    kernel.name = "rbf";
    kernel.inducing = f->point;
    kernel.m = M;
    open.kernel = &kernel;
    ok(pcct_gp_open(&gp, view, &open, &err), &err);
    ask.progress = stop;
    ask.progress_ctx = &calls;
    assert_int_equal(pcct_gp_graph(labels, distances, gp, K, &ask, &err), PCCT_E_CANCELLED);
    pcct_gp_close(gp);
    pcct_view_close(view);
    free(labels);
    free(distances);
}

static void inducing_points_of_all_kinds(void **test)
{
    const struct fixture *f = *test;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    double points[50 * DIM];
    int64_t labels[50];
    pcct_view *view = NULL;
    struct pcct_error err = { 0, "" };

    ok(pcct_view_open(&view, f->store, "main", &err), &err);
    for (choose.how = PCCT_INDUCING_FARTHEST; choose.how <= PCCT_INDUCING_RANDOM; choose.how++) {
        size_t m = 50;

        ok(pcct_inducing_choose(points, labels, &m, view, &choose, &err), &err);
        assert_true(choose.how == PCCT_INDUCING_NET ? m >= 1 && m <= 50 : m == 50);
        for (size_t i = 0; i < m; i++) {
            assert_memory_equal(points + i * DIM, f->point + labels[i] * DIM, DIM * sizeof *points);
            for (size_t j = 0; j < i; j++) assert_true(labels[i] != labels[j]);
        }
        m = 0;
        ok(pcct_inducing_choose(NULL, NULL, &m, view, &choose, &err), &err);
        assert_int_equal(m, 0);
    }
    {
        size_t m = 3;

        assert_int_equal(pcct_inducing_choose(points, labels, &m, view, &choose, &err), PCCT_E_INVALID);
    }
    pcct_view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(own_kernel, start, finish),
        cmocka_unit_test_setup_teardown(own_diagonal, start, finish),
        cmocka_unit_test_setup_teardown(kept_with_versions, start, finish),
        cmocka_unit_test_setup_teardown(outlasts_pruning, start, finish),
        cmocka_unit_test_setup_teardown(tree_of_the_true_metric, start, finish),
        cmocka_unit_test_setup_teardown(questions_stop_when_asked, start, finish),
        cmocka_unit_test_setup_teardown(inducing_points_of_all_kinds, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
