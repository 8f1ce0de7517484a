/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/predecessors.h"

#include "base/watch.h"
#include "gp/ordering.h"
#include "support_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 2400, DEAD = 100 }; /* four prefixes and the whole would be 1 + log3(N / 512) */

static void starts_follow_one_another(void **test)
{
    (void)test;
    for (uint64_t m = 1; m < 40; m++) {
        uint64_t start = 0;

        for (uint64_t rank = 0; rank < 100; rank++) {
            assert_true(gp_answer_start(rank, m) == start);
            start += rank < m ? rank : m;
        }
    }
    assert_true(gp_answer_start(4000000000u, 1000000) == 999999 * UINT64_C(500000) + 3999000000u * UINT64_C(1000000));
}

/* Against a comparison with every row of lesser rank. */
static void expect(const struct gp_cloud *cloud, const uint32_t *order, uint32_t m, const struct base_env *env)
{
    const uint64_t places = gp_answer_start(cloud->n, m);
    int32_t *rank = malloc((places + 1) * sizeof *rank);
    double *distance = malloc((places + 1) * sizeof *distance), *met = malloc((size_t)cloud->n * cloud->metric.dim * sizeof *met + 1);
    int64_t *label = malloc((cloud->n + 1) * sizeof *label);
    struct base_topk_entry *top = malloc(m * sizeof *top);
    struct pcct_error err = { 0, "" };
    uint32_t *rank_of = malloc((cloud->n + 1) * sizeof *rank_of);

    support_ok(gp_predecessors(rank, distance, cloud, order, m, env, NULL, &err), &err);
    for (uint32_t i = 0; i < cloud->n; i++) {
        const double *q = gp_cloud_place(cloud, order[i]);
        const uint64_t start = gp_answer_start(i, m);
        const size_t found = support_brute_knn(top, m, met, label, NULL, i, cloud->metric.sum, cloud->metric.dim, q);

        assert_int_equal(found, gp_answer_start(i + 1, m) - start);
        for (size_t j = 0; j < found; j++) {
            assert_int_equal(rank[start + j], rank_of[top[j].id]);
            assert_true(distance[start + j] == metric_distance(&cloud->metric, top[j].key));
        }
        memcpy(met + (size_t)i * cloud->metric.dim, q, cloud->metric.dim * sizeof *met);
        label[i] = order[i];
        rank_of[order[i]] = i;
    }
    free(rank);
    free(distance);
    free(met);
    free(label);
    free(top);
    free(rank_of);
}

static void equal_to_comparing_with_all(void **test)
{
    static const uint32_t ms[] = { 1, 8, 30, 3000 };

    (void)test;
    for (int turn = 0; turn < 20; turn++) {
        const struct support_space *space = &support_spaces[turn % SUPPORT_SPACES];
        struct support_scene scene;
        struct pcct_error err = { 0, "" };
        struct gp_cloud cloud;
        struct gp_rule rule = { .order = (enum gp_order)(1 + turn % 5), .state = &scene.state };
        uint32_t order[N];
        const size_t n = turn < 12 ? 900 : turn < 16 ? N : (size_t)(turn - 16);

        support_scene_start(&scene, space->metric, space->dim, (enum support_kind)(turn % SUPPORT_KINDS), n, n > 100 ? DEAD : 0);
        scene.env.env.threads = 1 + turn % 3;
        support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
        support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
        expect(&cloud, order, ms[turn % 4], &scene.env.env);
        gp_cloud_free(&cloud, &scene.env.env);
        support_scene_finish(&scene);
    }
}

/* What is looked at does not depend on how early a row comes: a random order spreads the early ones thinly over all blocks. */
static void early_rows_cost_no_more(void **test)
{
    enum { MANY = 30000, M = 10 };
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct block_work work = { 0, 0, 0, 0 };
    const struct gp_rule rule = { .order = GP_ORDER_RANDOM };
    struct gp_cloud cloud;
    uint32_t *order = malloc(MANY * sizeof *order);
    int32_t *rank = malloc(MANY * M * sizeof *rank);
    double *distance = malloc(MANY * M * sizeof *distance);

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_BOX, MANY, 0);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    support_ok(gp_order_rows(order, &cloud, &rule, &scene.env.env, &err), &err);
    support_ok(gp_predecessors(rank, distance, &cloud, order, M, &scene.env.env, &work, &err), &err);
    assert_true(work.blocks < 3 * MANY); /* 2.3; in a layout of all 3.5 */
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
    free(order);
    free(rank);
    free(distance);
}

struct asked {
    const struct gp_cloud *cloud;
    const uint32_t *order;
    int calls, stop_at;
};

static int stop(void *ctx, double done)
{
    struct asked *asked = ctx;

    (void)done;
    return ++asked->calls == asked->stop_at;
}

static int predecessors(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static int32_t rank[N * 5];
    static double distance[N * 5];
    const struct asked *asked = ctx;

    return gp_predecessors(rank, distance, asked->cloud, asked->order, 5, env, NULL, err);
}

static void stopped_and_without_memory(void **test)
{
    struct support_scene scene;
    struct pcct_error err = { 0, "" };
    struct base_watch watch;
    struct gp_cloud cloud;
    uint32_t order[N];
    struct asked asked = { &cloud, order, 0, 0 };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, N, 0);
    support_ok(gp_cloud_make(&cloud, &scene.state, NULL, &scene.env.env, &err), &err);
    gp_cloud_rows(order, &cloud);
    assert_true(support_fail_each(&scene.env, predecessors, &asked) > 15);
    for (int most = 40; asked.stop_at <= most; asked.stop_at++) { /* not at first, which counts how often it could be */
        base_watch_begin(&watch, NULL, stop, &asked);
        scene.env.env.watch = &watch;
        asked.calls = 0;
        assert_int_equal(predecessors(&asked, &scene.env.env, &err), asked.stop_at > 0 ? PCCT_E_CANCELLED : 0);
        if (asked.stop_at == 0) most = asked.calls;
        scene.env.env.watch = NULL;
        base_watch_end(&watch, &scene.env.env);
    }
    assert_true(asked.stop_at > 20);
    gp_cloud_free(&cloud, &scene.env.env);
    support_scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_follow_one_another),
        cmocka_unit_test(equal_to_comparing_with_all),
        cmocka_unit_test(early_rows_cost_no_more),
        cmocka_unit_test(stopped_and_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
