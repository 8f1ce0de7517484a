/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void every_size_and_shape(void **state)
{
    static const uint32_t sizes[] = { 0, 1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 1500, 4000 };
    static const uint32_t dims[] = { 1, 2, 3, 8, 13, 40 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
            struct support_block block;
            const int fill = d % 3 == 0 ? 64 : d % 3 == 1 ? 48 : 17;

            support_block_start(&block, &env, sizes[s] + 20, dims[d], (enum support_shape)(d % SUPPORT_SHAPES), s);
            support_ok(support_block_build(&block, sizes[s], fill, &err), &err);
            support_block_check(&block);
            assert_int_equal(block.layout.blocks, (sizes[s] + (uint32_t)fill - 1) / (uint32_t)fill); /* all full but the last */
            support_block_ask(&block, 4, 9);
            support_ok(support_block_build(&block, sizes[s] / 2, 64, &err), &err); /* discards what was there */
            support_block_check(&block);
            support_block_finish(&block);
        }
    }
    support_env_finish(&env);
}

/* The lowest inner nodes are as full as is aimed at, whatever the number of entries. */
static void the_bottom_is_full(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t lowest = 0, full = 0;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 25088, 3, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, 25088, 64, &err), &err);
    assert_int_equal(block.layout.blocks, 392);
    assert_int_equal(block.layout.inners, 28 + 2 + 1);
    for (uint32_t i = 0; i < block.layout.inners; i++) {
        const struct block_link *link = (struct block_link *)block.layout.inner.data + i;

        if (!(((uint32_t *)block.layout.child.data)[i * METRIC_FANOUT] & BLOCK_IS_LEAF)) continue;
        lowest++;
        full += link->count == BLOCK_CHILDREN;
        assert_int_equal(link->size_at_build, 896);
    }
    assert_int_equal(lowest, 28);
    assert_int_equal(full, 28);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* The same set of entries in another order, on other numbers of threads. */
static void the_result_depends_on_the_entries_only(void **state)
{
    struct support_env env[3];
    struct support_block block[3];
    struct pcct_error err = { 0, "" };

    (void)state;
    for (int shape = 0; shape < SUPPORT_SHAPES; shape++) {
        for (int t = 0; t < 3; t++) {
            support_env_start(&env[t], 1 << t);
            support_block_start(&block[t], &env[t], 40000, 3, (enum support_shape)shape, 3);
            for (uint32_t i = 0; i < 40000; i++) {
                block[t].node[i] = t == 0 ? i : (i * 7919u + 13u * (uint32_t)t) % 40000;
                block[t].reach[i] = i;
            }
            support_ok(block_build(&block[t].layout, &block[t].source, block[t].node, 40000, 64, &err), &err);
            if (t > 0) assert_true(support_block_same(&block[0].layout, &block[t].layout));
        }
        for (int t = 0; t < 3; t++) {
            support_block_finish(&block[t]);
            support_env_finish(&env[t]);
        }
    }
}

/* Equal points, sorted and reversed lines, two values: a search among the result stays small, so nothing degenerated; the time is that of any
 * other input, or this test would not end. */
static void awkward_inputs_stay_cheap(void **state)
{
    enum { N = 100000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, N, 2, SUPPORT_UNIFORM, 4);
    for (int kind = 0; kind < 5; kind++) {
        struct base_topk_entry entry[10];
        struct base_topk top;
        struct block_work work = { 0 };

        for (uint32_t i = 0; i < N; i++) {
            const uint32_t organ = i < N / 2 ? i : N - i;

            block.place[2 * i] = kind == 0 ? 1 : kind == 1 ? i : kind == 2 ? N - i : kind == 3 ? i % 2 : organ;
            block.place[2 * i + 1] = kind == 0 ? 1 : 0;
            block.node[i] = i;
            block.reach[i] = 1;
        }
        support_ok(block_build(&block.layout, &block.source, block.node, N, 64, &err), &err);
        support_block_check(&block);
        base_topk_start(&top, entry, 10);
        support_block_knn(&top, &block, block.place, BLOCK_NONE, &work);
        assert_true(work.blocks < 100);
        support_block_ask(&block, 2, 10);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

struct failing {
    struct metric metric;
    const struct support_block *block;
};

static int build_anew(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct failing *failing = ctx;
    struct block_layout layout;
    int status;

    block_init(&layout, env, &failing->metric);
    block_keep_rows(&layout);
    status = block_build(&layout, &failing->block->source, failing->block->node, 3000, 64, err);
    assert_int_equal(layout.entries, status == 0 ? 3000 : 0);
    assert_true((layout.root == BLOCK_NONE) == (status != 0));
    assert_int_equal(block_check_links(&layout, NULL), 0);
    block_free(&layout);
    return status;
}

static void failures_leave_it_empty(void **state)
{
    struct support_env env;
    struct support_block block;
    struct failing failing;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 3000, 3, SUPPORT_UNIFORM, 5);
    for (uint32_t i = 0; i < 3000; i++) block.node[i] = i;
    failing.metric = block.metric;
    failing.block = &block;
    assert_int_equal(support_fail_each(&env, build_anew, &failing), BLOCK_ARRAYS - 3 + 2); /* no views */
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_and_shape),      cmocka_unit_test(the_bottom_is_full),
        cmocka_unit_test(the_result_depends_on_the_entries_only), cmocka_unit_test(awkward_inputs_stay_cheap),
        cmocka_unit_test(failures_leave_it_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
