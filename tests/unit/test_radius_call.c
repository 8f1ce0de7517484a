/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <math.h>
#include <string.h>

/* A cross: distances 1, 1, 2, 5 from the origin, which is a point itself. */
static const double five[10] = { 0, 0, 1, 0, 0, -1, 0, 2, 3, 4 };
static const double origin[2] = { 0, 0 };

struct scene {
    struct support_api s;
    pcct_view *view;
    pcct_answer *answer;
};

static void start(struct scene *scene)
{
    struct pcct_error err = { 0, "" };

    memset(scene, 0, sizeof *scene);
    support_api_start(&scene->s, "euclidean");
    support_api_commit(&scene->s, five, NULL, 5, NULL, 0);
    support_ok(pcct_view_open(&scene->view, scene->s.store, "main", &err), &err);
    support_ok(pcct_answer_open(&scene->answer, scene->s.store, &err), &err);
}

static void finish(struct scene *scene)
{
    pcct_answer_close(scene->answer);
    pcct_view_close(scene->view);
    support_api_finish(&scene->s);
}

static void expect(const struct scene *scene, size_t nq, const uint64_t *starts, const int64_t *labels)
{
    struct pcct_answer_rows rows = { .size = sizeof rows };

    assert_int_equal(pcct_answer_read(&rows, scene->answer), 0);
    assert_int_equal(rows.nq, nq);
    assert_memory_equal(rows.starts, starts, (nq + 1) * sizeof *starts);
    if (starts[nq] > 0) assert_memory_equal(rows.labels, labels, starts[nq] * sizeof *labels);
}

static void rows_of_different_lengths(void **state)
{
    static const double queries[6] = { 0, 0, 100, 100, 0, 1.5 };
    struct pcct_radius_options options = PCCT_RADIUS_OPTIONS_INIT;
    struct pcct_answer_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    struct pcct_work work = { 0, 0, 0 };
    struct scene scene;
    uint64_t counts[3];

    (void)state;
    start(&scene);
    expect(&scene, 0, (uint64_t[]){ 0 }, NULL); /* before the first call */
    options.work = &work;
    support_ok(pcct_radius(scene.answer, scene.view, queries, 3, 1.5, &options, &err), &err);
    expect(&scene, 3, (uint64_t[]){ 0, 3, 3, 5 }, (int64_t[]){ 0, 1, 2, 3, 0 });
    assert_int_equal(work.distances > 0, 1);
    support_ok(pcct_answer_read(&rows, scene.answer), &err);
    assert_true(rows.distances[0] == 0 && rows.distances[1] == 1 && rows.distances[2] == 1 && rows.distances[3] == 0.5 && rows.distances[4] == 1.5);
    options.cap = 2;
    support_ok(pcct_radius(scene.answer, scene.view, queries, 3, 1.5, &options, &err), &err);
    expect(&scene, 3, (uint64_t[]){ 0, 2, 2, 4 }, (int64_t[]){ 0, 1, 3, 0 });
    support_ok(pcct_count(counts, scene.view, queries, 3, 1.5, &options, &err), &err);
    assert_memory_equal(counts, ((uint64_t[]){ 2, 0, 2 }), sizeof counts);
    options.cap = UINT64_MAX;
    support_ok(pcct_count(counts, scene.view, queries, 3, 1.5, &options, &err), &err);
    assert_memory_equal(counts, ((uint64_t[]){ 3, 0, 2 }), sizeof counts);
    finish(&scene);
}

/* What is exactly as far as asked for is found, what is a hair farther is not. */
static void the_boundary_is_inside(void **state)
{
    static const double radii[] = { 0, 1, 2, 5, (double)INFINITY };
    static const uint64_t wanted[] = { 1, 3, 4, 5, 5 };
    struct pcct_error err = { 0, "" };
    struct scene scene;

    (void)state;
    start(&scene);
    for (int i = 0; i < 5; i++) {
        uint64_t count = 99;

        support_ok(pcct_count(&count, scene.view, origin, 1, radii[i], NULL, &err), &err);
        assert_int_equal(count, wanted[i]);
        if (i == 0 || i == 4) continue;
        support_ok(pcct_count(&count, scene.view, origin, 1, nextafter(radii[i], 0), NULL, &err), &err);
        assert_int_equal(count, wanted[i - 1]);
    }
    finish(&scene);
}

