/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include <math.h>
#include <stdlib.h>

enum { EQUAL = 100000 };

static void answers_are_those_of_a_full_comparison(void **state)
{
    static const uint32_t dims[] = { 1, 2, 3, 4, 8, 33 };
    static const size_t ks[] = { 1, 2, 10, 64, 300, 5000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct support_block block;

        support_block_start(&block, &env, 3000, dims[seed % 6], (enum support_shape)((seed + seed / 6) % SUPPORT_SHAPES), seed);
        if (seed >= 18) support_block_metric(&block, seed < 24 ? "manhattan" : "chebyshev");
        support_ok(support_block_build(&block, 2500, seed % 2 ? 64 : 40, &err), &err);
        for (size_t i = 0; i < 6; i++) support_block_ask(&block, ks[i] > 100 ? 4 : 30, ks[i]); /* 5000: more than there are */
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* All three kinds of kernels give the same answers, looking at the same blocks. */
static void kernels_do_not_show(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    const struct metric_kernels *best;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 5000, 5, SUPPORT_CLUSTERS, 3);
    support_ok(support_block_build(&block, 5000, 64, &err), &err);
    best = block.metric.kernels;
    for (uint32_t i = 0; i < 300; i++) {
        const enum metric_sum sum = (enum metric_sum)(i % METRIC_SUMS);
        struct base_topk_entry entry[2][12];
        struct block_work work[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

        for (int isa = METRIC_ISA_SCALAR; isa <= METRIC_ISA_AVX512; isa++) {
            const int run = isa != METRIC_ISA_SCALAR;
            struct base_topk top;

            block.metric.kernels = metric_kernels_choose(sum, (enum metric_isa)isa);
            if (!block.metric.kernels) continue;
            work[run] = (struct block_work){ 0, 0, 0 };
            base_topk_start(&top, entry[run], 12);
            block_knn(&top, &block.layout, block.place + (size_t)i * 5, i, &work[run]);
            base_topk_finish(&top);
            if (run == 0) continue;
            assert_memory_equal(entry[0], entry[1], sizeof entry[0]);
            assert_memory_equal(&work[0], &work[1], sizeof work[0]);
        }
    }
    block.metric.kernels = best;
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Labels in no order over equal points: the least labels are found at once, from near and from afar. */
static void equal_points_are_not_all_looked_at(void **state)
{
    static const double far[2] = { 7, -3 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, EQUAL, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < EQUAL; i++) {
        block.place[2 * i] = block.place[2 * i + 1] = -0.25;
        block.node[i] = i;
    }
    support_ok(block_build(&block.layout, &block.source, block.node, block.value, EQUAL, 64, &err), &err);
    for (int i = 0; i < 2; i++) {
        struct base_topk_entry entry[10];
        struct block_work work = { 0, 0, 0 };
        struct base_topk top;

        base_topk_start(&top, entry, 10);
        block_knn(&top, &block.layout, i == 0 ? block.place : far, BLOCK_NONE, &work);
        base_topk_finish(&top);
        assert_int_equal(top.count, 10);
        for (int j = 0; j < 10; j++) assert_int_equal(entry[j].id, 7 * j - 100);
        assert_true(work.blocks < 100);
        assert_true(work.nodes < 100);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* On a line and in a plane the work grows as the logarithm. */
static void few_blocks_are_looked_at(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0, 0, 0 };

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, EQUAL, 2, SUPPORT_UNIFORM, 2);
    support_ok(support_block_build(&block, EQUAL, 64, &err), &err);
    for (uint32_t i = 0; i < 1000; i++) {
        struct base_topk_entry entry[10];
        struct base_topk top;

        base_topk_start(&top, entry, 10);
        block_knn(&top, &block.layout, block.place + 2 * i, i, &work);
        assert_int_equal(top.count, 10);
        for (int j = 0; j < 10; j++) assert_int_not_equal(entry[j].id, block.label[i]);
    }
    assert_true(work.blocks < 4 * 1000);
    assert_true(work.nodes < 10 * 1000);
    assert_true(work.distances <= 64 * work.blocks);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_full_comparison),
        cmocka_unit_test(kernels_do_not_show),
        cmocka_unit_test(equal_points_are_not_all_looked_at),
        cmocka_unit_test(few_blocks_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
