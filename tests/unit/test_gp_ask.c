/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/gp_handle.h"

#include <math.h>
#include <string.h>

enum { N = 150, M = 7, K = 4, ASKED = 5 };

/* Labels that fall, so that none is the number of its point. */
struct scene {
    struct support_api s;
    double points[2 * N];
    int64_t label[N];
    struct pcct_kernel kernel;
    pcct_view *view;
    pcct_gp *gp;
    struct pcct_gp_info info;
    struct pcct_gp_ask_options ask;
    struct pcct_gp_work work;
    int64_t near[N * K];
    double far[N * K];
    int32_t count[N];
};

static void start(struct scene *scene, size_t m)
{
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    memset(scene, 0, sizeof *scene);
    support_points(scene->points, N, 2, SUPPORT_UNIFORM, 4);
    for (int i = 0; i < N; i++) scene->label[i] = 5 * (N - i);
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, scene->points, scene->label, N, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    scene->kernel = (struct pcct_kernel)PCCT_KERNEL_INIT;
    scene->kernel.name = "matern32";
    scene->kernel.inducing = scene->points;
    scene->kernel.m = m;
    open.kernel = &scene->kernel;
    support_ok(pcct_gp_open(&scene->gp, scene->view, &open, &err), &err);
    scene->info.size = sizeof scene->info;
    assert_int_equal(pcct_gp_describe(&scene->info, scene->gp), 0);
    scene->ask = (struct pcct_gp_ask_options)PCCT_GP_ASK_OPTIONS_INIT;
    scene->ask.counts = scene->count;
    scene->ask.work = &scene->work;
    scene->work.size = sizeof scene->work;
}

static void finish(struct scene *scene)
{
    pcct_gp_close(scene->gp);
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

/* The number of a label's point in the order of the view, which is that of labels. */
static size_t place_of(int64_t label)
{
    return (size_t)(label / 5 - 1);
}

/* The key of two points by the definition, from the features that are told. */
static double key(const struct scene *scene, size_t a, size_t b)
{
    const double *x = scene->points + 2 * (N - 1 - a), *y = scene->points + 2 * (N - 1 - b);
    const double s = sqrt(3) * hypot(x[0] - y[0], x[1] - y[1]);
    double k = (1 + s) * exp(-s);

    for (size_t l = 0; l < scene->info.m; l++) k -= scene->info.v[a * scene->info.m + l] * scene->info.v[b * scene->info.m + l];
    return 1 - fmin(fabs(k) / sqrt(scene->info.p[a] * scene->info.p[b]), 1);
}

/* Row `row` is of the point in place `from`: its nearest among those that are allowed. */
static void expect_row(const struct scene *scene, size_t row, size_t from, const char *allowed)
{
    size_t wanted = 0, nearer = 0;
    double last = -1;

    for (size_t i = 0; i < N; i++) wanted += allowed[i] != 0;
    if (wanted > K) wanted = K;
    assert_int_equal(scene->count[row], wanted);
    for (size_t j = 0; j < K; j++) {
        const size_t at = row * K + j;

        if (j >= wanted) {
            assert_true(scene->near[at] == -1 && isinf(scene->far[at]));
            continue;
        }
        assert_true(allowed[place_of(scene->near[at])]);
        assert_true(fabs(scene->far[at] * scene->far[at] - key(scene, from, place_of(scene->near[at]))) < 1e-9);
        assert_true(scene->far[at] >= last);
        last = scene->far[at];
    }
    for (size_t i = 0; i < N; i++) nearer += allowed[i] && key(scene, from, i) < last * last - 1e-9;
    assert_true(nearer < (wanted > 0 ? wanted : 1));
}

static void graph_and_predecessors(void **state)
{
    (void)state;
    for (size_t m = 0; m <= M; m += M) {
        struct pcct_filter_options by_label = PCCT_FILTER_OPTIONS_INIT;
        struct pcct_error err = { 0, "" };
        pcct_filter *filter = NULL;
        struct scene scene;
        char allowed[N];

        start(&scene, m);
        support_ok(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), &err);
        assert_true(scene.work.pairs > 0);
        memset(allowed, 1, sizeof allowed);
        for (size_t i = 0; i < N; i++) {
            allowed[i] = 0;
            expect_row(&scene, i, i, allowed);
            allowed[i] = 1;
        }
        by_label.order = PCCT_ORDER_LABEL;
        support_ok(pcct_filter_open(&filter, scene.view, &by_label, &err), &err);
        scene.ask.filter = filter;
        support_ok(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), &err);
        memset(allowed, 0, sizeof allowed);
        for (size_t i = 0; i < N; i++) {
            expect_row(&scene, i, i, allowed);
            allowed[i] = 1;
        }
        assert_int_equal(pcct_gp_knn(scene.near, scene.far, scene.gp, scene.points, 1, K, &scene.ask, &err), PCCT_E_INVALID);
        assert_int_equal(pcct_gp_knn_stored(scene.near, scene.far, scene.gp, scene.label, 1, K, &scene.ask, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, "pcct_gp_graph"));
        pcct_filter_close(filter);
        finish(&scene);
    }
}

