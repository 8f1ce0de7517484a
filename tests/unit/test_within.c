/* SPDX-License-Identifier: Apache-2.0 */
#include "query/within.h"

#include "support_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 700, DEAD = 100, NQ = 50 };

/* What is found is right, whatever was found before with the same memory; so are the counts. */
static void ask(struct query_found *found, const struct support_scene *scene, const struct query_batch *batch, const struct support_rule *own,
                int threads)
{
    struct pcct_error err = { 0, "" };
    struct base_env env = scene->env.env;
    struct block_work work = { 0 }, counting = { 0 };
    struct base_topk_entry all[N];
    uint64_t counts[NQ], *start = NULL;

    env.threads = threads;
    support_ok(query_within(found, &scene->state, batch, &env, &work, &err), &err);
    support_ok(query_count(counts, &scene->state, batch, &env, &counting, &err), &err);
    assert_int_equal(found->nq, batch->nq);
    assert_true(batch->nq == 0 || scene->state.n_live == 0 || work.nodes > 0);
    start = found->start.data;
    assert_int_equal(start[0], 0);
    for (size_t i = 0; i < batch->nq; i++) {
        const int64_t *label = (int64_t *)found->label.data + start[i];
        const double *distance = (double *)found->distance.data + start[i];
        size_t n = support_scene_all(all, scene, own, query_place(batch, &scene->state, i), batch->self ? batch->self[i] : INDEX_NONE,
                                     batch->node ? batch->node[i] : INDEX_NONE);

        while (n > 0 && all[n - 1].key > *batch->limit) n--;
        if (n > batch->k) n = batch->k;
        assert_int_equal(start[i + 1] - start[i], n);
        assert_int_equal(counts[i], n);
        for (size_t j = 0; j < n; j++) {
            assert_int_equal(label[j], all[j].id);
            assert_true(distance[j] == metric_distance(&scene->metric, all[j].key));
        }
    }
}

static void equal_to_a_full_comparison(void **test)
{
    static const size_t caps[] = { UINT32_MAX, 1, 10, 100 };

    (void)test;
    for (int turn = 0; turn < 3 * SUPPORT_SPACES; turn++) {
        const struct support_space *space = &support_spaces[turn % SUPPORT_SPACES];
        const enum support_kind kind = (enum support_kind)(turn % SUPPORT_KINDS);
        struct query_found found = { 0 };
        struct support_scene scene;
        double queries[NQ * 8];
        uint32_t node[NQ];
        struct query_batch batch = { .queries = queries, .nq = NQ };

        support_scene_start(&scene, space->metric, space->dim, kind, N, DEAD);
        support_scene_queries(queries, node, &scene, kind, NQ);
        for (size_t i = 0; i < 16; i++) {
            /* limits that are keys of the scene, so that something stands right on them; 0; all */
            double limit = metric_key(&scene.metric, queries + i * scene.metric.dim, index_place(&scene.state, node[(i * i) % NQ]));

            if (i == 1) limit = 0;
            if (i == 2) limit = (double)INFINITY;
            batch.limit = &limit;
            batch.k = caps[i % 4];
            ask(&found, &scene, &batch, NULL, 1 + (int)i % 3);
            batch.self = node;
            ask(&found, &scene, &batch, NULL, 2);
            batch.self = NULL;
        }
        query_found_free(&found, &scene.env.env);
        support_scene_finish(&scene);
    }
}

static void predecessors_within(void **test)
{
    struct pcct_error err = { 0, "" };
    const struct query_rule rule = { .order = QUERY_ORDER_LABEL };
    struct query_found found = { 0 };
    struct query_filter filter;
    struct support_scene scene;
    uint64_t rank[N];
    const struct support_rule own = { NULL, rank };
    double queries[NQ * 2], limit = 0.3;
    uint32_t node[NQ];
    struct query_batch batch = { .node = node, .nq = NQ, .filter = &filter, .limit = &limit };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, N, DEAD);
    support_scene_queries(queries, node, &scene, SUPPORT_GAUSS, NQ);
    for (uint32_t i = 0; i < N; i++) rank[i] = (uint64_t)(index_label(&scene.state)[i] + 1000);
    support_ok(query_filter_make(&filter, &scene.state, &rule, &scene.env.env, &err), &err);
    for (size_t cap = 1; cap < 10000; cap *= 9) {
        batch.k = cap;
        ask(&found, &scene, &batch, &own, 2);
    }
    query_filter_free(&filter, &scene.env.env);
    query_found_free(&found, &scene.env.env);
    support_scene_finish(&scene);
}

