/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_nodes.h"

#include <math.h>

enum { TWINS = 100000 };

static void answers_are_those_of_a_full_comparison(void **state)
{
    static const uint32_t dims[] = { 1, 2, 3, 8, 17 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 25; seed++) {
        struct support_block block;

        support_block_start(&block, &env, 2500, dims[seed % 5], (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        if (seed >= 15) support_block_metric(&block, seed < 20 ? "manhattan" : "chebyshev");
        support_ok(support_block_build(&block, 2000, 64, &err), &err);
        support_block_ask(&block, 100, 3);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* A known candidate stays when nothing is better by (key, node), and goes when something is. */
static void known_candidates_count(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    const double q = 0;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 3, 1, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < 3; i++) {
        block.place[i] = 2;
        block.node[i] = i;
        block.reach[i] = i == 0 ? nextafter(4, 0) : 4; /* the first does not quite reach */
    }
    support_ok(block_build(&block.layout, &block.source, block.node, 3, 64, &err), &err);
    for (uint32_t known = 0; known < 4; known++) {
        struct block_hit best = { 4, known };

        block_nearest(&best, &block.layout, &block.source, &q, BLOCK_NONE, &work);
        assert_int_equal(best.node, known < 1 ? known : 1);
        best = (struct block_hit){ 4, known };
        block_nearest(&best, &block.layout, &block.source, &q, 1, &work);
        assert_int_equal(best.node, known < 2 ? known : 2);
        best = (struct block_hit){ nextafter(4, 0), known };
        block_nearest(&best, &block.layout, &block.source, &q, BLOCK_NONE, &work);
        assert_int_equal(best.node, known);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

static int stop_at_third(void *ctx, uint32_t node, double key)
{
    (void)node;
    (void)key;
    return ++*(int *)ctx == 3;
}

static void visiting_can_be_stopped(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    int count = 0;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 1000, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        block.node[i] = i;
        block.reach[i] = 100;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, 1000, 64, &err), &err);
    block_visit(&block.layout, &block.source, block.place, (double)INFINITY, stop_at_third, &count, &work);
    assert_int_equal(count, 3);
    assert_int_equal(work.blocks, 1);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Twins (reach -1) by the hundred thousand around one that can be found. */
static void twins_cost_nothing(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    struct block_hit best = { (double)INFINITY, BLOCK_NONE };
    int count = 0;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, TWINS, 3, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < TWINS; i++) {
        for (int j = 0; j < 3; j++) block.place[3 * i + (uint32_t)j] = 0.5;
        block.node[i] = i;
        block.reach[i] = i == 4321 ? (double)INFINITY : -1;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, TWINS, 64, &err), &err);
    block_nearest(&best, &block.layout, &block.source, block.place, BLOCK_NONE, &work);
    assert_int_equal(best.node, 4321);
    assert_true(best.key == 0);
    assert_int_equal(work.blocks, 1);
    block_visit(&block.layout, &block.source, block.place, (double)INFINITY, stop_at_third, &count, &work);
    assert_int_equal(count, 1);
    assert_int_equal(work.blocks, 2);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* ---- sizes that a float cannot tell apart -------------------------------------------------------------------------------------------------- */

enum { ILL_ROWS = 1200, ILL_KINDS = 9 };

static double ill_scaled(struct base_random *random, int kind, uint32_t row)
{
    const double g = base_random_gauss(random), u = base_random_unit(random);

    switch (kind) {
    case 0: return (row % 2 ? 1e6 : 0) + 1e-3 * u;                                     /* two clusters far apart */
    case 1: return g * ldexp(1, (int)base_random_below(random, 980) - 490);            /* all sizes in one */
    case 2: return row == 17 ? 1e12 : u;                                               /* one far outlier */
    case 3: return (double)base_random_below(random, 8);                               /* a lattice with many at each place */
    case 4: return 0.1;                                                                /* one place */
    case 5: return (double)base_random_below(random, 100) * 0x1p-1074;                 /* denormal */
    case 6: return (2 * u - 1) * 0x1p500;                                              /* as wide as can be */
    case 7: return row % 3 == 0 ? 1e150 : row % 3 == 1 ? g * 1e-150 : g * 0x1p-1060;   /* the greatest and the least */
    default: return 1e15 + (double)base_random_below(random, 3) / 8 + (row % 7 == 0);  /* neighbours in double precision */
    }
}

/* Reaches that are just met by another entry, or just not. */
static void reach_each_other(struct support_block *block)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < ILL_ROWS; i++) {
        const uint32_t other = (uint32_t)base_random_below(&block->random, ILL_ROWS), dim = block->layout.dim;
        const double key = metric_key(&block->metric, block->place + (size_t)i * dim, block->place + (size_t)other * dim);

        if (block->reach[i] == -(double)INFINITY) continue;
        block->reach[i] = i % 3 == 0 ? key : i % 3 == 1 ? nextafter(key, 0) : block->reach[i];
        block->node[n++] = i;
    }
    block_renew_reach(&block->layout, &block->source, block->node, n);
}

static void ill_scaled_data_is_answered_alike(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev" };
    static const uint32_t dims[] = { 1, 3, 8 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (int turn = 0; turn < ILL_KINDS * 9; turn++) {
        const int kind = turn / 9;
        struct support_block block;

        support_block_start(&block, &env, ILL_ROWS, dims[turn % 3], SUPPORT_UNIFORM, (uint64_t)turn);
        support_block_metric(&block, name[turn / 3 % 3]);
        for (uint32_t i = 0; i < ILL_ROWS * dims[turn % 3]; i++) block.place[i] = ill_scaled(&block.random, kind, i / dims[turn % 3]);
        support_ok(support_block_build(&block, 600, 64, &err), &err);
        reach_each_other(&block);
        support_block_check(&block);
        support_block_ask(&block, 12, 10);
        for (int step = 0; step < 4; step++) {
            support_ok(support_block_insert(&block, 140, &err), &err);
            support_block_remove(&block, 60);
            support_block_check(&block);
        }
        support_block_ask(&block, 12, 1);
        support_block_ask(&block, 4, 40);
        support_block_ask(&block, 2, 300);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

static int count_all(void *ctx, uint32_t node, double key)
{
    (void)node;
    (void)key;
    return ++*(uint64_t *)ctx == 0;
}

/*
 * Sizes from 1e-150 to 1e150 about 0: whatever is much smaller than a frame stands in one place there, in all children that reach to 0. Yet a search
 * looks at few blocks, whether they were built or came one by one; in single precision alone it would be most of them.
 */
static void all_sizes_are_told_apart(void **state)
{
    enum { ROWS = 20000, ASKED = 200, K = 10 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, ROWS, 3, SUPPORT_UNIFORM, 3);
    for (uint32_t i = 0; i < ROWS; i++) {
        const double size = pow(10, 300 * (base_random_unit(&block.random) - 0.5));

        for (uint32_t j = 0; j < 3; j++) block.place[3 * i + j] = size * (base_random_unit(&block.random) - 0.5);
    }
    support_ok(support_block_build(&block, ROWS / 2, 64, &err), &err);
    for (int turn = 0; turn < 10; turn++) support_ok(support_block_insert(&block, ROWS / 20, &err), &err);
    support_block_check(&block);
    for (uint32_t i = 0; i < ROWS; i++) {
        block.reach[i] = (double)INFINITY;
        block.node[i] = i;
    }
    support_ok(block_renew_all_reaches(&block.layout, &block.source, &err), &err);
    for (int kind = 0; kind < 4; kind++) {
        struct block_work work = { 0 };
        uint64_t seen = 0;

        for (uint32_t i = 0; i < ASKED; i++) {
            const double *q = block.place + 3 * (size_t)i, near = metric_key(&block.metric, q, (const double[3]){ 0, 0, 0 }) / 4;
            const struct block_query query = { q, i, near, NULL, 0 };
            struct block_hit best = { (double)INFINITY, BLOCK_NONE };
            struct base_topk_entry entry[K];
            struct base_topk top;

            base_topk_start(&top, entry, K);
            if (kind == 0) block_nearest(&best, &block.layout, &block.source, q, i, &work);
            if (kind == 1) support_block_knn(&top, &block, q, i, &work);
            if (kind == 2) block_within(&block.layout, &block.source, &query, count_all, &seen, &work);
            if (kind == 3) block_visit(&block.layout, &block.source, q, near, count_all, &seen, &work);
        }
        assert_true(work.blocks < 15 * ASKED);
        assert_true(work.nodes < 15 * ASKED);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* In one dimension a side of a box is an entry, so that a bound in double precision is a key, and a reach can be just that. */
static void reaches_just_met_are_met(void **state)
{
    enum { ROWS = 3000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    uint64_t seen = 0;
    double q = 0;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, ROWS, 1, SUPPORT_UNIFORM, 3);
    for (uint32_t i = 0; i < ROWS; i++) {
        block.place[i] = ldexp(1 + base_random_unit(&block.random), (int)i % 900 - 450);
        block.reach[i] = -1;
        block.node[i] = i;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, ROWS, 64, &err), &err);
    for (uint32_t number = 0; number < block.layout.blocks; number++) { /* the one nearest to 0 in each block */
        const uint32_t *node = block_nodes(&block.layout, number);
        const uint32_t count = block_link_of(&block.layout, number)->count;
        uint32_t least = node[0];

        for (uint32_t i = 1; i < count; i++) least = block.place[node[i]] < block.place[least] ? node[i] : least;
        block.reach[least] = block.place[least] * block.place[least];
    }
    for (int turn = 0; turn < 2; turn++) {
        support_ok(block_renew_all_reaches(&block.layout, &block.source, &err), &err);
        seen = 0;
        block_visit(&block.layout, &block.source, &q, (double)INFINITY, count_all, &seen, &work);
        assert_int_equal(seen, turn == 0 ? block.layout.blocks : 0);
        for (uint32_t i = 0; i < ROWS; i++) block.reach[i] = block.reach[i] > 0 ? nextafter(block.reach[i], 0) : -1;
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Of one block alone, of several under one inner node, and of more; one by one and several at once. */
static void home_is_where_a_stored_point_stands(void **state)
{
    static const uint32_t rows[] = { 20, 500, 10000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (size_t size = 0; size < sizeof rows / sizeof *rows; size++) {
        struct support_block block;
        const uint32_t *where;

        support_block_start(&block, &env, rows[size], 3, SUPPORT_UNIFORM, 1);
        support_ok(support_block_build(&block, rows[size], 64, &err), &err);
        where = block.layout.where.data;
        for (uint32_t i = 0; i < rows[size]; i++) { /* no two are at the same place along any axis */
            const size_t n = i % BLOCK_HOMES + 1 < rows[size] - i ? i % BLOCK_HOMES + 1 : rows[size] - i;
            const double *place[BLOCK_HOMES];
            uint32_t home[BLOCK_HOMES];

            for (uint32_t j = 0; j < n; j++) place[j] = block.place + 3 * (i + j);
            block_homes(home, &block.layout, place, n);
            for (uint32_t j = 0; j < n; j++) assert_int_equal(home[j], where[i + j] / METRIC_LANES);
            assert_int_equal(block_home(&block.layout, place[0]), where[i] / METRIC_LANES);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_full_comparison), cmocka_unit_test(known_candidates_count),
        cmocka_unit_test(visiting_can_be_stopped),                cmocka_unit_test(twins_cost_nothing),
        cmocka_unit_test(ill_scaled_data_is_answered_alike),      cmocka_unit_test(home_is_where_a_stored_point_stands),
        cmocka_unit_test(all_sizes_are_told_apart),                cmocka_unit_test(reaches_just_met_are_met),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