static void stored_points(void **state)
{
    static const int64_t asked[2] = { 3, 0 }, unknown[2] = { 0, 17 };
    struct pcct_radius_options options = PCCT_RADIUS_OPTIONS_INIT;
    struct pcct_filter_options order = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    struct scene scene;
    uint64_t counts[2];

    (void)state;
    start(&scene);
    support_ok(pcct_radius_stored(scene.answer, scene.view, asked, 2, 2, &options, &err), &err);
    expect(&scene, 2, (uint64_t[]){ 0, 2, 6 }, (int64_t[]){ 3, 0, 0, 1, 2, 3 });
    options.exclude_self = 1;
    support_ok(pcct_radius_stored(scene.answer, scene.view, asked, 2, 2, &options, &err), &err);
    expect(&scene, 2, (uint64_t[]){ 0, 1, 4 }, (int64_t[]){ 0, 1, 2, 3 });
    support_ok(pcct_count_stored(counts, scene.view, asked, 2, 2, &options, &err), &err);
    assert_true(counts[0] == 1 && counts[1] == 3);
    order.order = PCCT_ORDER_NODE;
    support_ok(pcct_filter_open(&filter, scene.view, &order, &err), &err);
    options.filter = filter;
    support_ok(pcct_radius_stored(scene.answer, scene.view, asked, 2, 3, &options, &err), &err);
    expect(&scene, 2, (uint64_t[]){ 0, 3, 3 }, (int64_t[]){ 0, 1, 2 }); /* label 2 is 3 away, label 1 the root of 5 */
    assert_int_equal(pcct_radius(scene.answer, scene.view, origin, 1, 3, &options, &err), PCCT_E_INVALID); /* has no rank */
    expect(&scene, 0, (uint64_t[]){ 0 }, NULL);
    assert_int_equal(pcct_radius_stored(scene.answer, scene.view, unknown, 2, 2, NULL, &err), PCCT_E_UNKNOWN);
    assert_non_null(strstr(err.message, "17"));
    assert_int_equal(pcct_count_stored(counts, scene.view, unknown, 2, 2, NULL, &err), PCCT_E_UNKNOWN);
    pcct_filter_close(filter);
    finish(&scene);
}

static void wrong_arguments(void **state)
{
    static const double bad[2] = { 0, NAN };
    struct pcct_radius_options options = PCCT_RADIUS_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene scene;
    uint64_t count = 0;
    int64_t label = 0;

    (void)state;
    start(&scene);
    assert_int_equal(pcct_radius(scene.answer, scene.view, origin, 1, -1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_radius(scene.answer, scene.view, origin, 1, NAN, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_radius(scene.answer, scene.view, bad, 1, 1, NULL, &err), PCCT_E_POINT);
    assert_int_equal(pcct_radius(NULL, scene.view, origin, 1, 1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_radius_stored(NULL, scene.view, &label, 1, 1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_radius(scene.answer, scene.view, NULL, 1, 1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_count(NULL, scene.view, origin, 1, 1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_count_stored(NULL, scene.view, &label, 1, 1, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_count(&count, scene.view, bad, 1, 1, NULL, &err), PCCT_E_POINT);
    options.threads = -1;
    assert_int_equal(pcct_count(&count, scene.view, origin, 1, 1, &options, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_answer_open(NULL, scene.s.store, &err), PCCT_E_INVALID);
    pcct_answer_close(NULL);
    support_ok(pcct_count(NULL, scene.view, NULL, 0, 1, NULL, &err), &err);
    finish(&scene);
}

static int ask(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *scene = ctx;
    pcct_answer *answer = NULL;
    int status = pcct_answer_open(&answer, scene->s.store, err);

    (void)env;
    if (status == 0) status = pcct_radius(answer, scene->view, five, 5, 2, NULL, err);
    pcct_answer_close(answer);
    return status;
}

static void memory_runs_out(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    assert_true(support_fail_each(&scene.s.env, ask, &scene) >= 5);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_different_lengths), cmocka_unit_test(the_boundary_is_inside), cmocka_unit_test(stored_points),
        cmocka_unit_test(wrong_arguments), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