static void nothing_there(void **test)
{
    const double limit = 1, q[4] = { 0, 0, 1, 1 };
    struct query_batch batch = { .queries = q, .nq = 2, .k = 9, .limit = &limit };
    struct query_found found = { 0 };
    struct support_scene scene;

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, 0, 0);
    ask(&found, &scene, &batch, NULL, 2);
    batch.nq = 0;
    ask(&found, &scene, &batch, NULL, 2);
    query_found_free(&found, &scene.env.env);
    support_scene_finish(&scene);
}

/* Once an answer has been as long, the same again takes no memory but for the call: the order of the queries and the counters. */
static void memory_is_used_again(void **test)
{
    struct pcct_error err = { 0, "" };
    struct query_found found = { 0 };
    struct support_scene scene;
    double queries[NQ * 2], limit = 0.5;
    uint32_t node[NQ];
    struct query_batch batch = { .queries = queries, .nq = NQ, .k = UINT32_MAX, .limit = &limit };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, N, 0);
    support_scene_queries(queries, node, &scene, SUPPORT_GAUSS, NQ);
    support_ok(query_within(&found, &scene.state, &batch, &scene.env.env, NULL, &err), &err);
    support_env_fail(&scene.env, 0);
    for (uint64_t nq = 1; nq <= NQ; nq *= 7) {
        batch.nq = nq;
        scene.env.taken = 0;
        support_ok(query_within(&found, &scene.state, &batch, &scene.env.env, NULL, &err), &err);
        assert_true(scene.env.taken <= 8);
    }
    query_found_free(&found, &scene.env.env);
    support_scene_finish(&scene);
}

struct attempt {
    struct support_scene *scene;
    const struct query_batch *batch;
};

static int find(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct attempt *attempt = ctx;
    struct query_found found = { 0 };
    uint64_t counts[NQ];
    int status = query_within(&found, &attempt->scene->state, attempt->batch, env, NULL, err);

    assert_int_equal(found.nq, status == 0 ? NQ : 0);
    if (status == 0) status = query_count(counts, &attempt->scene->state, attempt->batch, env, NULL, err);
    query_found_free(&found, env);
    return status;
}

static void memory_runs_out(void **test)
{
    struct support_scene scene;
    double queries[NQ * 2], limit = 0.2;
    uint32_t node[NQ];
    struct query_batch batch = { .queries = queries, .nq = NQ, .k = UINT32_MAX, .limit = &limit };
    struct attempt attempt = { &scene, &batch };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, N, 0);
    support_scene_queries(queries, node, &scene, SUPPORT_GAUSS, NQ);
    assert_true(support_fail_each(&scene.env, find, &attempt) >= 10);
    batch.k = 3;
    assert_true(support_fail_each(&scene.env, find, &attempt) >= 9);
    support_scene_finish(&scene);
}

/* Near and far ones are told apart by boxes: few of 20 000 points are compared with. */
static void far_blocks_are_not_scanned(void **test)
{
    enum { MANY = 20000 };
    struct pcct_error err = { 0, "" };
    struct support_scene scene;
    double queries[NQ * 2], limit = 1e-4;
    uint32_t node[NQ];
    uint64_t counts[NQ];
    struct query_batch batch = { .queries = queries, .nq = NQ, .k = UINT32_MAX, .limit = &limit };
    struct block_work work = { 0 };

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, MANY, 0);
    support_scene_queries(queries, node, &scene, SUPPORT_GAUSS, NQ);
    support_ok(query_count(counts, &scene.state, &batch, &scene.env.env, &work, &err), &err);
    assert_true(work.blocks > NQ / 2 && work.blocks < 4 * NQ && work.distances <= 64 * work.blocks);
    support_scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_a_full_comparison), cmocka_unit_test(predecessors_within), cmocka_unit_test(nothing_there),
        cmocka_unit_test(memory_is_used_again), cmocka_unit_test(memory_runs_out), cmocka_unit_test(far_blocks_are_not_scanned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
