/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <string.h>

enum { N = 400 };

static void start(struct support_api *s, pcct_view **view)
{
    static double points[2 * N];
    struct pcct_error err = { 0, "" };

    support_points(points, N, 2, SUPPORT_UNIFORM, 3);
    support_api_start(s, "euclidean");
    support_api_commit(s, points, NULL, N, NULL, 0);
    support_ok(pcct_view_open(view, s->store, "main", &err), &err);
}

static struct pcct_verify_result verify(const pcct_view *view, int kinds, int tree)
{
    struct pcct_verify_options options = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    options.kinds = kinds;
    options.tree = tree;
    support_ok(pcct_verify(&result, view, &options, &err), &err);
    return result;
}

/* A point that the layout has lost: each way to ask misses it somewhere. */
static void a_lost_point_is_missed(void **state)
{
    struct pcct_verify_result nearest, all;
    struct block_source source;
    struct support_api s;
    pcct_view *view = NULL;
    uint32_t lost = 17;

    (void)state;
    start(&s, &view);
    nearest = verify(view, 0, 0);
    assert_true(nearest.queries == N && nearest.k == 10 && nearest.other_queries == 100 && nearest.differences == 0 && nearest.violations == 0);
    assert_int_equal(nearest.first[0], 0);
    source = index_source(&view->state);
    block_remove(&view->state.layout, &source, &lost, 1);
    nearest = verify(view, -1, -1);
    assert_int_equal(nearest.other_queries, 0);
    assert_true(nearest.differences >= 1 && nearest.violations == 0);
    assert_non_null(strstr(nearest.first, "k nearest: place "));
    all = verify(view, 1, 1);
    assert_true(all.differences > nearest.differences && all.violations == 1);
    pcct_view_close(view);
    support_api_finish(&s);
}

/* A layout that has lost everything: nothing is read where no answer is, which sanitizers see. */
static void all_points_are_missed(void **state)
{
    struct pcct_verify_result all;
    struct block_source source;
    struct support_api s;
    pcct_view *view = NULL;
    uint32_t node[N];

    (void)state;
    start(&s, &view);
    source = index_source(&view->state);
    for (uint32_t i = 0; i < N; i++) node[i] = i;
    block_remove(&view->state.layout, &source, node, N);
    all = verify(view, 1, 1);
    assert_true(all.differences >= N && all.violations == 1);
    assert_non_null(strstr(all.first, "k nearest: "));
    pcct_view_close(view);
    support_api_finish(&s);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct pcct_verify_options options = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    int status = pcct_verify(&result, ctx, &options, err);

    (void)env;
    if (status == 0) assert_true(result.differences == 0 && result.violations == 0);
    return status;
}

static void memory_runs_out(void **state)
{
    struct support_api s;
    pcct_view *view = NULL;

    (void)state;
    start(&s, &view);
    assert_true(support_fail_each(&s.env, call, view) >= 30);
    pcct_view_close(view);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_lost_point_is_missed), cmocka_unit_test(all_points_are_missed),
                                        cmocka_unit_test(memory_runs_out) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
