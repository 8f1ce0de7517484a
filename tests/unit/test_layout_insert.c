/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_nodes.h"

#include <math.h>
#include <stdlib.h>

/* Random steps of all kinds; every invariant after each, answers against every entry. */
static void random_steps_keep_the_invariants(void **state)
{
    static const uint32_t dims[] = { 1, 2, 3, 8, 20 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct support_block block;

        support_block_start(&block, &env, 3000, dims[seed % 5], (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        if (seed % 2 == 0) support_ok(support_block_build(&block, 1500, seed % 4 == 0 ? 64 : 48, &err), &err);
        for (int step = 0; step < 40; step++) {
            const uint32_t n = 1 + (uint32_t)base_random_below(&block.random, step % 5 == 0 ? 400 : 40);

            switch (base_random_below(&block.random, 4)) {
            case 0: support_block_remove(&block, n); break;
            case 1: support_block_renew_reach(&block, n); break;
            default: support_ok(support_block_insert(&block, n, &err), &err); break;
            }
            support_block_check(&block);
            if (step % 8 == 0) support_block_ask(&block, 4, 1 + (size_t)step);
        }
        support_block_ask(&block, 40, 7);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Small batches: blocks are split, inner nodes overflow, the root grows. */
static void blocks_and_inner_nodes_split(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t inners;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 24000, 2, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, 64 * 14 * 14, 64, &err), &err);
    assert_int_equal(block.layout.inners, 15); /* the root and below it are as full as is aimed at */
    assert_int_equal(block_height(&block.layout), 2);
    inners = block.layout.inners;
    for (int step = 0; step < 100; step++) {
        support_ok(support_block_insert(&block, 60, &err), &err);
        if (step < 8 || step % 10 == 0) support_block_check(&block);
    }
    assert_true(block.layout.inners > inners + 10); /* and a new root stands above the old one's halves */
    assert_int_equal(block_height(&block.layout), 3);
    support_block_check(&block);
    support_block_ask(&block, 20, 10);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* All new entries go to one block, which becomes hundreds. */
static void one_block_takes_everything(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t node[9000];

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 29000, 2, SUPPORT_UNIFORM, 6);
    for (uint32_t i = 0; i < 20000; i++) {
        block.node[i] = i;
        block.reach[i] = 1;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, 20000, 64, &err), &err);
    for (uint32_t i = 0; i < 9000; i++) {
        node[i] = 20000 + i;
        block.reach[20000 + i] = (double)i;
        for (int j = 0; j < 2; j++) block.place[2 * (20000 + i) + (uint32_t)j] = 0.5 + 1e-6 * block.place[2 * (20000 + i) + (uint32_t)j];
    }
    support_ok(block_insert(&block.layout, &block.source, node, 9000, &err), &err);
    support_block_check(&block);
    support_block_ask(&block, 20, 10);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* One at a time and by doubling. */
static void grows_from_nothing(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 1200, 3, SUPPORT_CLUSTERS, 7);
    for (uint32_t i = 0; i < 1200; i++) {
        support_ok(support_block_insert(&block, 1, &err), &err);
        if (i % 100 == 0) support_block_check(&block);
    }
    support_block_check(&block);
    assert_true(block.layout.blocks <= 1200 / 48); /* blocks are well filled */
    support_block_remove(&block, 1200);
    assert_int_equal(block.layout.root, BLOCK_NONE);
    for (uint32_t n = 100; n < 1200; n *= 2) {
        support_ok(support_block_insert(&block, n == 100 ? n : n / 2, &err), &err);
        support_block_check(&block);
    }
    support_block_ask(&block, 20, 10);
    support_block_finish(&block);
    support_env_finish(&env);
}

static int compare_ranges(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Asserts that no two blocks have labels that lie between each other's. */
static void check_runs_of_labels(const struct support_block *block)
{
    const struct block_layout *layout = &block->layout;
    int64_t (*range)[2] = calloc(layout->blocks, sizeof *range);
    size_t count = 0;

    assert_non_null(range);
    for (uint32_t i = 0; i < layout->blocks; i++) {
        const uint32_t *node = (uint32_t *)layout->node.data + i * METRIC_LANES;
        const uint32_t lanes = ((struct block_link *)layout->block.data)[i].count;

        if (lanes == 0) continue;
        range[count][0] = range[count][1] = block->label[node[0]];
        for (uint32_t lane = 1; lane < lanes; lane++) {
            const int64_t label = block->label[node[lane]];

            if (label < range[count][0]) range[count][0] = label;
            if (label > range[count][1]) range[count][1] = label;
        }
        count++;
    }
    qsort(range, count, sizeof *range, compare_ranges);
    for (size_t i = 1; i < count; i++) assert_true(range[i - 1][1] < range[i][0]);
    free(range);
}

/* 10^5 equal points whose labels come in random order: their blocks keep runs of labels apart, so a search looks at few of them. */
static void equal_points_stay_cheap(void **state)
{
    enum { N = 100000, STEP = 4000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct base_topk_entry entry[10];
    struct base_topk top;
    struct block_work work = { 0 };
    struct block_hit best = { (double)INFINITY, BLOCK_NONE };

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, N, 2, SUPPORT_UNIFORM, 8);
    for (uint32_t i = 0; i < N; i++) {
        block.place[2 * i] = block.place[2 * i + 1] = 0.25;
        block.node[i] = i;
        block.reach[i] = -1;
    }
    block.reach[77] = (double)INFINITY;
    for (uint32_t first = 0; first < N; first += STEP) {
        support_ok(block_insert(&block.layout, &block.source, block.node + first, STEP, &err), &err);
    }
    support_block_check(&block);
    check_runs_of_labels(&block);
    base_topk_start(&top, entry, 10);
    support_block_knn(&top, &block, block.place, BLOCK_NONE, &work);
    base_topk_finish(&top);
    for (int i = 0; i < 10; i++) assert_int_equal(entry[i].id, 7 * i - 100);
    assert_true(work.blocks < 20); /* a few until it is seen that labels alone decide, then one */
    assert_true(work.nodes < 20);
    work = (struct block_work){ 0 };
    block_nearest(&best, &block.layout, &block.source, block.place, BLOCK_NONE, &work);
    assert_int_equal(best.node, 77);
    assert_true(work.blocks < 100);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void threads_do_not_show(void **state)
{
    struct support_env env[3];
    struct support_block block[3];
    struct pcct_error err = { 0, "" };

    (void)state;
    for (int t = 0; t < 3; t++) {
        support_env_start(&env[t], 1 << t);
        support_block_start(&block[t], &env[t], 30000, 3, SUPPORT_GRID, 9);
        support_ok(support_block_build(&block[t], 20000, 60, &err), &err);
        for (int step = 0; step < 6; step++) {
            support_ok(support_block_insert(&block[t], step == 5 ? 20000 : 1200, &err), &err);
            support_block_remove(&block[t], 700);
        }
    }
    for (int t = 1; t < 3; t++) assert_true(support_block_same(&block[0].layout, &block[t].layout));
    for (int t = 0; t < 3; t++) {
        support_block_finish(&block[t]);
        support_env_finish(&env[t]);
    }
}

struct failing {
    struct support_block *block;
    const uint32_t *node;
    size_t n;
};

static int insert_some(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct failing *failing = ctx;
    int status;

    (void)env;
    for (size_t i = 0; i < failing->n; i++) failing->block->reach[failing->node[i]] = (double)i;
    status = block_insert(&failing->block->layout, &failing->block->source, failing->node, failing->n, err);
    if (status == 0) return 0;
    for (size_t i = 0; i < failing->n; i++) failing->block->reach[failing->node[i]] = -(double)INFINITY;
    support_block_check(failing->block); /* nothing has changed */
    return status;
}

static void failures_change_nothing(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (uint32_t n = 1; n <= 900; n = 30 * n) { /* one lane; splits; a rebuild */
        struct support_block block;
        uint32_t node[900];
        struct failing failing = { &block, node, n };
        uint64_t failures;

        support_block_start(&block, &env, 2000, 2, SUPPORT_UNIFORM, n);
        support_ok(support_block_build(&block, 1024, 64, &err), &err);
        failing.n = 0;
        for (uint32_t i = 0; i < 2000 && failing.n < n; i++) {
            if (block.reach[i] == -(double)INFINITY) node[failing.n++] = i;
        }
        failures = support_fail_each(&env, insert_some, &failing);
        assert_true(failures >= 8);
        support_block_check(&block);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Into a packed layout, where each block that is met is split and each family overflows: the entries go in by steps. The first of them succeed and
 * are taken back when a later one fails. */
static void steps_are_taken_back(void **state)
{
    enum { N = 50176, MORE = 900 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t node[MORE];
    struct failing failing = { &block, node, MORE };
    uint64_t one_step;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, N + MORE, 1, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < N; i++) {
        block.node[i] = i;
        block.reach[i] = 1;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, N, 64, &err), &err);
    for (uint32_t i = 0; i < MORE; i++) node[i] = N + i;
    failing.n = 1;
    one_step = support_fail_each(&env, insert_some, &failing);
    failing.node++;
    failing.n = MORE - 1;
    assert_true(support_fail_each(&env, insert_some, &failing) > 2 * one_step);
    support_block_check(&block);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_keep_the_invariants), cmocka_unit_test(blocks_and_inner_nodes_split),
        cmocka_unit_test(one_block_takes_everything),       cmocka_unit_test(grows_from_nothing),
        cmocka_unit_test(equal_points_stay_cheap),          cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(failures_change_nothing),
        cmocka_unit_test(steps_are_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
