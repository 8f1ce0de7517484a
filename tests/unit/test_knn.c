/* SPDX-License-Identifier: Apache-2.0 */
#include "query/knn.h"

#include "support_tree.h"

#include "base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scene {
    struct support_env env;
    struct metric metric;
    struct index_state state;
};

static void start(struct scene *s, const char *metric, uint32_t dim, enum support_kind kind, size_t n, size_t n_dead)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct base_random random;
    struct tree_batch removal;
    uint32_t *dead = NULL;

    support_env_start(&s->env, 1);
    support_ok(metric_init(&s->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    index_init(&s->state, &s->env.env, &s->metric, 3);
    support_batch_start(&batch, &s->metric, kind, 0, n, NULL, 0, 21);
    for (size_t i = 0; i < n; i++) batch.labels[i] = (int64_t)(i * 7919 % (n ? n : 1)) - 20; /* ties are not in node order; some are negative */
    for (size_t i = 0; i < n; i++) batch.labels[i] -= batch.labels[i] <= -1;                 /* -1 is no label */
    support_plan(&s->state, &batch.tree);
    support_batch_free(&batch);
    base_random_seed(&random, 4);
    removal = (struct tree_batch){ .n_delete = support_pick_nodes(&dead, &s->state, SUPPORT_PICK_ANY, n_dead, &random) };
    removal.dead = dead;
    support_plan(&s->state, &removal);
    free(dead);
}

static void finish(struct scene *s)
{
    index_free(&s->state);
    support_env_finish(&s->env);
}

struct answers {
    int64_t *labels;
    double *distances;
    int32_t *counts;
};

static struct answers answers_new(size_t nq, size_t k)
{
    struct answers a = { calloc(nq * k + 1, sizeof(int64_t)), calloc(nq * k + 1, sizeof(double)), calloc(nq + 1, sizeof(int32_t)) };

    assert_true(a.labels && a.distances && a.counts);
    return a;
}

static void answers_free(struct answers *a)
{
    free(a->labels);
    free(a->distances);
    free(a->counts);
}

static void naive(struct answers *a, const struct index_state *state, const struct query_batch *batch)
{
    struct base_topk_entry *all = calloc((size_t)state->n + 1, sizeof *all);

    assert_non_null(all);
    for (size_t i = 0; i < batch->nq; i++) {
        size_t n = 0;

        for (uint32_t node = 0; node < state->n; node++) {
            struct base_topk_entry e = { 0, index_label(state)[node] };
            size_t dim = state->metric.dim, at = n;

            if (!index_is_live(state, node) || (batch->self && batch->self[i] == node)) continue;
            e.key = support_key(batch->queries + i * dim, index_place(state, node), state->metric.sum, (uint32_t)dim);
            if (n == batch->k && !base_topk_less(&e, &all[n - 1])) continue;
            if (n < batch->k) n++;
            else at--;
            for (; at > 0 && base_topk_less(&e, &all[at - 1]); at--) all[at] = all[at - 1];
            all[at] = e;
        }
        a->counts[i] = (int32_t)n;
        for (size_t j = 0; j < batch->k; j++) {
            a->labels[i * batch->k + j] = j < n ? all[j].id : -1;
            a->distances[i * batch->k + j] = j < n ? metric_distance(&state->metric, all[j].key) : (double)INFINITY;
        }
    }
    free(all);
}

static void compare(struct scene *s, const struct query_batch *batch, int threads_most)
{
    struct pcct_error err = { 0, "" };
    size_t cells = batch->nq * batch->k;
    struct answers right = answers_new(batch->nq, batch->k);

    naive(&right, &s->state, batch);
    for (int threads = 1; threads <= threads_most; threads *= 2) {
        struct base_env env = s->env.env;
        struct answers a = answers_new(batch->nq, batch->k), b = answers_new(batch->nq, batch->k);
        struct block_work work = { 0 };

        env.threads = threads;
        support_ok(query_knn(a.labels, a.distances, a.counts, &s->state, batch, &env, &work, &err), &err);
        support_ok(query_brute(b.labels, b.distances, b.counts, &s->state, batch, &env, &err), &err);
        assert_memory_equal(a.labels, right.labels, cells * sizeof(int64_t));
        assert_memory_equal(a.distances, right.distances, cells * sizeof(double));
        assert_memory_equal(a.counts, right.counts, batch->nq * sizeof(int32_t));
        assert_memory_equal(b.labels, right.labels, cells * sizeof(int64_t));
        assert_memory_equal(b.distances, right.distances, cells * sizeof(double));
        assert_memory_equal(b.counts, right.counts, batch->nq * sizeof(int32_t));
        if (s->state.n_live > 1 && batch->nq > 0) assert_true(work.blocks >= batch->nq && work.distances > 0);
        support_ok(query_knn(a.labels, a.distances, NULL, &s->state, batch, &env, NULL, &err), &err);
        assert_memory_equal(a.labels, right.labels, cells * sizeof(int64_t));
        answers_free(&a);
        answers_free(&b);
    }
    answers_free(&right);
}

/* Half of the queries are points of the tree, so that ties at distance 0 and equal distances on lattices are common. */
static void equal_to_brute_force(void **test)
{
    static const struct support_space wide[] = { { "euclidean", 17 }, { "manhattan", 17 }, { "chebyshev", 9 }, { "angular", 16 } };
    static const size_t ks[] = { 1, 3, 10, 70 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (size_t d = 0; d < SUPPORT_SPACES + 4; d++) {
            const struct support_space *space = d < SUPPORT_SPACES ? &support_spaces[d] : &wide[d - SUPPORT_SPACES];
            enum { NQ = 80 }; /* enough for a flat scan to be thought of */
            struct scene s;
            double outside[NQ * 17], queries[NQ * 17];
            uint32_t self[NQ];

            start(&s, space->metric, space->dim, (enum support_kind)kind, 900, 150);
            support_kind_points(outside, &s.metric, (enum support_kind)kind, 5000, NQ, 77);
            metric_embed(queries, &s.metric, outside, NQ);
            for (uint32_t i = 0; i < NQ; i++) {
                self[i] = (i * 31) % s.state.n;
                if (i % 2) memcpy(queries + i * s.metric.dim, index_place(&s.state, self[i]), s.metric.dim * sizeof(double));
            }
            for (size_t k = 0; k < 4; k++) {
                struct query_batch batch = { .queries = queries, .nq = NQ, .k = ks[k] };

                compare(&s, &batch, k == 2 ? 4 : 1);
                batch.self = self;
                compare(&s, &batch, k == 3 ? 2 : 1);
            }
            finish(&s);
        }
    }
}

static void fewer_points_than_asked_for(void **test)
{
    const double queries[4] = { 0, 0, 1, 1 };
    const uint32_t self[2] = { 0, INDEX_NONE };

    (void)test;
    for (size_t n = 0; n < 6; n++) {
        struct query_batch batch = { .queries = queries, .nq = 2, .k = 5 };
        struct scene s;

        start(&s, "euclidean", 2, SUPPORT_GAUSS, n, 0);
        compare(&s, &batch, 2);
        batch.self = self;
        if (n > 0) compare(&s, &batch, 2);
        batch.k = 1000;
        compare(&s, &batch, 2);
        batch.nq = 0;
        compare(&s, &batch, 2);
        finish(&s);
    }
}

/* Everything dead: as if empty. */
static void none_is_left(void **test)
{
    const double queries[2] = { 0, 0 };
    struct query_batch batch = { .queries = queries, .nq = 1, .k = 3 };
    struct scene s;

    (void)test;
    start(&s, "euclidean", 2, SUPPORT_GAUSS, 50, 50);
    assert_int_equal(s.state.n_live, 0);
    compare(&s, &batch, 2);
    finish(&s);
}

/* Where a search would look into most blocks anyway all are scanned, but for the queries that are tried first; where it would not, none is. The work
 * is the same for any number of threads. */
static void hard_batches_are_scanned(void **test)
{
    enum { N = 3000, NQ = 203, TRIED = 4, K = 8, DIM = 8 };

    (void)test;
    for (uint32_t dim = 2; dim <= DIM; dim += DIM - 2) {
        struct scene s;
        double queries[NQ * DIM];
        uint32_t self[NQ];
        struct query_batch batch = { .queries = queries, .nq = NQ, .k = K };

        start(&s, "euclidean", dim, SUPPORT_GAUSS, N, 300);
        support_kind_points(queries, &s.metric, SUPPORT_GAUSS, 5000, NQ, 77);
        compare(&s, &batch, 4);
        for (uint32_t i = 0; i < NQ; i++) {
            self[i] = i * 13;
            memcpy(queries + i * dim, index_place(&s.state, self[i]), dim * sizeof *queries);
        }
        batch.self = self;
        compare(&s, &batch, 2);
        for (int threads = 1; threads <= 3; threads++) {
            struct pcct_error err = { 0, "" };
            struct base_env env = s.env.env;
            struct answers a = answers_new(NQ, K);
            struct block_work work = { 0 };

            env.threads = threads;
            support_ok(query_knn(a.labels, a.distances, a.counts, &s.state, &batch, &env, &work, &err), &err);
            if (dim == 2) assert_true(work.blocks < 5 * NQ && work.nodes >= NQ);
            else assert_true(work.blocks >= (NQ - TRIED) * (N - 300) / METRIC_LANES && work.nodes < 10 * TRIED);
            answers_free(&a);
        }
        finish(&s);
    }
}

/* So many that queries are put in order first: each is answered, and with what is its own. */
static void large_layouts(void **test)
{
    enum { N = 180000, NQ = 45, K = 5, DIM = 3 };
    struct scene s;
    double queries[NQ * DIM];
    struct query_batch batch = { .queries = queries, .nq = NQ, .k = K };

    (void)test;
    start(&s, "euclidean", DIM, SUPPORT_GAUSS, N, 0);
    support_kind_points(queries, &s.metric, SUPPORT_GAUSS, N, NQ, 77);
    compare(&s, &batch, 2);
    finish(&s);
}

/* 10^5 points in one place: the least labels are found without a look at all of them. */
static void equal_points_are_not_all_looked_at(void **test)
{
    enum { N = 100000, NQ = 50, K = 10 };
    const double place[2] = { 3.25, 3.25 };
    double queries[NQ * 2], distances[NQ * K];
    int64_t labels[NQ * K];
    struct query_batch batch = { .queries = queries, .nq = NQ, .k = K };
    struct block_work work = { 0 };
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s, "euclidean", 2, SUPPORT_EQUAL, N, 0);
    for (size_t i = 0; i < NQ; i++) memcpy(queries + 2 * i, place, sizeof place);
    support_ok(query_knn(labels, distances, NULL, &s.state, &batch, &s.env.env, &work, &err), &err);
    for (size_t i = 0; i < NQ * K; i++) {
        assert_int_equal(labels[i], -21 + (int64_t)(i % K));
        assert_true(distances[i] == 0);
    }
    assert_true(work.distances < (uint64_t)NQ * N / 50);
    finish(&s);
}

