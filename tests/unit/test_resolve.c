/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/settle.h"

#include "support_tree.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * tree_resolve() sees keys and levels only, so the graphs here are made by hand: more items, and longer chains of waiting, than geometry would give.
 */
struct graph {
    struct support_env env;
    struct index_state state;   /* its env is all that is read of it */
    struct metric metric;
    size_t n;
    uint32_t *node, *parent;
    double *key;
    int16_t *level;
    struct base_vector pair;
    struct tree_conflicts conflicts;
    struct base_arena arena;
    struct tree_chunk chunk;
    uint32_t *right_parent;     /* what the definition gives, item by item */
    int16_t *right_level;
    double *right_key;
};

static void *must(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    assert_non_null(memory);
    return memory;
}

static void start(struct graph *g, size_t n, int threads)
{
    struct pcct_error err = { 0, "" };

    memset(g, 0, sizeof *g);
    support_env_start(&g->env, threads);
    support_ok(metric_init(&g->metric, "euclidean", 1, METRIC_ISA_BEST, &err), &err);
    index_init(&g->state, &g->env.env, &g->metric, 0);
    g->n = n;
    g->node = must(n, sizeof *g->node);
    g->parent = must(n, sizeof *g->parent);
    g->key = must(n, sizeof *g->key);
    g->level = must(n, sizeof *g->level);
    g->right_parent = must(n, sizeof *g->right_parent);
    g->right_level = must(n, sizeof *g->right_level);
    g->right_key = must(n, sizeof *g->right_key);
    g->pair.item_bytes = sizeof(struct tree_pair);
    g->conflicts = (struct tree_conflicts){ &g->pair, 1, must(n, sizeof(uint32_t)), must(n, sizeof(size_t)), must(n, sizeof(uint32_t)) };
    g->chunk = (struct tree_chunk){ &g->state, g->node, n, NULL, g->key, g->parent, g->level, NULL, &g->arena, { 0, 1 }, NULL };
    g->arena = (struct base_arena){ .env = &g->env.env };
}

static void finish(struct graph *g)
{
    base_arena_free(&g->arena);
    base_vector_free(&g->pair, &g->env.env);
    index_free(&g->state);
    free(g->node);
    free(g->parent);
    free(g->key);
    free(g->level);
    free(g->right_parent);
    free(g->right_level);
    free(g->right_key);
    free(g->conflicts.owner);
    free(g->conflicts.start);
    free(g->conflicts.count);
    support_env_finish(&g->env);
}

static void add_pair(struct graph *g, uint32_t x, uint32_t y, double key)
{
    struct tree_pair *pair = NULL;

    if (g->conflicts.count[x]++ == 0) g->conflicts.start[x] = g->pair.count;
    support_ok(base_vector_add(&pair, &g->pair, &g->env.env, 1, NULL), NULL);
    *pair = (struct tree_pair){ key, y };
}

static void by_definition(struct graph *g)
{
    const struct tree_pair *pair = g->pair.memory.data;

    for (uint32_t x = 0; x < g->n; x++) {
        double key = g->key[x];
        uint32_t parent = g->parent[x];

        for (uint32_t i = 0; i < g->conflicts.count[x]; i++) {
            struct tree_pair p = pair[g->conflicts.start[x] + i];
            int level = g->right_level[p.rank];

            if (level == INDEX_LEVEL_TWIN || p.key > ldexp(1, 2 * (level - INDEX_LEVEL_BIAS))) continue;
            if (p.key > key || (p.key == key && g->node[p.rank] > parent)) continue;
            key = p.key;
            parent = g->node[p.rank];
        }
        g->right_key[x] = key;
        g->right_parent[x] = parent;
        g->right_level[x] = tree_level_of(&g->metric, key);
    }
}

/* Items with some pairs each, keys of few values, so that ties occur. */
static void fill_random(struct graph *g, uint32_t window, uint64_t seed)
{
    struct base_random random;

    base_random_seed(&random, seed);
    for (uint32_t x = 0; x < g->n; x++) {
        g->node[x] = 1000 + (uint32_t)(((uint64_t)x * 7919 + 13) % g->n);
        g->parent[x] = (uint32_t)base_random_below(&random, 1000);
        g->key[x] = ldexp((double)(1 + base_random_below(&random, 4)), (int)base_random_below(&random, 24));
        g->level[x] = tree_level_of(&g->metric, g->key[x]);
        for (int i = 0; i < 6 && x > 0; i++) {
            uint32_t y = x - 1 - (uint32_t)base_random_below(&random, x < window ? x : window);
            double key = g->key[x] * (double)(1 + base_random_below(&random, 4)) / 4;

            if (key < g->key[x] || g->node[y] < g->parent[x]) add_pair(g, x, y, key);
        }
    }
    by_definition(g);
}

