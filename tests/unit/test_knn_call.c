/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <math.h>
#include <string.h>

static const double four[8] = { 0, 0, 1, 0, 0, 2, 5, 5 };

struct scene {
    struct support_api s;
    pcct_view *view;
    struct pcct_knn_options options;
    int64_t label[12];
    double distance[12];
    int32_t count[2];
};

static void start(struct scene *scene)
{
    struct pcct_error err = { 0, "" };

    memset(scene, 0, sizeof *scene);
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, four, NULL, 4, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    scene->options.size = sizeof scene->options;
    scene->options.counts = scene->count;
}

static void finish(struct scene *scene)
{
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

static void answers_and_what_is_missing(void **state)
{
    static const double query[2] = { 0.25, 0 };
    struct pcct_error err = { 0, "" };
    struct pcct_work work = { 9, 9, 9 };
    struct scene scene;

    (void)state;
    start(&scene);
    scene.options.work = &work;
    support_ok(pcct_knn(scene.label, scene.distance, scene.view, query, 1, 6, &scene.options, &err), &err);
    assert_memory_equal(scene.label, ((int64_t[]){ 0, 1, 2, 3, -1, -1 }), 6 * sizeof(int64_t));
    assert_true(scene.distance[0] == 0.25 && scene.distance[1] == 0.75 && scene.distance[2] == sqrt(0.0625 + 4));
    assert_true(isinf(scene.distance[4]) && scene.distance[5] > 0);
    assert_int_equal(scene.count[0], 4);
    assert_int_equal(work.distances, 4);
    support_ok(pcct_knn(NULL, NULL, scene.view, NULL, 0, 6, NULL, &err), &err); /* no queries, no answers */
    finish(&scene);
}

static void stored_points_with_and_without_themselves(void **state)
{
    static const int64_t asked[2] = { 1, 3 }, unknown[2] = { 1, 4 };
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene);
    support_ok(pcct_knn_stored(scene.label, scene.distance, scene.view, asked, 2, 2, &scene.options, &err), &err);
    assert_memory_equal(scene.label, ((int64_t[]){ 1, 0, 3, 2 }), 4 * sizeof(int64_t));
    scene.options.exclude_self = 1;
    support_ok(pcct_knn_stored(scene.label, scene.distance, scene.view, asked, 2, 4, &scene.options, &err), &err);
    assert_memory_equal(scene.label, ((int64_t[]){ 0, 2, 3, -1, 2, 1, 0, -1 }), 8 * sizeof(int64_t));
    assert_int_equal(scene.count[0], 3);
    assert_int_equal(pcct_knn_stored(scene.label, scene.distance, scene.view, unknown, 2, 2, NULL, &err), PCCT_E_UNKNOWN);
    finish(&scene);
}

static void wrong_arguments(void **state)
{
    static const double query[4] = { 0, 0, NAN, 0 };
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene);
    assert_int_equal(pcct_knn(scene.label, scene.distance, scene.view, query, 1, 0, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_knn(scene.label, scene.distance, scene.view, query, 1, (size_t)INT32_MAX + 1, NULL, &err), PCCT_E_LIMIT);
    assert_int_equal(pcct_knn(scene.label, scene.distance, scene.view, query, 2, 1, NULL, &err), PCCT_E_POINT);
    assert_non_null(strstr(err.message, "row 1"));
    assert_int_equal(pcct_knn(NULL, scene.distance, scene.view, query, 1, 1, NULL, &err), PCCT_E_INVALID);
    scene.options.threads = -2;
    assert_int_equal(pcct_knn(scene.label, scene.distance, scene.view, query, 1, 1, &scene.options, &err), PCCT_E_INVALID);
    finish(&scene);
}

/* Each point's nearest two but itself, and how far the third is: the nearest that was left out. */
static void the_whole_graph(void **state)
{
    struct pcct_filter_options order = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene scene;
    pcct_filter *filter = NULL;
    int32_t count[4];
    double bound[4];

    (void)state;
    start(&scene);
    scene.options.counts = count;
    scene.options.bounds = bound;
    support_ok(pcct_graph(scene.label, scene.distance, scene.view, 2, &scene.options, &err), &err);
    assert_memory_equal(scene.label, ((int64_t[]){ 1, 2, 0, 2, 0, 1, 2, 1 }), 8 * sizeof(int64_t));
    assert_memory_equal(count, ((int32_t[]){ 2, 2, 2, 2 }), sizeof count);
    assert_true(scene.distance[6] == sqrt(34) && bound[0] == sqrt(50) && bound[1] == sqrt(41) && bound[3] == sqrt(50));
    support_ok(pcct_graph(scene.label, scene.distance, scene.view, 3, &scene.options, &err), &err);
    assert_true(isinf(bound[0]) && isinf(bound[3]) && count[0] == 3);
    order.order = PCCT_ORDER_LABEL;
    support_ok(pcct_filter_open(&filter, scene.view, &order, &err), &err);
    scene.options.filter = filter;
    support_ok(pcct_graph(scene.label, scene.distance, scene.view, 2, &scene.options, &err), &err);
    assert_memory_equal(scene.label, ((int64_t[]){ -1, -1, 0, -1, 0, 1, 2, 1 }), 8 * sizeof(int64_t));
    assert_memory_equal(count, ((int32_t[]){ 0, 1, 2, 2 }), sizeof count);
    assert_true(isinf(bound[2]) && bound[3] == sqrt(50));
    assert_int_equal(pcct_graph(NULL, NULL, scene.view, 2, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_graph(scene.label, scene.distance, scene.view, 0, NULL, &err), PCCT_E_INVALID);
    pcct_filter_close(filter);
    finish(&scene);
}

static int stop(void *ctx, double done)
{
    assert_true(done >= 0 && done <= 1);
    return ++*(int *)ctx > 0;
}

static void can_be_stopped(void **state)
{
    struct pcct_error err = { 0, "" };
    struct scene scene;
    int calls = -1;

    (void)state;
    start(&scene);
    scene.options.counts = NULL;
    scene.options.progress = stop;
    scene.options.progress_ctx = &calls;
    support_ok(pcct_graph(scene.label, scene.distance, scene.view, 1, &scene.options, &err), &err);
    assert_int_equal(calls, 0);
    assert_int_equal(pcct_graph(scene.label, scene.distance, scene.view, 1, &scene.options, &err), PCCT_E_CANCELLED);
    finish(&scene);
}

static int ask(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static const double query[4] = { 0, 0, 1, 1 };
    struct scene *scene = ctx;

    (void)env;
    return pcct_knn(scene->label, scene->distance, scene->view, query, 2, 3, &scene->options, err);
}

static int ask_all(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *scene = ctx;

    (void)env;
    return pcct_graph(scene->label, scene->distance, scene->view, 1, &scene->options, err);
}

/* Few points ask without taking any; all points are listed first. */
static void memory_runs_out(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    assert_true(support_fail_each(&scene.s.env, ask_all, &scene) >= 1);
    assert_int_equal(support_fail_each(&scene.s.env, ask, &scene), 0);
    assert_memory_equal(scene.label, ((int64_t[]){ 0, 1, 2, 1, 0, 2 }), 6 * sizeof(int64_t));
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_what_is_missing), cmocka_unit_test(stored_points_with_and_without_themselves), cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(the_whole_graph), cmocka_unit_test(can_be_stopped),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
