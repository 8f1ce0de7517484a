/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/settle.h"

#include "support_tree.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TREE = 200, CHUNK = 250, DIM = 2 };

/* A tree of TREE points and a chunk of CHUNK more, located by brute force. */
struct scene {
    struct support_env env;
    struct metric metric;
    struct index_state state;
    uint32_t node[CHUNK], parent[CHUNK], route[CHUNK];
    double place[CHUNK * DIM], key[CHUNK];
    int16_t level[CHUNK];
    struct base_arena arena;
    struct tree_chunk chunk;
};

static void locate(struct scene *s, size_t i)
{
    double best = INFINITY;

    for (uint32_t y = 0; y < TREE; y++) {
        double key = metric_key(&s->metric, s->place + i * DIM, index_place(&s->state, y));

        if (key > index_node_reach(&s->state, y) || key >= best) continue;
        best = key;
        s->parent[i] = y;
    }
    s->key[i] = best;
    s->level[i] = tree_level_of(&s->metric, best);
}

static void start(struct scene *s, enum support_kind kind, double scale, double shift)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;

    support_env_start(&s->env, 1);
    support_ok(metric_init(&s->metric, "euclidean", DIM, METRIC_ISA_BEST, &err), &err);
    index_init(&s->state, &s->env.env, &s->metric, 11);
    support_batch_start(&batch, &s->metric, kind, 0, TREE, NULL, 0, 3);
    support_ok(tree_update(&s->state, &batch.tree, &err), &err);
    support_batch_free(&batch);
    support_batch_start(&batch, &s->metric, kind, TREE, CHUNK, NULL, 0, 3);
    for (size_t i = 0; i < CHUNK * DIM; i++) s->place[i] = batch.points[i] * scale + shift;
    support_ok(index_append(&s->state, s->place, batch.labels, CHUNK, &err), &err);
    support_batch_free(&batch);
    for (uint32_t i = 0; i < CHUNK; i++) {
        s->node[i] = TREE + (i * 7 + 5) % CHUNK;
        s->route[i] = CHUNK - 1 - i;
    }
    for (uint32_t i = 0; i < CHUNK; i++) memcpy(s->place + i * DIM, index_place(&s->state, s->node[i]), DIM * sizeof(double));
    for (size_t i = 0; i < CHUNK; i++) locate(s, i);
    s->chunk = (struct tree_chunk){ &s->state, s->node, CHUNK, s->place, s->key, s->parent, s->level, s->route, &s->arena, { 0, 1 }, NULL };
    s->arena = (struct base_arena){ .env = &s->env.env };
}

static void finish(struct scene *s)
{
    base_arena_free(&s->arena);
    index_free(&s->state);
    support_env_finish(&s->env);
}

static int is_pair(const struct scene *s, uint32_t x, uint32_t y, double key)
{
    double reach = s->level[y] > 0 ? ldexp(1, 2 * (s->level[y] - INDEX_LEVEL_BIAS)) : -1;

    if (y >= x || key > reach) return 0;
    return key < s->key[x] || (key == s->key[x] && s->node[y] < s->parent[x]);
}

/* Every pair of the definition once, and no other. */
static void expect(const struct scene *s, const struct tree_conflicts *conflicts)
{
    size_t total = 0;

    for (uint32_t x = 0; x < CHUNK; x++) {
        const struct tree_pair *pair = conflicts->pair[conflicts->owner[x]].memory.data;
        uint32_t count = 0;
        uint8_t listed[CHUNK] = { 0 };

        for (uint32_t i = 0; i < conflicts->count[x]; i++) {
            uint32_t y = pair[conflicts->start[x] + i].rank;

            assert_true(y < CHUNK);
            assert_int_equal(listed[y]++, 0);
            assert_true(pair[conflicts->start[x] + i].key == metric_key(&s->metric, s->place + x * DIM, s->place + y * DIM));
        }
        for (uint32_t y = 0; y < CHUNK; y++) {
            int should = is_pair(s, x, y, metric_key(&s->metric, s->place + x * DIM, s->place + y * DIM));

            assert_int_equal(listed[y], should);
            count += (uint32_t)should;
        }
        assert_int_equal(conflicts->count[x], count);
        total += count;
    }
    assert_true(total > 0);
}

static void pairs_are_those_of_the_definition(void **test)
{
    static const enum support_kind kinds[] = { SUPPORT_GAUSS, SUPPORT_LATTICE, SUPPORT_DECADES, SUPPORT_BALLS, SUPPORT_LINE };

    (void)test;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (int threads = 1; threads <= 4; threads *= 2) {
            struct scene *s = calloc(1, sizeof *s);
            struct tree_conflicts conflicts = { 0 };
            struct pcct_error err = { 0, "" };
            int over = 1;

            assert_non_null(s);
            start(s, kinds[k], kinds[k] == SUPPORT_LATTICE ? 0.5 : 1, 0); /* halves: between the lattice's points */
            s->env.env.threads = threads;
            support_ok(tree_conflicts_find(&conflicts, &over, &s->chunk, &err), &err);
            assert_int_equal(over, 0);
            expect(s, &conflicts);
            tree_conflicts_free(&conflicts, &s->env.env);
            finish(s);
            free(s);
        }
    }
}

/* A tight ball far away: 250 * 250 meetings are more than the budget, for every thread count. */
static void a_complete_graph_is_over_the_budget(void **test)
{
    (void)test;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct scene *s = calloc(1, sizeof *s);
        struct tree_conflicts conflicts = { 0 };
        struct pcct_error err = { 0, "" };
        int over = 0;

        assert_non_null(s);
        start(s, SUPPORT_GAUSS, 1e-6, 500);
        s->env.env.threads = threads;
        support_ok(tree_conflicts_find(&conflicts, &over, &s->chunk, &err), &err);
        assert_int_equal(over, 1);
        tree_conflicts_free(&conflicts, &s->env.env);
        finish(s);
        free(s);
    }
}

static int attempt(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct scene *s = ctx;
    struct tree_conflicts conflicts = { 0 };
    int over = 0, status = tree_conflicts_find(&conflicts, &over, &s->chunk, err);

    if (status == 0) expect(s, &conflicts);
    tree_conflicts_free(&conflicts, env);
    base_arena_free(&s->arena);
    return status;
}

static void memory_runs_out(void **test)
{
    struct scene *s = calloc(1, sizeof *s);

    (void)test;
    assert_non_null(s);
    start(s, SUPPORT_GAUSS, 1, 0);
    assert_true(support_fail_each(&s->env, attempt, s) >= 6);
    finish(s);
    free(s);
}

static void nothing_to_free(void **test)
{
    struct support_env env;
    struct tree_conflicts conflicts = { 0 };

    (void)test;
    support_env_start(&env, 1);
    tree_conflicts_free(&conflicts, &env.env);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_the_definition), cmocka_unit_test(a_complete_graph_is_over_the_budget), cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(nothing_to_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
