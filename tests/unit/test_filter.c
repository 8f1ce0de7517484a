/* SPDX-License-Identifier: Apache-2.0 */
#include "query/filter.h"

#include "query/knn.h"
#include "support_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 900, DEAD = 150, NQ = 40, K_MOST = 60 };

/* One rule in the library's words and in the tests'. */
struct case_of_rule {
    struct query_rule rule;
    struct support_rule own;
    uint8_t chosen[N];
    uint32_t given[N];
    char allowed[N];
    uint64_t rank[N];
};

/* variant: bit 0 a net, bit 1 a subset, bits 2 and 3 the order. */
static void make_case(struct case_of_rule *c, const struct support_scene *scene, int variant)
{
    const struct index_state *state = &scene->state;
    uint32_t n = 0;

    memset(c, 0, sizeof *c);
    c->rule.order = (enum query_order)(variant >> 2);
    c->rule.by_level = variant & 1;
    for (uint32_t node = 0; node < state->n; node++) { /* the level of the last that has one */
        if (index_level(state)[node] > 0 && node != state->root) c->rule.level = index_level(state)[node] - INDEX_LEVEL_BIAS;
    }
    c->rule.chosen = variant & 2 ? c->chosen : NULL;
    c->rule.given = c->given;
    for (uint32_t node = 0; node < state->n; node++) {
        const int in_net = node == state->root || index_level(state)[node] - INDEX_LEVEL_BIAS >= c->rule.level;

        c->chosen[node] = (uint8_t)(node * 2654435761u >> 30 == 1);
        c->allowed[node] = (char)((!(variant & 1) || in_net) && (!(variant & 2) || c->chosen[node]));
        if (c->rule.order == QUERY_ORDER_NODE) c->rank[node] = node;
        if (c->rule.order == QUERY_ORDER_LABEL) c->rank[node] = (uint64_t)(index_label(state)[node] + 100);
    }
    for (uint32_t i = 0; i < state->n; i++) { /* a walk over all nodes in steps that know no common divisor with their number */
        const uint32_t node = (uint32_t)((uint64_t)i * 677 % state->n);

        if (!index_is_live(state, node)) continue;
        if (c->rule.order == QUERY_ORDER_GIVEN) c->rank[node] = n;
        c->given[n++] = node;
    }
    assert_int_equal(n, state->n_live);
    c->own.allowed = c->allowed;
    c->own.rank = c->rule.order != QUERY_ORDER_NONE ? c->rank : NULL;
}

struct answers {
    int64_t label[NQ * K_MOST];
    double distance[NQ * K_MOST], bound[NQ];
    int32_t count[NQ];
};

static void expect(const struct answers *a, const struct support_scene *scene, const struct query_batch *batch, const struct support_rule *own,
                   double limit)
{
    struct base_topk_entry all[N];

    for (size_t i = 0; i < batch->nq; i++) {
        const double *q = query_place(batch, &scene->state, i);
        size_t n = support_scene_all(all, scene, own, q, batch->self ? batch->self[i] : INDEX_NONE, batch->node ? batch->node[i] : INDEX_NONE);

        while (n > 0 && all[n - 1].key > limit) n--;
        assert_int_equal(a->count[i], n < batch->k ? n : batch->k);
        assert_true(a->bound[i] == (n > batch->k ? metric_distance(&scene->metric, all[batch->k].key) : (double)INFINITY));
        for (size_t j = 0; j < batch->k; j++) {
            assert_int_equal(a->label[i * batch->k + j], j < n ? all[j].id : -1);
            assert_true(a->distance[i * batch->k + j] == (j < n ? metric_distance(&scene->metric, all[j].key) : (double)INFINITY));
        }
    }
}

static void ask(const struct support_scene *scene, struct query_batch *batch, const struct support_rule *own, int threads)
{
    static const size_t ks[] = { 1, 7, K_MOST };
    struct pcct_error err = { 0, "" };
    struct answers *a = calloc(1, sizeof *a);
    struct base_env env = scene->env.env;
    const double near = metric_key(&scene->metric, index_place(&scene->state, 0), index_place(&scene->state, 1));

    assert_non_null(a);
    env.threads = threads;
    batch->bounds = a->bound;
    for (int turn = 0; turn < 6; turn++) {
        batch->k = ks[turn % 3];
        batch->limit = turn < 3 ? NULL : &near;
        support_ok(query_knn(a->label, a->distance, a->count, &scene->state, batch, &env, NULL, &err), &err);
        expect(a, scene, batch, own, batch->limit ? near : (double)INFINITY);
        memset(a, 0, sizeof *a);
        support_ok(query_brute(a->label, a->distance, a->count, &scene->state, batch, &env, &err), &err);
        expect(a, scene, batch, own, batch->limit ? near : (double)INFINITY);
    }
    free(a);
}

static void only_what_may_be_found_is(void **test)
{
    (void)test;
    for (int turn = 0; turn < 32; turn++) {
        const struct support_space *space = &support_spaces[turn % SUPPORT_SPACES];
        const enum support_kind kind = (enum support_kind)(turn % SUPPORT_KINDS);
        struct pcct_error err = { 0, "" };
        struct support_scene scene;
        struct case_of_rule c;
        struct query_filter filter;
        double queries[NQ * 8];
        uint32_t node[NQ];
        struct query_batch batch = { .queries = queries, .nq = NQ, .filter = &filter };

        support_scene_start(&scene, space->metric, space->dim, kind, N, DEAD);
        assert_true(scene.metric.dim <= 8);
        support_scene_queries(queries, node, &scene, kind, NQ);
        make_case(&c, &scene, turn % 16);
        support_ok(query_filter_make(&filter, &scene.state, &c.rule, &scene.env.env, &err), &err);
        if (c.rule.order == QUERY_ORDER_NONE) ask(&scene, &batch, &c.own, 1);
        batch.queries = NULL;
        batch.node = node;
        ask(&scene, &batch, &c.own, 2);
        batch.self = node;
        ask(&scene, &batch, &c.own, 1);
        query_filter_free(&filter, &scene.env.env);
        support_scene_finish(&scene);
    }
}

