/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 300, M = 9 };

struct scene {
    struct support_api s;
    pcct_view *view;
    double points[N * 2];
    int64_t label[N];
    struct pcct_ordering_options options;
};

/* Points on a coarse grid, so that ties and equal points are common; labels that fall and rise. scale divides the second column. */
static void start(struct scene *scene, const char *metric, double scale)
{
    const struct pcct_ordering_options options = PCCT_ORDERING_OPTIONS_INIT;
    struct base_random random;
    struct pcct_error err = { 0, "" };

    base_random_seed(&random, 8);
    for (int i = 0; i < N; i++) {
        scene->points[2 * i] = 0.5 * (double)base_random_below(&random, 20);
        scene->points[2 * i + 1] = (0.3 * (double)base_random_below(&random, 30) + 0.1) / scale;
        scene->label[i] = i * 7 % N - 60;
        scene->label[i] -= scene->label[i] <= -1;
    }
    support_api_start(&scene->s, metric);
    support_api_commit(&scene->s, scene->points, scene->label, N, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    scene->options = options;
}

static void finish(struct scene *scene)
{
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

/* The lists are those that a filter with this order gives, wherever the view has the same points; returns the ordering. */
static void expect(int64_t *labels, const struct scene *scene, const struct scene *divided)
{
    struct pcct_filter_options order = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_knn_options knn = PCCT_KNN_OPTIONS_INIT;
    struct pcct_vecchia_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    static int64_t near[N * M];
    static double distance[N * M];
    pcct_vecchia *vecchia = NULL;
    pcct_filter *filter = NULL;
    uint64_t at = 0;

    support_ok(pcct_ordering(labels, scene->view, &scene->options, &err), &err);
    support_ok(pcct_vecchia_open(&vecchia, scene->view, M, &scene->options, &err), &err);
    assert_int_equal(pcct_vecchia_read(&rows, vecchia), 0);
    assert_true(rows.n == N && rows.m == M);
    assert_memory_equal(rows.labels, labels, N * sizeof *labels);
    order.order = PCCT_ORDER_GIVEN;
    order.ordering = labels;
    order.n_ordering = N;
    support_ok(pcct_filter_open(&filter, divided->view, &order, &err), &err);
    knn.filter = filter;
    knn.exclude_self = 1;
    support_ok(pcct_knn_stored(near, distance, divided->view, labels, N, M, &knn, &err), &err);
    for (size_t i = 0; i < N; i++) {
        assert_true(rows.starts[i] == at);
        for (size_t j = 0; j < (i < M ? i : M); j++, at++) {
            assert_in_range(rows.ranks[at], 0, i - 1);
            assert_int_equal(labels[rows.ranks[at]], near[i * M + j]);
            assert_true(rows.distances[at] == distance[i * M + j]);
        }
    }
    assert_true(rows.starts[N] == at);
    pcct_filter_close(filter);
    pcct_vecchia_close(vecchia);
}

static void each_kind_and_its_neighbours(void **state)
{
    static const char *const metrics[] = { "euclidean", "haversine", "chebyshev" };
    int64_t labels[7][N], given[N];

    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        struct scene scene;

        start(&scene, metrics[turn], 1);
        for (int i = 0; i < N; i++) given[i] = scene.label[(i * 11 + 5) % N];
        for (int kind = 0; kind <= PCCT_ORDERING_GIVEN; kind++) {
            scene.options.kind = kind;
            scene.options.threads = kind % 3;
            scene.options.axis = 1;
            scene.options.seed = 5;
            scene.options.ordering = kind == PCCT_ORDERING_GIVEN ? given : NULL;
            scene.options.n_ordering = kind == PCCT_ORDERING_GIVEN ? N : 0;
            expect(labels[kind], &scene, &scene);
            for (int other = 1; other < kind; other++) assert_memory_not_equal(labels[other], labels[kind], sizeof given);
        }
        assert_memory_equal(labels[0], labels[PCCT_ORDERING_MAXMIN], sizeof given);
        assert_memory_equal(labels[PCCT_ORDERING_GIVEN], given, sizeof given);
        finish(&scene);
    }
}

/* As in a store of divided coordinates. */
static void lengthscales_divide(void **state)
{
    static const double lengthscale[2] = { 1, 0.7 };
    int64_t labels[N], of_divided[N];
    struct scene scene, divided;

    (void)state;
    start(&scene, "euclidean", 1);
    start(&divided, "euclidean", 0.7);
    for (int kind = PCCT_ORDERING_MAXMIN; kind <= PCCT_ORDERING_RANDOM; kind++) {
        struct pcct_error err = { 0, "" };

        scene.options.kind = divided.options.kind = kind;
        scene.options.lengthscale = lengthscale;
        expect(labels, &scene, &divided);
        support_ok(pcct_ordering(of_divided, divided.view, &divided.options, &err), &err);
        assert_memory_equal(labels, of_divided, sizeof labels);
    }
    finish(&divided);
    finish(&scene);
}

static void fails(struct scene *scene, int code, const char *words)
{
    const struct pcct_ordering_options plain = PCCT_ORDERING_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_vecchia *vecchia = (pcct_vecchia *)scene;
    int64_t labels[N];

    assert_int_equal(pcct_vecchia_open(&vecchia, scene->view, M, &scene->options, &err), code);
    assert_null(vecchia);
    assert_non_null(strstr(err.message, words));
    assert_int_equal(pcct_ordering(labels, scene->view, &scene->options, &err), code);
    scene->options = plain;
}

/* By a kernel: in the order of points divided by its lengthscales, the lists of pcct_gp_graph() with a filter of this order. */
static void expect_by_kernel(struct scene *scene, const pcct_gp *gp, const double *lengthscale)
{
    struct pcct_filter_options order = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_vecchia_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    static int64_t labels[N], near[N * M];
    static double distance[N * M];
    struct pcct_work work = { 0, 0, 0 };
    pcct_vecchia *vecchia = NULL;
    pcct_filter *filter = NULL;

    scene->options.gp = NULL;
    scene->options.lengthscale = lengthscale;
    support_ok(pcct_ordering(labels, scene->view, &scene->options, &err), &err);
    scene->options.gp = gp;
    scene->options.lengthscale = NULL;
    scene->options.work = &work;
    support_ok(pcct_vecchia_open(&vecchia, scene->view, M, &scene->options, &err), &err);
    assert_true(work.distances > 0);
    assert_int_equal(pcct_vecchia_read(&rows, vecchia), 0);
    assert_memory_equal(rows.labels, labels, sizeof labels);
    order.order = PCCT_ORDER_GIVEN;
    order.ordering = labels;
    order.n_ordering = N;
    support_ok(pcct_filter_open(&filter, scene->view, &order, &err), &err);
    ask.filter = filter;
    support_ok(pcct_gp_graph(near, distance, gp, M, &ask, &err), &err);
    for (size_t i = 0, at = 0; i < N; i++) {
        assert_true(rows.starts[i] == at);
        for (size_t j = 0; j < (i < M ? i : M); j++, at++) {
            assert_in_range(rows.ranks[at], 0, i - 1);
            assert_true(labels[rows.ranks[at]] == near[i * M + j] && rows.distances[at] == distance[i * M + j]);
        }
    }
    pcct_filter_close(filter);
    pcct_vecchia_close(vecchia);
}

static void by_a_kernel(void **state)
{
    static const double lengthscale[2] = { 7, 3 };
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene scene, another;
    pcct_gp *gp = NULL;
    pcct_vecchia *vecchia = NULL;
    int64_t labels[N];

    (void)state;
    start(&scene, "euclidean", 1);
    start(&another, "euclidean", 1);
    kernel.name = "matern32";
    kernel.lengthscale = lengthscale;
    kernel.inducing = scene.points;
    kernel.m = 10;
    kernel.nugget = 0.01; /* points lie on one another */
    open.kernel = &kernel;
    for (open.plain = 0; open.plain <= 1; open.plain++) {
        support_ok(pcct_gp_open(&gp, scene.view, &open, &err), &err);
        for (int kind = PCCT_ORDERING_MAXMIN; kind <= PCCT_ORDERING_COARSE; kind++) {
            scene.options.kind = kind;
            scene.options.threads = kind % 3;
            expect_by_kernel(&scene, gp, lengthscale);
        }
        scene.options.lengthscale = lengthscale;
        assert_int_equal(pcct_ordering(labels, scene.view, &scene.options, &err), PCCT_E_INVALID);
        another.options.gp = gp;
        assert_int_equal(pcct_vecchia_open(&vecchia, another.view, M, &another.options, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, "another view"));
        pcct_gp_close(gp);
    }
    finish(&another);
    finish(&scene);
}

static int stop(void *ctx, double done)
{
    return ++*(int *)ctx >= 40 || done > 1;
}

static void wrong_options(void **state)
{
    static const double zero[2] = { 1, 0 }, nan[2] = { (double)NAN, 1 }, infinite[2] = { 1, (double)INFINITY }, small[2] = { 1, 0x1p-1020 };
    struct pcct_error err = { 0, "" };
    pcct_vecchia *vecchia = NULL;
    struct scene scene;
    int64_t label = 0;
    int calls = 0;

    (void)state;
    start(&scene, "euclidean", 1);
    scene.options.kind = 7;
    fails(&scene, PCCT_E_INVALID, "no ordering 7");
    scene.options.axis = 2;
    fails(&scene, PCCT_E_INVALID, "axis 2");
    scene.options.threads = -1;
    fails(&scene, PCCT_E_INVALID, "-1");
    scene.options.lengthscale = zero;
    fails(&scene, PCCT_E_INVALID, "lengthscale 2 is 0;");
    scene.options.lengthscale = nan;
    fails(&scene, PCCT_E_INVALID, "lengthscale 1");
    scene.options.lengthscale = infinite;
    fails(&scene, PCCT_E_INVALID, "lengthscale 2");
    scene.options.lengthscale = small;
    fails(&scene, PCCT_E_POINT, "coordinate 2 of label");
    scene.options.ordering = scene.label;
    fails(&scene, PCCT_E_INVALID, "PCCT_ORDERING_GIVEN");
    scene.options.kind = PCCT_ORDERING_GIVEN;
    fails(&scene, PCCT_E_INVALID, "each of the 300");
    scene.options.progress = stop;
    scene.options.progress_ctx = &calls;
    assert_int_equal(pcct_ordering(scene.label, scene.view, &scene.options, &err), 0); /* few points: it does not ask so often */
    assert_in_range(calls, 3, 39);
    calls = 39;
    fails(&scene, PCCT_E_CANCELLED, "request");
    assert_int_equal(pcct_vecchia_open(&vecchia, scene.view, 0, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_vecchia_open(&vecchia, scene.view, (size_t)1 << 31, NULL, &err), PCCT_E_LIMIT);
    assert_int_equal(pcct_vecchia_open(NULL, scene.view, 1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_ordering(NULL, scene.view, NULL, &err), PCCT_E_INVALID);
    pcct_vecchia_close(NULL);
    finish(&scene);
    start(&scene, "haversine", 1);
    scene.options.lengthscale = infinite;
    fails(&scene, PCCT_E_INVALID, "lengthscale 2");
    scene.options.lengthscale = scene.points + 2;
    scene.points[2] = scene.points[3] = 1;
    fails(&scene, PCCT_E_INVALID, "directions");
    pcct_view_close(scene.view);
    support_ok(pcct_view_open(&scene.view, scene.s.store, "v0", &err), &err);
    support_ok(pcct_ordering(&label, scene.view, NULL, &err), &err); /* of no points */
    support_ok(pcct_vecchia_open(&vecchia, scene.view, 3, NULL, &err), &err);
    pcct_vecchia_close(vecchia);
    finish(&scene);
}

static int both(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct scene *scene = ctx;
    pcct_vecchia *vecchia = NULL;
    int64_t labels[N];
    int status = 0;

    (void)env;
    TRY(pcct_ordering(labels, scene->view, &scene->options, err));
    TRY(pcct_vecchia_open(&vecchia, scene->view, M, &scene->options, err));
done:
    assert_true((status == 0) == (vecchia != NULL));
    pcct_vecchia_close(vecchia);
    return status;
}

static void memory_runs_out(void **state)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene scene;
    pcct_gp *gp = NULL;

    (void)state;
    start(&scene, "euclidean", 1);
    assert_true(support_fail_each(&scene.s.env, both, &scene) > 40);
    kernel.name = "rbf";
    open.kernel = &kernel;
    support_ok(pcct_gp_open(&gp, scene.view, &open, &err), &err);
    scene.options.gp = gp;
    assert_true(support_fail_each(&scene.s.env, both, &scene) > 50);
    scene.options.gp = NULL;
    pcct_gp_close(gp);
    scene.options.kind = PCCT_ORDERING_GIVEN;
    scene.options.ordering = scene.label;
    scene.options.n_ordering = N;
    assert_true(support_fail_each(&scene.s.env, both, &scene) > 30);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_and_its_neighbours),
        cmocka_unit_test(lengthscales_divide),
        cmocka_unit_test(by_a_kernel),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
