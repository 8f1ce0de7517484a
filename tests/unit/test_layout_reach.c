/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_nodes.h"

#include "support_block.h"

#include <math.h>

static int set_all(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_block *block = ctx;

    (void)env;
    return block_renew_all_reaches(&block->layout, &block->source, err);
}

/* Those that reach farthest stand first. */
static void check_order(const struct support_block *block)
{
    for (uint32_t b = 0; b < block->layout.blocks; b++) {
        const uint32_t *node = block_nodes(&block->layout, b);

        for (uint32_t i = 1; i < block_link_of(&block->layout, b)->count; i++) {
            assert_true(block->reach[node[i - 1]] >= block->reach[node[i]]);
        }
    }
}

/* Layouts of every height up to three, fresh ones and such as updates leave behind; all summaries are tight afterwards. */
static void all_reaches_anew(void **state)
{
    static const uint32_t sizes[] = { 1, 64, 65, 1024, 1025, 17000 };

    (void)state;
    for (int i = 0; i < 12; i++) {
        struct support_env env;
        struct pcct_error err = { 0, "" };
        struct support_block block;

        support_env_start(&env, 1 + i % 3);
        support_block_start(&block, &env, sizes[i / 2] * 2, 2, SUPPORT_UNIFORM, (uint64_t)i);
        support_ok(support_block_build(&block, sizes[i / 2], 64, &err), &err);
        if (i % 2) {
            support_ok(support_block_insert(&block, sizes[i / 2] / 3, &err), &err);
            support_block_remove(&block, sizes[i / 2] / 4);
        }
        for (uint32_t node = 0; node < block.rows; node++) {
            if (block.reach[node] != -(double)INFINITY) block.reach[node] = support_block_random_reach(&block);
        }
        support_ok(set_all(&block, &env.env, &err), &err);
        support_block_check(&block);
        check_order(&block);
        for (uint32_t node = 0; node < block.rows; node++) { /* all of them less: what is kept above has to fall */
            if (block.reach[node] != -(double)INFINITY) block.reach[node] = metric_reach(&block.metric, -20 - (int)(node % 5));
        }
        support_ok(set_all(&block, &env.env, &err), &err);
        support_block_check(&block);
        support_block_finish(&block);
        support_env_finish(&env);
    }
}

static void nothing_there(void **state)
{
    struct support_env env;
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 1, 2, SUPPORT_UNIFORM, 1);
    assert_int_equal(set_all(&block, &env.env, NULL), 0);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void without_memory(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 300, 2, SUPPORT_UNIFORM, 9);
    support_ok(support_block_build(&block, 300, 64, &err), &err);
    assert_int_equal(support_fail_each(&env, set_all, &block), 1);
    support_block_check(&block);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_reaches_anew),
        cmocka_unit_test(nothing_there),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