/* The nodes let through, in order. */
static void those_let_through_are_listed(void **test)
{
    (void)test;
    for (int variant = 0; variant < 16; variant++) {
        struct pcct_error err = { 0, "" };
        struct support_scene scene;
        struct case_of_rule c;
        struct query_filter filter;
        size_t n = 0;

        support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, N, DEAD);
        make_case(&c, &scene, variant);
        support_ok(query_filter_make(&filter, &scene.state, &c.rule, &scene.env.env, &err), &err);
        for (uint32_t node = 0; node < scene.state.n; node++) n += index_is_live(&scene.state, node) && c.allowed[node];
        assert_int_equal(filter.nodes, n);
        assert_true(variant == 0 || variant % 4 == 0 || n < scene.state.n_live);
        for (size_t i = 0; i < n; i++) {
            const uint32_t node = filter.node[i], before = i > 0 ? filter.node[i - 1] : 0;

            assert_true(index_is_live(&scene.state, node) && c.allowed[node]);
            if (i == 0) continue;
            if (c.own.rank) assert_true(c.rank[before] < c.rank[node]);
            else assert_true(index_label(&scene.state)[before] < index_label(&scene.state)[node]);
        }
        query_filter_free(&filter, &scene.env.env);
        support_scene_finish(&scene);
    }
}

/* Predecessors: exactly min(k, rank) of them, and subtrees without any are not looked at: a point of rank r cannot need more than r blocks. */
static void predecessors_need_few_blocks(void **test)
{
    enum { MANY = 20000, K = 5 };

    (void)test;
    for (int order = QUERY_ORDER_NODE; order <= QUERY_ORDER_LABEL; order++) {
        struct pcct_error err = { 0, "" };
        struct query_rule rule = { .order = (enum query_order)order };
        struct support_scene scene;
        struct query_filter filter;
        uint64_t blocks_in_all = 0;

        support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, MANY, 0);
        support_ok(query_filter_make(&filter, &scene.state, &rule, &scene.env.env, &err), &err);
        for (uint32_t rank = 0; rank < MANY; rank += 1 + rank / 4) {
            struct query_batch batch = { .node = &filter.node[rank], .nq = 1, .k = K, .filter = &filter };
            struct block_work work = { 0 };
            int64_t label[K];
            double distance[K];
            int32_t count = -1;

            support_ok(query_knn(label, distance, &count, &scene.state, &batch, &scene.env.env, &work, &err), &err);
            assert_int_equal(count, rank < K ? rank : K);
            assert_true(work.blocks <= rank);
            assert_true(work.nodes <= 3 + 3 * rank); /* three levels of inner nodes: the way home, and those above the blocks */
            assert_true(work.distances <= 64 * work.blocks);
            blocks_in_all += work.blocks;
        }
        assert_true(blocks_in_all > 0 && blocks_in_all < 600); /* some 30 queries; without a look at ranks those of small rank see all 300 blocks */
        query_filter_free(&filter, &scene.env.env);
        support_scene_finish(&scene);
    }
}

static void nothing_to_let_through(void **test)
{
    (void)test;
    for (size_t n = 0; n < 3; n++) {
        static const uint8_t none[3];
        const struct query_rule rule = { .chosen = none };
        const double q[2] = { 0, 0 };
        struct pcct_error err = { 0, "" };
        struct support_scene scene;
        struct query_filter filter;
        struct query_batch batch = { .queries = q, .nq = 1, .k = 2, .filter = &filter };
        struct block_work work = { 0 };
        int64_t label[2];
        double distance[2];
        int32_t count = -1;

        support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, n, 0);
        support_ok(query_filter_make(&filter, &scene.state, &rule, &scene.env.env, &err), &err);
        assert_int_equal(filter.nodes, 0);
        support_ok(query_knn(label, distance, &count, &scene.state, &batch, &scene.env.env, &work, &err), &err);
        assert_true(count == 0 && label[0] == -1 && isinf(distance[1]) && work.blocks == 0);
        query_filter_free(&filter, &scene.env.env);
        support_scene_finish(&scene);
    }
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct query_rule rule = { .order = QUERY_ORDER_LABEL };
    const struct support_scene *scene = ctx;
    struct query_filter filter;
    int status = query_filter_make(&filter, &scene->state, &rule, env, err);

    if (status == 0) assert_int_equal(filter.nodes, 300);
    query_filter_free(&filter, env);
    return status;
}

static void memory_runs_out(void **test)
{
    struct support_scene scene;

    (void)test;
    support_scene_start(&scene, "euclidean", 2, SUPPORT_GAUSS, 300, 0);
    assert_true(support_fail_each(&scene.env, make, &scene) >= 7);
    support_scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_be_found_is), cmocka_unit_test(those_let_through_are_listed), cmocka_unit_test(predecessors_need_few_blocks),
        cmocka_unit_test(nothing_to_let_through), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
