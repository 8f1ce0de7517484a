/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/remove.h"

#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    struct support_env env;
    struct metric metric;
    struct index_state state;
    struct support_tree tree;
};

static void start(struct pair *p, const char *metric, uint32_t dim, uint64_t seed)
{
    struct pcct_error err = { 0, "" };

    support_env_start(&p->env, 1);
    support_ok(metric_init(&p->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    index_init(&p->state, &p->env.env, &p->metric, seed);
    support_tree_start(&p->tree, &p->metric, seed);
}

static void finish(struct pair *p)
{
    index_free(&p->state);
    support_tree_free(&p->tree);
    support_env_finish(&p->env);
}

static void both(struct pair *p, const struct tree_batch *batch)
{
    struct pcct_error err = { 0, "" };

    support_plan(&p->state, batch);
    support_tree_update(&p->tree, batch);
    support_tree_expect(&p->tree, &p->state);
    support_ok(index_check(&p->state, &err), &err);
}

/* One point a call, so that nodes are numbered and inserted in this order. */
static void add(struct pair *p, const double *points, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t label = (int64_t)p->state.n;
        struct tree_batch one = { .points = points + i * p->metric.input_dim, .labels = &label, .n_insert = 1 };

        both(p, &one);
    }
}

static void take(struct pair *p, const uint32_t *dead, size_t n)
{
    struct tree_batch batch = { .dead = dead, .n_delete = n };

    both(p, &batch);
}

static void a_leaf(void **test)
{
    const double points[] = { 0, 10, 1 };
    const uint32_t dead[] = { 2 };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 0);
    add(&p, points, 3);
    take(&p, dead, 1);
    assert_int_equal(index_level(&p.state)[2], INDEX_LEVEL_DEAD);
    assert_int_equal(index_parent(&p.state)[2], INDEX_NONE);
    assert_int_equal(p.state.n_live, 2);
    assert_int_equal(p.state.n, 3);
    finish(&p);
}

static void the_least_numbered_twin_takes_over(void **test)
{
    const double points[] = { 0, 16, 16, 16, 17, 0 };
    const uint32_t dead[] = { 1 }, next[] = { 2, 0 };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 0);
    add(&p, points, 6);
    assert_int_equal(index_parent(&p.state)[2], 1);
    assert_int_equal(index_parent(&p.state)[4], 1);
    take(&p, dead, 1);
    assert_int_equal(index_parent(&p.state)[2], 0);
    assert_int_equal(index_level(&p.state)[2], INDEX_LEVEL_BIAS + 3);
    assert_int_equal(index_parent(&p.state)[3], 2);
    assert_int_equal(index_level(&p.state)[3], INDEX_LEVEL_TWIN);
    assert_int_equal(index_parent(&p.state)[4], 2);
    take(&p, next, 2); /* heir and root together: 3 follows 2, 5 follows 0 */
    assert_int_equal(p.state.root, 5);
    assert_int_equal(index_parent(&p.state)[3], 5);
    assert_int_equal(index_parent(&p.state)[4], 3);
    finish(&p);
}

/* The root dies without a twin: of its children the highest, of equals the first by priority, becomes root. */
static void an_orphan_becomes_root(void **test)
{
    const double points[] = { 0, 100, -100, 3, 90 };
    const uint32_t dead[] = { 0 };
    uint32_t root = 0;
    struct pair p;

    (void)test;
    for (uint64_t seed = 0; seed < 8; seed++) {
        start(&p, "euclidean", 1, seed * 0x9e3779b97f4a7c15u);
        add(&p, points, 5);
        take(&p, dead, 1);
        root = base_priority(p.state.seed, 1) < base_priority(p.state.seed, 2) ? 1 : 2;
        assert_int_equal(p.state.root, root);
        assert_int_equal(index_parent(&p.state)[3 - root], root);
        finish(&p);
    }
}

/* The heir of a node whose parent dies too waits at its new level and is settled with the other orphans. */
static void an_heir_under_a_dead_parent(void **test)
{
    const double points[] = { 0, 64, 60, 60, 61, 62.5 };
    const uint32_t dead[] = { 1, 2 };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 5);
    add(&p, points, 6);
    assert_int_equal(index_parent(&p.state)[2], 1);
    assert_int_equal(index_parent(&p.state)[3], 2);
    take(&p, dead, 2);
    assert_int_equal(index_parent(&p.state)[3], 0);
    assert_int_equal(index_level(&p.state)[3], INDEX_LEVEL_BIAS + 5);
    assert_int_equal(index_parent(&p.state)[4], 3);
    finish(&p);
}

/* At 1e-162 squares underflow: points in different places are twins, and one of those cannot take the other's place. */
static void a_twin_in_another_place(void **test)
{
    const double points[] = { 1, 0, 1e-162 };
    const uint32_t dead[] = { 1 };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 0);
    add(&p, points, 3);
    assert_int_equal(index_level(&p.state)[2], INDEX_LEVEL_TWIN);
    assert_int_equal(index_parent(&p.state)[2], 1);
    take(&p, dead, 1);
    assert_int_equal(index_parent(&p.state)[2], 0);
    assert_int_equal(index_level(&p.state)[2], INDEX_LEVEL_BIAS - 1);
    finish(&p);
}

static void everything_dies_and_life_goes_on(void **test)
{
    const double points[] = { 5, 4, 4, 8 };
    const uint32_t dead[] = { 3, 1, 0, 2 };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 2);
    add(&p, points, 4);
    take(&p, dead, 4);
    assert_int_equal(p.state.root, INDEX_NONE);
    assert_int_equal(p.state.n_live, 0);
    add(&p, points, 4);
    assert_int_equal(p.state.root, 4);
    finish(&p);
}

/* Orphans whose parents died together, over all kinds: inserts of 400 points, then deletes of every kind until nothing is left. */
static void equal_to_the_definition(void **test)
{
    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (size_t d = 0; d < SUPPORT_SPACES; d++) {
            struct support_batch batch;
            struct base_random random;
            struct pair p;

            start(&p, support_spaces[d].metric, support_spaces[d].dim, d + 40);
            p.env.env.threads = 1 + (int)d % 2;
            base_random_seed(&random, (uint64_t)kind * 100 + d);
            support_batch_start(&batch, &p.metric, (enum support_kind)kind, 0, 400, NULL, 0, 8);
            both(&p, &batch.tree);
            support_batch_free(&batch);
            for (int round = 0; p.state.n_live > 0; round++) {
                enum support_pick pick = round % 4 == 3 ? SUPPORT_PICK_ROOT : round % 4 == 1 ? SUPPORT_PICK_BALL : SUPPORT_PICK_ANY;
                uint32_t *dead = NULL;
                size_t n = support_pick_nodes(&dead, &p.state, pick, 1 + base_random_below(&random, 60), &random);

                take(&p, dead, n);
                free(dead);
            }
            finish(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf), cmocka_unit_test(the_least_numbered_twin_takes_over), cmocka_unit_test(an_orphan_becomes_root),
        cmocka_unit_test(an_heir_under_a_dead_parent), cmocka_unit_test(a_twin_in_another_place), cmocka_unit_test(everything_dies_and_life_goes_on),
        cmocka_unit_test(equal_to_the_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
