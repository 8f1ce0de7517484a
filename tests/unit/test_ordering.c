/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/ordering.h"

#include "base/hilbert.h"
#include "gp/farthest.h"
#include "support_query.h"

#include <stdlib.h>
#include <string.h>

enum { N = 500, DEAD = 70 };

static void expect_all_rows(const uint32_t *order, uint32_t n)
{
    char *met = calloc(n + 1, 1);

    for (uint32_t i = 0; i < n; i++) {
        assert_true(order[i] < n);
        assert_int_equal(met[order[i]]++, 0);
    }
    free(met);
}

static void by_one_coordinate(void **test)
{
    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        struct support_scene scene;
        struct pcct_error err = { 0, "" };
        struct gp_cloud cloud;
        uint32_t order[N];

        support_scene_start(&scene, "manhattan", 3, (enum support_kind)kind, N, DEAD);
        support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
        for (uint32_t i = 0; i < 5; i++) index_points(&scene.state)[cloud.node[i * 7] * 3] = i % 2 ? -0.0 : 0.0; /* equal, whatever the sign */
        for (uint32_t axis = 0; axis < 3; axis++) {
            const struct gp_rule rule = { .order = GP_ORDER_COORDINATE, .axis = axis, .state = &scene.state };

            support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
            expect_all_rows(order, cloud.n);
            for (uint32_t i = 1; i < cloud.n; i++) {
                const double a = index_points(&scene.state)[cloud.node[order[i - 1]] * 3 + axis];
                const double b = index_points(&scene.state)[cloud.node[order[i]] * 3 + axis];

                assert_true(a < b || (a == b && order[i - 1] < order[i]));
            }
        }
        gp_cloud_free(&cloud, &scene.env.env);
        support_scene_finish(&scene);
    }
}

/* The same seed gives the same order, pinned; another one another. Each row comes first about as often as any other. */
static void shuffled(void **test)
{
    static const uint32_t pinned[] = { 4, 0, 1, 2, 3 };
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct gp_cloud cloud;
    uint32_t order[N], again[N], first[5] = { 0 };
    struct gp_rule rule = { .order = GP_ORDER_RANDOM, .seed = 12 };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_BOX, N, 0);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
    expect_all_rows(order, N);
    support_ok(gp_order_rows(again, &cloud, &rule, &scene.env.env, &err), &err);
    assert_memory_equal(order, again, sizeof order);
    rule.seed = 13;
    support_ok(gp_order_rows(again, &cloud, &rule, &scene.env.env, &err), &err);
    assert_memory_not_equal(order, again, sizeof order);
    cloud.n = 5;
    for (rule.seed = 0; rule.seed < 5000; rule.seed++) {
        support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
        first[order[0]]++;
        if (rule.seed == 1) assert_memory_equal(order, pinned, sizeof pinned);
    }
    for (int i = 0; i < 5; i++) assert_in_range(first[i], 880, 1120);
    cloud.n = N;
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
}

static void by_name(void **test)
{
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct gp_cloud cloud;
    struct gp_rule rule = { .order = GP_ORDER_HILBERT, .state = &scene.state };
    uint32_t order[N], wanted[N];

    (void)test;
    support_scene_start(&scene, "haversine", 2, SUPPORT_GAUSS, N, DEAD);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
    support_ok(base_hilbert_order(wanted, cloud.place, cloud.n, 3, &scene.env.env, &err), &err);
    assert_memory_equal(order, wanted, cloud.n * sizeof *order);
    rule.order = GP_ORDER_MAXMIN;
    support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
    support_ok(gp_farthest(wanted, &cloud, &scene.env.env, &err), &err);
    assert_memory_equal(order, wanted, cloud.n * sizeof *order);
    rule.order = GP_ORDER_COARSE;
    support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
    support_ok(gp_coarse_to_fine(wanted, &cloud, &scene.state, &scene.env.env, &err), &err);
    assert_memory_equal(order, wanted, cloud.n * sizeof *order);
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
}

struct scene_and_cloud {
    struct support_scene scene;
    struct gp_cloud cloud;
};

static int by_coordinate(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct scene_and_cloud *at = ctx;
    const struct gp_rule rule = { .order = GP_ORDER_COORDINATE, .state = &at->scene.state };
    uint32_t order[N];

    return gp_order_rows(order, &at->cloud, &rule, env, err);
}

static void memory_runs_out(void **test)
{
    struct scene_and_cloud at;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_scene_start(&at.scene, "euclidean", 2, SUPPORT_GAUSS, N, DEAD);
    support_ok(gp_cloud_make(&at.cloud, &at.scene.state, NULL, &at.scene.env.env, &err), &err);
    assert_true(support_fail_each(&at.scene.env, by_coordinate, &at) >= 2);
    gp_cloud_free(&at.cloud, &at.scene.env.env);
    support_scene_finish(&at.scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_one_coordinate),
        cmocka_unit_test(shuffled),
        cmocka_unit_test(by_name),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