static void expect(const struct graph *g)
{
    assert_memory_equal(g->level, g->right_level, g->n * sizeof *g->level);
    assert_memory_equal(g->parent, g->right_parent, g->n * sizeof *g->parent);
    assert_memory_equal(g->key, g->right_key, g->n * sizeof *g->key);
}

static void random_graphs(void **test)
{
    static const size_t sizes[] = { 1, 2, 100, 600, 20000 };

    (void)test;
    for (size_t s = 0; s < 5; s++) {
        for (int threads = 1; threads <= 4; threads *= 2) {
            for (uint32_t window = 3; window <= 30000; window *= 100) {
                struct pcct_error err = { 0, "" };
                struct graph g;
                size_t moved = 0;

                start(&g, sizes[s], threads);
                fill_random(&g, window, 17 + s);
                for (size_t x = 0; x < g.n; x++) moved += g.parent[x] != g.right_parent[x];
                assert_true(moved > g.n / 20 || g.n < 100); /* the test has something to find */
                support_ok(tree_resolve(&g.chunk, &g.conflicts, &err), &err);
                expect(&g);
                finish(&g);
            }
        }
    }
}

/* Each item waits for the one before, and every second one falls below it: 50 000 rounds if nothing ended the rounds. */
static void a_chain_of_fifty_thousand(void **test)
{
    (void)test;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct pcct_error err = { 0, "" };
        struct graph g;

        start(&g, 50000, threads);
        for (uint32_t x = 0; x < g.n; x++) {
            g.node[x] = 10 + x;
            g.parent[x] = 0;
            g.key[x] = 4;
            g.level[x] = tree_level_of(&g.metric, 4);
            if (x > 0) add_pair(&g, x, x - 1, 1);
        }
        by_definition(&g);
        assert_int_equal(g.right_parent[1], 10);
        assert_int_equal(g.right_parent[2], 0); /* its neighbour has fallen to level -1 and reaches no further than 1/2 */
        assert_int_equal(g.right_parent[3], 12);
        support_ok(tree_resolve(&g.chunk, &g.conflicts, &err), &err);
        expect(&g);
        finish(&g);
    }
}

static void set_chain(struct graph *g)
{
    for (uint32_t x = 0; x < g->n; x++) {
        g->node[x] = 10 + x;
        g->parent[x] = 0;
        g->key[x] = 4;
        g->level[x] = tree_level_of(&g->metric, 4);
    }
}

/* A chain again, with so many pairs each that the threads are at work side by side for a while, and often enough for that to happen on a busy
 * machine too: nobody may settle before what it waits for. */
static void a_slow_chain(void **test)
{
    enum { ITEMS = 8192, IDLE = 256, TIMES = 100 };
    struct pcct_error err = { 0, "" };
    struct graph g;

    (void)test;
    start(&g, ITEMS, 4);
    set_chain(&g);
    for (uint32_t x = 1; x < g.n; x++) {
        for (int i = 0; i < IDLE; i++) add_pair(&g, x, 0, 3); /* beyond the reach of item 0 */
        add_pair(&g, x, x - 1, 1);
    }
    by_definition(&g);
    for (int i = 0; i < TIMES; i++) {
        set_chain(&g);
        support_ok(tree_resolve(&g.chunk, &g.conflicts, &err), &err);
        base_arena_clear(&g.arena);
        expect(&g);
    }
    finish(&g);
}

static void a_twin_is_nobodys_parent(void **test)
{
    struct pcct_error err = { 0, "" };
    struct graph g;

    (void)test;
    start(&g, 3, 1);
    for (uint32_t x = 0; x < 3; x++) {
        g.node[x] = 10 + x;
        g.parent[x] = 0;
        g.key[x] = 4;
        g.level[x] = tree_level_of(&g.metric, 4);
    }
    add_pair(&g, 1, 0, 0); /* 1 becomes the twin of 0 */
    add_pair(&g, 2, 1, 0);
    add_pair(&g, 2, 0, 0);
    support_ok(tree_resolve(&g.chunk, &g.conflicts, &err), &err);
    assert_int_equal(g.level[1], INDEX_LEVEL_TWIN);
    assert_int_equal(g.parent[1], 10);
    assert_int_equal(g.parent[2], 10);
    assert_int_equal(g.level[2], INDEX_LEVEL_TWIN);
    finish(&g);
}

static int attempt(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct graph *g = ctx;
    int status = 0;

    (void)env;
    status = tree_resolve(&g->chunk, &g->conflicts, err);
    base_arena_free(&g->arena);
    return status;
}

static void memory_runs_out(void **test)
{
    struct graph g;

    (void)test;
    start(&g, 2000, 2);
    fill_random(&g, 300, 5);
    assert_true(support_fail_each(&g.env, attempt, &g) >= 1);
    expect(&g);
    finish(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs), cmocka_unit_test(a_chain_of_fifty_thousand), cmocka_unit_test(a_slow_chain),
        cmocka_unit_test(a_twin_is_nobodys_parent), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