struct attempt {
    const struct scene *scene;
    const struct query_batch *batch;
};

static int ask(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct attempt *attempt = ctx;
    struct answers a = answers_new(attempt->batch->nq, attempt->batch->k), right = answers_new(attempt->batch->nq, attempt->batch->k);
    int status = query_knn(a.labels, a.distances, a.counts, &attempt->scene->state, attempt->batch, env, NULL, err);

    naive(&right, &attempt->scene->state, attempt->batch);
    if (status == 0) assert_memory_equal(a.labels, right.labels, attempt->batch->nq * attempt->batch->k * sizeof(int64_t));
    if (status == 0) status = query_brute(a.labels, a.distances, a.counts, &attempt->scene->state, attempt->batch, env, err);
    if (status == 0) assert_memory_equal(a.labels, right.labels, attempt->batch->nq * attempt->batch->k * sizeof(int64_t));
    answers_free(&a);
    answers_free(&right);
    return status;
}

static void memory_runs_out(void **test)
{
    struct scene s;
    double queries[200];
    struct query_batch batch = { .queries = queries, .nq = 100, .k = 4 };
    struct attempt attempt = { &s, &batch };

    (void)test;
    start(&s, "euclidean", 2, SUPPORT_GAUSS, 300, 0);
    support_kind_points(queries, &s.metric, SUPPORT_GAUSS, 0, 100, 8);
    assert_true(support_fail_each(&s.env, ask, &attempt) >= 5);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_brute_force), cmocka_unit_test(fewer_points_than_asked_for), cmocka_unit_test(none_is_left),
        cmocka_unit_test(hard_batches_are_scanned),
        cmocka_unit_test(large_layouts), cmocka_unit_test(equal_points_are_not_all_looked_at), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