/* Points of the store by label and by coordinates find the same, but for themselves; also among some points alone. */
static void stored_and_from_outside(void **state)
{
    static const int64_t some[] = { 5, 50, 100, 700 };
    struct pcct_filter_options those = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    struct scene scene;
    int64_t near[ASKED * K];
    double far[ASKED * K];
    char allowed[N];

    (void)state;
    start(&scene, M);
    memset(allowed, 1, sizeof allowed);
    support_ok(pcct_gp_knn_stored(near, far, scene.gp, scene.label + 20, ASKED, K, NULL, &err), &err);
    support_ok(pcct_gp_knn(scene.near, scene.far, scene.gp, scene.points + 40, ASKED, K, &scene.ask, &err), &err);
    assert_memory_equal(scene.near, near, sizeof near);
    assert_memory_equal(scene.far, far, sizeof far);
    for (size_t i = 0; i < ASKED; i++) expect_row(&scene, i, place_of(scene.label[20 + i]), allowed);
    scene.ask.exclude_self = 1;
    support_ok(pcct_gp_knn_stored(scene.near, scene.far, scene.gp, scene.label + 20, ASKED, K, &scene.ask, &err), &err);
    for (size_t i = 0; i < ASKED; i++) {
        allowed[place_of(scene.label[20 + i])] = 0;
        expect_row(&scene, i, place_of(scene.label[20 + i]), allowed);
        allowed[place_of(scene.label[20 + i])] = 1;
    }
    those.labels = some;
    those.n_labels = 4;
    support_ok(pcct_filter_open(&filter, scene.view, &those, &err), &err);
    scene.ask.filter = filter;
    memset(allowed, 0, sizeof allowed);
    for (size_t i = 0; i < 4; i++) allowed[place_of(some[i])] = 1;
    support_ok(pcct_gp_knn(scene.near, scene.far, scene.gp, scene.points + 40, ASKED, K, &scene.ask, &err), &err);
    for (size_t i = 0; i < ASKED; i++) expect_row(&scene, i, place_of(scene.label[20 + i]), allowed);
    support_ok(pcct_gp_knn_stored(scene.near, scene.far, scene.gp, some, 4, K, &scene.ask, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        allowed[place_of(some[i])] = 0;
        expect_row(&scene, i, place_of(some[i]), allowed);
        allowed[place_of(some[i])] = 1;
    }
    pcct_filter_close(filter);
    finish(&scene);
}

/* No queries, or none that may be found: the work is told, too, in the place of that of the call before. */
static void nothing_to_do(void **state)
{
    struct pcct_filter_options none = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    struct scene scene;
    char allowed[N] = { 0 };

    (void)state;
    start(&scene, M);
    for (int turn = 0; turn < 3; turn++) {
        support_ok(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), &err);
        assert_true(scene.work.pairs > 0);
        if (turn == 0) support_ok(pcct_gp_knn(NULL, NULL, scene.gp, NULL, 0, K, &scene.ask, &err), &err);
        if (turn == 1) support_ok(pcct_gp_knn_stored(NULL, NULL, scene.gp, NULL, 0, K, &scene.ask, &err), &err);
        if (turn < 2) assert_true(scene.work.pairs == 0 && scene.work.size == sizeof scene.work);
    }
    none.labels = scene.label;
    support_ok(pcct_filter_open(&filter, scene.view, &none, &err), &err);
    scene.ask.filter = filter;
    support_ok(pcct_gp_graph(NULL, NULL, scene.gp, K, &scene.ask, &err), &err);
    assert_true(scene.work.pairs == 0);
    support_ok(pcct_gp_knn(scene.near, scene.far, scene.gp, scene.points, 2, K, &scene.ask, &err), &err);
    for (size_t i = 0; i < 2; i++) expect_row(&scene, i, N - 1 - i, allowed);
    pcct_filter_close(filter);
    finish(&scene);
}

