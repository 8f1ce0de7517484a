/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include <math.h>

/* Removal down to nothing in many orders; all summaries shrink to what is left after each step (support_block_check() compares them exactly). */
static void summaries_shrink_to_what_is_left(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct support_block block;

        support_block_start(&block, &env, 4000, 1 + (uint32_t)(seed % 4), (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        support_ok(support_block_build(&block, 4000, seed % 2 ? 64 : 30, &err), &err);
        while (block.layout.entries > 0) {
            support_block_remove(&block, 1 + (uint32_t)base_random_below(&block.random, 300));
            support_block_check(&block);
            if (block.layout.entries % 3 == 0) support_block_ask(&block, 2, 5);
        }
        assert_int_equal(block.layout.root, BLOCK_NONE);
        support_ok(support_block_insert(&block, 50, &err), &err);
        support_block_check(&block);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* A scattered few of many: poor blocks and inner nodes are joined, so the few are found in few places. */
static void poor_parts_are_joined(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t used = 0, inners = 0, count = 0;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 30000, 2, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, 30000, 64, &err), &err);
    support_block_remove(&block, 29000);
    support_block_check(&block);
    for (uint32_t i = 0; i < block.layout.blocks; i++) used += ((struct block_link *)block.layout.block.data)[i].count > 0;
    for (uint32_t i = 0; i < block.layout.inners; i++) {
        inners += ((struct block_link *)block.layout.inner.data)[i].count > 0;
        count += ((struct block_link *)block.layout.inner.data)[i].count;
    }
    assert_true(used <= 1000 / 12); /* 469 blocks without joining */
    assert_true(inners <= 20);      /* 33 without */
    assert_int_equal(count, used + inners - 1);
    support_block_ask(&block, 20, 10);

    support_block_remove(&block, 990); /* the root gives way to what is left */
    support_block_check(&block);
    inners = 0;
    for (uint32_t i = 0; i < block.layout.inners; i++) inners += ((struct block_link *)block.layout.inner.data)[i].count > 0;
    assert_int_equal(inners, 1);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* On a line the places of all parts are known: the last of three levels loses a block and is joined to its neighbour, which is poor itself by then.
 * What the last entry of the block leaves behind must be seen at the root too. */
static void a_join_is_seen_at_the_root(void **state)
{
    enum { N = 64 * (14 * 14 + 14 + 4) };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t inners = 0;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, N, 1, SUPPORT_UNIFORM, 4);
    for (uint32_t i = 0; i < N; i++) {
        block.place[i] = i;
        block.node[i] = i;
        block.reach[i] = 1;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, N, 64, &err), &err);
    for (uint32_t gone = 0; gone < 64 * (8 + 1); gone++) { /* eight blocks of the neighbour, then the last block of all */
        const uint32_t node = gone < 64 * 8 ? 64 * 14 * 14 + gone : N - 1 - (gone - 64 * 8);

        block_remove(&block.layout, &block.source, &node, 1);
        block.reach[node] = -(double)INFINITY;
        if (gone % 64 >= 40) support_block_check(&block);
    }
    for (uint32_t i = 0; i < block.layout.inners; i++) inners += ((struct block_link *)block.layout.inner.data)[i].count > 0;
    assert_int_equal(inners, 1 + 2 + 14 + 1);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Numbers that were freed are used again: with as many removed as inserted the arrays stay as they are. */
static void freed_numbers_are_used_again(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t blocks = 0;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 8000, 2, SUPPORT_UNIFORM, 2);
    support_ok(support_block_build(&block, 4000, 64, &err), &err);
    for (int turn = 0; turn < 120; turn++) {
        support_block_remove(&block, 200);
        support_ok(support_block_insert(&block, 200, &err), &err);
        if (turn % 10 == 0) support_block_check(&block);
        if (turn == 40) blocks = block.layout.blocks;
    }
    assert_true(block.layout.blocks <= blocks + blocks / 8);
    assert_true(block.layout.blocks < 4 * 63);
    support_block_ask(&block, 20, 10);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* The greatest reach is raised, lowered and handed on at every ancestor, also by one entry at a time. */
static void reaches_follow_at_every_ancestor(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 20000, 3, SUPPORT_UNIFORM, 3);
    support_ok(support_block_build(&block, 20000, 64, &err), &err);
    for (int step = 0; step < 60; step++) {
        support_block_renew_reach(&block, step % 2 ? 1 : 700);
        if (step % 2 == 0 || step % 10 == 1) support_block_check(&block);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        block.node[i] = i;
        block.reach[i] = -1;
    }
    block_renew_reach(&block.layout, &block.source, block.node, 20000);
    support_block_check(&block);
    for (uint32_t node = 5; node < 20000; node += 3777) { /* one entry to be found: the way there and its block, nothing else */
        struct block_work work = { 0 };
        struct block_hit best = { (double)INFINITY, BLOCK_NONE };

        block.reach[node] = (double)INFINITY;
        block_renew_reach(&block.layout, &block.source, &node, 1);
        block_nearest(&best, &block.layout, &block.source, block.place, BLOCK_NONE, &work);
        assert_int_equal(best.node, node);
        assert_int_equal(work.blocks, 1);
        block.reach[node] = -1;
        block_renew_reach(&block.layout, &block.source, &node, 1);
    }
    support_block_check(&block);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* When what made a block wide goes, the filter gets sharp again for the rest: support_block_check() looks at the frames. */
static void frames_narrow_again(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t far = 33;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 60, 2, SUPPORT_UNIFORM, 5);
    block.place[2 * far] = 1e9;
    support_ok(support_block_build(&block, 60, 64, &err), &err);
    support_block_check(&block);
    block_remove(&block.layout, &block.source, &far, 1);
    block.reach[far] = -(double)INFINITY;
    support_block_check(&block);
    support_block_ask(&block, 10, 5);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summaries_shrink_to_what_is_left),
        cmocka_unit_test(poor_parts_are_joined),
        cmocka_unit_test(a_join_is_seen_at_the_root),
        cmocka_unit_test(freed_numbers_are_used_again),
        cmocka_unit_test(reaches_follow_at_every_ancestor),
        cmocka_unit_test(frames_narrow_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
