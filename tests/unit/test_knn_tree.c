/* SPDX-License-Identifier: Apache-2.0 */
#include "query/knn_tree.h"

#include "support_custom.h"

#include <math.h>
#include <string.h>

enum { N = 500, NQ = 60, K = 7 };

struct scene {
    struct support_env env;
    struct support_custom custom;
    struct metric metric;
    struct index_state state;
    double queries[NQ * 2];
    uint32_t self[NQ];
};

static void start(struct scene *s, enum support_custom_kind custom, enum support_kind kind, size_t n, int threads)
{
    struct support_batch batch;

    support_env_start(&s->env, threads);
    support_custom_start(&s->custom, &s->metric, custom, 2, 1);
    index_init(&s->state, &s->env.env, &s->metric, 3);
    support_batch_start(&batch, &s->metric, kind, 0, n, NULL, 0, 5);
    support_plan(&s->state, &batch.tree);
    support_batch_free(&batch);
    support_kind_points(s->queries, &s->metric, kind, 30, NQ, 5); /* points of the tree */
    for (uint32_t i = 0; i < NQ; i++) s->self[i] = i + 30;
}

static void finish(struct scene *s)
{
    index_free(&s->state);
    support_env_finish(&s->env);
}

struct answers {
    int64_t labels[NQ * K];
    double distances[NQ * K];
    int32_t counts[NQ];
};

static void equal_to_brute_force(void **test)
{
    (void)test;
    for (int custom = 0; custom < SUPPORT_CUSTOMS; custom++) {
        struct block_work one = { 0, 0, 0, 0 };

        for (int threads = 1; threads <= 4; threads *= 2) {
            struct pcct_error err = { 0, "" };
            struct block_work work = { 0, 0, 0, 0 };
            struct answers a, right;
            struct scene s;

            start(&s, (enum support_custom_kind)custom, SUPPORT_LATTICE, N, threads);
            for (int self = 0; self < 2; self++) {
                struct query_batch batch = { .queries = s.queries, .self = self ? s.self : NULL, .nq = NQ, .k = K };

                support_ok(query_knn_tree(a.labels, a.distances, a.counts, &s.state, &batch, &s.env.env, &work, &err), &err);
                support_ok(query_brute(right.labels, right.distances, right.counts, &s.state, &batch, &s.env.env, &err), &err);
                assert_memory_equal(&a, &right, sizeof a);
                support_ok(query_knn(a.labels, a.distances, a.counts, &s.state, &batch, &s.env.env, NULL, &err), &err);
                assert_memory_equal(&a, &right, sizeof a);
            }
            assert_true(work.nodes > 0 && work.blocks == 0 && work.distances > 0 && work.distances <= (uint64_t)2 * NQ * N);
            if (threads == 1) one = work;
            assert_memory_equal(&work, &one, sizeof one);
            finish(&s);
        }
    }
}

static void fewer_points_than_asked_for(void **test)
{
    struct pcct_error err = { 0, "" };

    (void)test;
    for (size_t n = 0; n < 3; n++) {
        struct query_batch batch = { .nq = NQ, .k = K };
        struct answers a;
        struct scene s;

        start(&s, SUPPORT_PLAIN, SUPPORT_GAUSS, n, 2);
        batch.queries = s.queries;
        support_ok(query_knn(a.labels, a.distances, a.counts, &s.state, &batch, &s.env.env, NULL, &err), &err);
        for (size_t i = 0; i < NQ; i++) {
            assert_int_equal(a.counts[i], n);
            for (size_t j = n; j < K; j++) assert_true(a.labels[i * K + j] == -1 && isinf(a.distances[i * K + j]));
        }
        finish(&s);
    }
}

static void a_value_that_is_no_distance(void **test)
{
    struct pcct_error err = { 0, "" };
    struct answers a;
    struct scene s;

    (void)test;
    start(&s, SUPPORT_PLAIN, SUPPORT_GAUSS, N, 1);
    for (uint64_t at = 1; at < 400; at += 7) {
        struct query_batch batch = { .queries = s.queries, .self = NULL, .nq = NQ, .k = K };

        metric_calls_clear(&s.custom.calls);
        s.custom.spoil_at = at;
        s.custom.spoilt = (double)NAN;
        assert_int_equal(query_knn_tree(a.labels, a.distances, a.counts, &s.state, &batch, &s.env.env, NULL, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, "query "));
        metric_calls_clear(&s.custom.calls);
        s.custom.spoil_at = at;
        assert_int_equal(query_brute(a.labels, a.distances, a.counts, &s.state, &batch, &s.env.env, &err), PCCT_E_INVALID);
    }
    finish(&s);
}

static int ask(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *s = ctx;
    struct query_batch batch = { .queries = s->queries, .self = NULL, .nq = NQ, .k = K };
    struct answers a;

    return query_knn_tree(a.labels, a.distances, a.counts, &s->state, &batch, env, NULL, err);
}

static void memory_runs_out(void **test)
{
    struct scene s;

    (void)test;
    start(&s, SUPPORT_PLAIN, SUPPORT_GAUSS, N, 1);
    assert_true(support_fail_each(&s.env, ask, &s) >= 3);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_brute_force), cmocka_unit_test(fewer_points_than_asked_for), cmocka_unit_test(a_value_that_is_no_distance),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
