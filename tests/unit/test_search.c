/* SPDX-License-Identifier: Apache-2.0 */
#include "index/search.h"

#include "support_custom.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 400, QUERIES = 40 };

struct scene {
    struct support_env env;
    struct support_custom custom;
    struct metric metric;
    struct index_state state;
    double queries[QUERIES * 3];
};

/* Two batches, the second with deletes, so that there are radii of moved subtrees. */
static void start(struct scene *s, enum support_custom_kind custom, enum support_kind kind, uint32_t dim)
{
    struct base_random random;
    struct support_batch batch;
    uint32_t *dead = NULL;
    size_t n_dead;

    support_env_start(&s->env, 1);
    support_custom_start(&s->custom, &s->metric, custom, dim, 1);
    index_init(&s->state, &s->env.env, &s->metric, 3);
    base_random_seed(&random, 12);
    support_batch_start(&batch, &s->metric, kind, 0, N, NULL, 0, 5);
    support_plan(&s->state, &batch.tree);
    support_batch_free(&batch);
    n_dead = support_pick_nodes(&dead, &s->state, SUPPORT_PICK_ROOT, N / 8, &random);
    support_batch_start(&batch, &s->metric, kind, N, N / 4, dead, n_dead, 5);
    support_plan(&s->state, &batch.tree);
    support_batch_free(&batch);
    free(dead);
    support_kind_points(s->queries, &s->metric, kind, 10 * N, QUERIES / 2, 5);
    support_kind_points(s->queries + QUERIES / 2 * dim, &s->metric, kind, 0, QUERIES / 2, 5); /* some of these are points */
}

static void finish(struct scene *s)
{
    index_free(&s->state);
    support_env_finish(&s->env);
}

static double to(const struct scene *s, const double *q, uint32_t node) { return metric_key(&s->metric, q, index_place(&s->state, node)); }

static void same_nearest(struct scene *s, struct index_search *search, const double *q)
{
    struct block_hit right = { (double)INFINITY, BLOCK_NONE }, best;
    struct pcct_error err = { 0, "" };

    for (uint32_t node = 0; node < s->state.n; node++) {
        double key = index_is_live(&s->state, node) ? to(s, q, node) : (double)INFINITY;

        if (index_is_live(&s->state, node) && key <= index_node_reach(&s->state, node) && key < right.key) right = (struct block_hit){ key, node };
    }
    support_ok(index_search_nearest(&best, search, q, &err), &err);
    assert_int_equal(best.node, right.node);
    assert_true(best.key == right.key);
}

struct shown {
    const struct scene *scene;
    const double *q;
    char seen[2 * N];
    size_t n, most;
};

static int show(void *ctx, uint32_t node, double key)
{
    struct shown *shown = ctx;

    assert_true(node < shown->scene->state.n && !shown->seen[node]);
    assert_true(key == to(shown->scene, shown->q, node));
    shown->seen[node] = 1;
    return ++shown->n >= shown->most;
}

static void same_visits(struct scene *s, struct index_search *search, const double *q, double limit)
{
    struct shown shown = { .scene = s, .q = q, .most = SIZE_MAX };
    struct pcct_error err = { 0, "" };
    size_t n = 0;

    support_ok(index_search_visit(search, q, limit, show, &shown, &err), &err);
    for (uint32_t node = 0; node < s->state.n; node++) {
        int there = index_level(&s->state)[node] > 0 && to(s, q, node) <= limit &&
                    to(s, q, node) <= index_level_reach(&s->metric, index_level(&s->state)[node]);

        assert_int_equal(shown.seen[node], there);
        n += (size_t)there;
    }
    if (n < 2) return;
    memset(&shown.seen, 0, sizeof shown.seen);
    shown.n = 0;
    shown.most = n / 2;
    support_ok(index_search_visit(search, q, limit, show, &shown, &err), &err);
    assert_int_equal(shown.n, n / 2);
}

static void same_neighbours(struct scene *s, struct index_search *search, const double *q, size_t k, uint32_t self)
{
    struct base_topk_entry right_entry[50], entry[50];
    struct base_topk right, top;
    struct pcct_error err = { 0, "" };

    assert_true(k <= 50);
    base_topk_start(&right, right_entry, k);
    base_topk_start(&top, entry, k);
    for (uint32_t node = 0; node < s->state.n; node++) {
        if (index_is_live(&s->state, node) && node != self) base_topk_offer(&right, to(s, q, node), index_label(&s->state)[node]);
    }
    support_ok(index_search_knn(&top, search, &(struct index_wish){ q, self, (double)INFINITY, NULL, 0 }, &err), &err);
    base_topk_finish(&right);
    base_topk_finish(&top);
    assert_int_equal(top.count, right.count);
    for (size_t i = 0; i < top.count; i++) {
        assert_int_equal(entry[i].id, right_entry[i].id);
        assert_true(entry[i].key == right_entry[i].key);
    }
}