static void wrong_arguments(void **state)
{
    static const double bad[4] = { 0, 0, 0, NAN };
    static const int64_t unknown[2] = { 5, 6 };
    struct pcct_filter_options all = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    pcct_view *empty = NULL;
    struct scene scene;

    (void)state;
    start(&scene, M);
    assert_int_equal(pcct_gp_graph(scene.near, scene.far, scene.gp, 0, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_gp_graph(scene.near, scene.far, scene.gp, (size_t)INT32_MAX + 1, NULL, &err), PCCT_E_LIMIT);
    assert_int_equal(pcct_gp_graph(NULL, scene.far, scene.gp, K, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_gp_graph(scene.near, NULL, scene.gp, K, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_gp_knn(scene.near, scene.far, scene.gp, NULL, 1, K, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_gp_knn(scene.near, scene.far, scene.gp, bad, 2, K, NULL, &err), PCCT_E_POINT);
    assert_non_null(strstr(err.message, "row 1"));
    assert_int_equal(pcct_gp_knn(scene.near, scene.far, scene.gp, bad, (size_t)UINT32_MAX + 1, K, NULL, &err), PCCT_E_LIMIT);
    assert_int_equal(pcct_gp_knn_stored(scene.near, scene.far, scene.gp, unknown, (size_t)UINT32_MAX + 1, K, NULL, &err), PCCT_E_LIMIT);
    assert_int_equal(pcct_gp_knn_stored(scene.near, scene.far, scene.gp, NULL, 1, K, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_gp_knn_stored(scene.near, scene.far, scene.gp, unknown, 2, K, NULL, &err), PCCT_E_UNKNOWN);
    scene.ask.threads = -1;
    assert_int_equal(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), PCCT_E_INVALID);
    scene.ask.threads = 0;
    scene.work.size = 0;
    assert_int_equal(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), PCCT_E_INVALID);
    scene.work.size = sizeof scene.work;
    support_ok(pcct_view_open(&empty, scene.s.store, "v0", &err), &err);
    support_ok(pcct_filter_open(&filter, empty, &all, &err), &err);
    scene.ask.filter = filter;
    assert_int_equal(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "another view"));
    pcct_filter_close(filter);
    pcct_view_close(empty);
    finish(&scene);
}

/* With features of the caller's own: stored points alone. Those that were computed, given back, answer the same. */
static void features_of_the_callers(void **state)
{
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    static int64_t near[N * K];
    static double far[N * K];
    struct scene scene;
    pcct_gp *own = NULL;

    (void)state;
    start(&scene, M);
    support_ok(pcct_gp_graph(near, far, scene.gp, K, NULL, &err), &err);
    open.kernel = &scene.kernel;
    open.v = scene.info.v;
    open.p = scene.info.p;
    support_ok(pcct_gp_open(&own, scene.view, &open, &err), &err);
    support_ok(pcct_gp_graph(scene.near, scene.far, own, K, NULL, &err), &err);
    assert_memory_equal(scene.near, near, sizeof near);
    assert_memory_equal(scene.far, far, sizeof far);
    assert_int_equal(pcct_gp_knn(scene.near, scene.far, own, scene.points, 1, K, NULL, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "stored points"));
    pcct_gp_close(own);
    finish(&scene);
}

/* Points next to each other, without inducing ones: nearest by r, though distances descend by a rounding here and there. */
static void by_r_and_not_by_its_rounding(void **state)
{
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene scene;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    size_t descents = 0;

    (void)state;
    start(&scene, 0);
    for (int i = 0; i < 2 * N; i++) scene.points[i] = floor(scene.points[i] * 3) + 1e-9 * scene.points[i];
    support_api_commit(&scene.s, scene.points, scene.label, N, scene.label, N);
    support_ok(pcct_view_open(&view, scene.s.store, "main", &err), &err);
    open.kernel = &scene.kernel;
    support_ok(pcct_gp_open(&gp, view, &open, &err), &err);
    support_ok(pcct_gp_graph(scene.near, scene.far, gp, K, NULL, &err), &err);
    for (size_t i = 0; i < N; i++) {
        double last = 0;

        for (size_t j = 0; j < K; j++) {
            const double *x = scene.points + 2 * (N - 1 - i), *y = scene.points + 2 * (N - 1 - place_of(scene.near[i * K + j]));
            const double a = x[0] - y[0], b = x[1] - y[1], square = a * a + b * b;

            assert_true(square >= last);
            last = square;
            if (j == 0 || scene.far[i * K + j] >= scene.far[i * K + j - 1]) continue;
            assert_true(scene.far[i * K + j - 1] - scene.far[i * K + j] < 5e-8);
            descents++;
        }
    }
    assert_true(descents > 0); /* else this test says nothing */
    pcct_gp_close(gp);
    pcct_view_close(view);
    finish(&scene);
}

static int all_calls(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *scene = ctx;
    int status = 0;

    (void)env;
    TRY(pcct_gp_graph(scene->near, scene->far, scene->gp, K, &scene->ask, err));
    TRY(pcct_gp_knn_stored(scene->near, scene->far, scene->gp, scene->label, 2, K, NULL, err));
    TRY(api_gp_predecessors(scene->count, scene->far, scene->gp, scene->gp->node, 1, &scene->gp->env, &(struct block_work){ 0, 0, 0, 0 }, err));
done:
    return status;
}

/* The layout that the first question from outside makes stays with the handle; whatever was refused before is made by the next call. */
static void memory_runs_out(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    uint64_t n = 0;
    int status = 0;

    (void)state;
    start(&scene, M);
    scene.ask.threads = 1;
    do {
        support_env_fail(&scene.s.env, ++n);
        status = pcct_gp_knn(scene.near, scene.far, scene.gp, scene.points, ASKED, K, &scene.ask, &err);
        support_env_fail(&scene.s.env, 0);
        assert_true(status == 0 || status == PCCT_E_MEMORY);
    } while (status != 0);
    assert_true(n > 10);
    for (size_t i = 0; i < ASKED; i++) assert_true(scene.near[i * K] == scene.label[i]);
    assert_true(support_fail_each(&scene.s.env, all_calls, &scene) > 10);
    finish(&scene);
}

/* order[i] = N - 1 - i: ranks of what a filter with this order finds, rows as long as they are. */
static void ranks_of_predecessors(void **state)
{
    struct pcct_filter_options given = PCCT_FILTER_OPTIONS_INIT;
    struct block_work work = { 0, 0, 0, 0 };
    struct pcct_error err = { 0, "" };
    static int32_t rank[N * K];
    static double distance[N * K];
    pcct_filter *filter = NULL;
    struct scene scene;
    uint32_t order[N];

    (void)state;
    start(&scene, M);
    for (uint32_t i = 0; i < N; i++) order[i] = N - 1 - i;
    given.order = PCCT_ORDER_GIVEN;
    given.ordering = scene.label; /* falling, as order[] does */
    given.n_ordering = N;
    support_ok(pcct_filter_open(&filter, scene.view, &given, &err), &err);
    scene.ask.filter = filter;
    support_ok(pcct_gp_graph(scene.near, scene.far, scene.gp, K, &scene.ask, &err), &err);
    support_ok(api_gp_predecessors(rank, distance, scene.gp, order, K, &scene.gp->env, &work, &err), &err);
    assert_true(work.distances > 0);
    for (size_t i = 0, at = 0; i < N; i++) {
        for (size_t j = 0; j < (i < K ? i : K); j++, at++) {
            assert_true(scene.label[rank[at]] == scene.near[i * K + j]);
            assert_true(distance[at] == scene.far[i * K + j]);
        }
    }
    pcct_filter_close(filter);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_and_predecessors),
        cmocka_unit_test(stored_and_from_outside),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(features_of_the_callers),
        cmocka_unit_test(by_r_and_not_by_its_rounding),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(ranks_of_predecessors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