/* Within a limit and among ranks below a bound, all of them and the k nearest; limits are keys of nodes. */
static void same_wishes(struct scene *s, struct index_search *search, const double *q, size_t k, uint32_t self)
{
    uint32_t rank[2 * N];
    const struct index_wish wish = { q, self, to(s, q, (uint32_t)(k * 37 % N)), rank, (uint32_t)N / 2 };
    struct base_topk_entry right_entry[50], entry[50];
    struct shown shown = { .scene = s, .q = q, .most = SIZE_MAX };
    struct base_topk right, top;
    struct pcct_error err = { 0, "" };

    for (uint32_t node = 0; node < s->state.n; node++) rank[node] = node * 7919u % N;
    base_topk_start(&right, right_entry, k);
    base_topk_start(&top, entry, k);
    support_ok(index_search_within(search, &wish, show, &shown, &err), &err);
    for (uint32_t node = 0; node < s->state.n; node++) {
        const int there = index_is_live(&s->state, node) && node != self && to(s, q, node) <= wish.limit && rank[node] < wish.below;

        assert_int_equal(shown.seen[node], there);
        if (there) base_topk_offer(&right, to(s, q, node), index_label(&s->state)[node]);
    }
    support_ok(index_search_knn(&top, search, &wish, &err), &err);
    base_topk_finish(&right);
    base_topk_finish(&top);
    assert_int_equal(top.count, right.count);
    for (size_t i = 0; i < top.count; i++) assert_true(entry[i].id == right_entry[i].id && entry[i].key == right_entry[i].key);
}

static void equal_to_comparing_all(void **test)
{
    (void)test;
    for (int custom = 0; custom < SUPPORT_CUSTOMS; custom++) {
        for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
            uint32_t dim = 1 + (uint32_t)(custom + kind) % 3;
            struct index_search search;
            struct scene s;

            start(&s, (enum support_custom_kind)custom, (enum support_kind)kind, dim);
            index_search_start(&search, &s.state);
            for (size_t i = 0; i < QUERIES; i++) {
                const double *q = s.queries + i * dim;

                same_nearest(&s, &search, q);
                same_visits(&s, &search, q, i % 3 == 0 ? (double)INFINITY : to(&s, q, (uint32_t)(N + i)));
                same_neighbours(&s, &search, q, 1 + i % 50, i % 2 ? (uint32_t)(N + i) : INDEX_NONE);
                same_wishes(&s, &search, q, 1 + i % 50, i % 2 ? (uint32_t)(N + i) : INDEX_NONE);
            }
            assert_true(search.nodes > 0 && search.distances > 0);
            index_search_free(&search);
            finish(&s);
        }
    }
}

/* What is counted is what was asked, and little of it where points lie in clusters. */
static void distances_are_counted_and_few(void **test)
{
    struct pcct_error err = { 0, "" };
    struct index_search search;
    struct base_topk_entry entry[5];
    struct base_topk top;
    struct scene s;

    (void)test;
    start(&s, SUPPORT_PLAIN, SUPPORT_BALLS, 2);
    index_search_start(&search, &s.state);
    s.custom.asked = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        base_topk_start(&top, entry, 5);
        support_ok(index_search_knn(&top, &search, &(struct index_wish){ s.queries + 2 * i, INDEX_NONE, (double)INFINITY, NULL, 0 }, &err), &err);
    }
    assert_int_equal(search.distances, s.custom.asked);
    assert_true(search.distances < (uint64_t)QUERIES * s.state.n_live / 3);
    index_search_free(&search);
    finish(&s);
}

static void an_empty_tree(void **test)
{
    const double q[1] = { 0 };
    struct pcct_error err = { 0, "" };
    struct base_topk_entry entry[2];
    struct support_custom custom;
    struct support_env env;
    struct index_search search;
    struct index_state state;
    struct base_topk top;
    struct metric metric;

    (void)test;
    support_env_start(&env, 1);
    support_custom_start(&custom, &metric, SUPPORT_PLAIN, 1, 0);
    index_init(&state, &env.env, &metric, 3);
    index_search_start(&search, &state);
    base_topk_start(&top, entry, 2);
    support_ok(index_search_knn(&top, &search, &(struct index_wish){ q, INDEX_NONE, (double)INFINITY, NULL, 0 }, &err), &err);
    assert_true(top.count == 0 && search.distances == 0);
    index_search_free(&search);
    index_free(&state);
    support_env_finish(&env);
}

/* Points on a line whose distances are at the very edge of what the promise allows: the bounds have to leave room for it. */
static double stretched(void *ctx, const double *a, const double *b)
{
    const double x = fabs(*a - *b);

    (void)ctx;
    return fabs(*a + *b) > 10 ? x * (1 + METRIC_TRUST / 2) : x; /* what lies far out is a little farther: triangles hold up to that */
}

static void triangles_hold_only_as_promised(void **test)
{
    const struct pcct_metric function = { sizeof function, "tested", stretched, NULL, NULL };
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct index_search search;
    struct scene s;

    (void)test;
    support_env_start(&s.env, 1);
    support_ok(metric_custom_init(&s.metric, "tested", 1, &function, &err), &err);
    metric_calls_clear(&s.custom.calls);
    s.metric.calls = &s.custom.calls;
    index_init(&s.state, &s.env.env, &s.metric, 3);
    support_batch_start(&batch, &s.metric, SUPPORT_LINE, 0, N, NULL, 0, 5);
    for (size_t i = 0; i < N; i++) batch.points[i] = (double)(i % 64); /* ties of what is left and right */
    support_plan(&s.state, &batch.tree);
    support_batch_free(&batch);
    support_ok(index_check(&s.state, &err), &err);
    index_search_start(&search, &s.state);
    for (int i = -10; i < 140; i++) {
        const double q = i * 0.5;

        same_neighbours(&s, &search, &q, 1 + (size_t)(i + 10) % 20, INDEX_NONE);
        same_visits(&s, &search, &q, 3);
        same_nearest(&s, &search, &q);
    }
    index_search_free(&search);
    finish(&s);
}

struct attempt {
    struct scene *scene;
};

static int search_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct attempt *attempt = ctx;
    struct base_topk_entry entry[5];
    struct index_search search;
    struct block_hit best;
    struct base_topk top;
    int status = 0;

    (void)env;
    index_search_start(&search, &attempt->scene->state);
    base_topk_start(&top, entry, 5);
    TRY(index_search_knn(&top, &search, &(struct index_wish){ attempt->scene->queries, INDEX_NONE, (double)INFINITY, NULL, 0 }, err));
    TRY(index_search_nearest(&best, &search, attempt->scene->queries, err));
done:
    index_search_free(&search);
    return status;
}

static void memory_runs_out(void **test)
{
    struct scene s;
    struct attempt attempt = { &s };

    (void)test;
    start(&s, SUPPORT_PLAIN, SUPPORT_GAUSS, 3);
    assert_true(support_fail_each(&s.env, search_once, &attempt) >= 1);
    finish(&s);
}

static void faults_name_points_and_queries(void **test)
{
    struct pcct_error err = { 0, "" };
    struct index_search search;
    struct block_hit best;
    struct scene s;
    char words[64];

    (void)test;
    start(&s, SUPPORT_PLAIN, SUPPORT_GAUSS, 3);
    support_ok(index_calls_check(&s.state, NULL, 0, &err), &err);
    index_search_start(&search, &s.state);
    s.custom.spoil_at = 1;
    s.custom.spoilt = (double)NAN;
    support_ok(index_search_nearest(&best, &search, s.queries + 3 * 7, &err), &err);
    assert_int_equal(index_calls_check(&s.state, s.queries, QUERIES, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "query 7 "));
    snprintf(words, sizeof words, "label %lld", (long long)index_label(&s.state)[s.state.root]);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, "nan"));
    metric_calls_clear(&s.custom.calls);
    s.custom.spoil_at = 1;
    s.custom.spoilt = -3;
    index_key(&s.state, 11, 20);
    assert_int_equal(index_calls_check(&s.state, NULL, 0, &err), PCCT_E_INVALID);
    snprintf(words, sizeof words, "label %lld", (long long)index_label(&s.state)[11]);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, "-3 apart"));
    index_search_free(&search);
    metric_calls_clear(&s.custom.calls);
    finish(&s);
}

static void what_is_missing_is_told(void **test)
{
    struct pcct_error err = { 0, "" };
    struct support_custom custom;
    struct metric metric;

    (void)test;
    support_custom_start(&custom, &metric, SUPPORT_PLAIN, 1, 0);
    support_ok(index_calls_need(&metric, &err), &err);
    support_ok(metric_custom_init(&metric, "words", 1, NULL, &err), &err);
    assert_int_equal(index_calls_need(&metric, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "\"words\""));
    assert_non_null(strstr(err.message, "pcct_open_options.custom"));
    support_ok(metric_init(&metric, "euclidean", 1, METRIC_ISA_BEST, &err), &err);
    support_ok(index_calls_need(&metric, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_comparing_all), cmocka_unit_test(distances_are_counted_and_few), cmocka_unit_test(an_empty_tree),
        cmocka_unit_test(triangles_hold_only_as_promised), cmocka_unit_test(memory_runs_out), cmocka_unit_test(faults_name_points_and_queries),
        cmocka_unit_test(what_is_missing_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
