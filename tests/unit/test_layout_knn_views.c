/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_knn_views.h"

#include "support_block.h"

#include <math.h>
#include <string.h>

/* Points of 5 numbers in 64 dimensions: few blocks are looked at and few keys computed, while the plain layout looks at far more. */
static void few_blocks_are_looked_at(void **state)
{
    enum { MANY = 20000, QUERIES = 50 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct block_work work[2] = { { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };

    (void)state;
    support_env_start(&env, 2);
    for (int views = 0; views < 2; views++) {
        struct support_block block;

        support_block_start(&block, &env, MANY + QUERIES, 64, SUPPORT_UNIFORM, 3);
        support_block_views(&block, 5, SUPPORT_UNIFORM, 1, 0, 0.001);
        block.layout.rotates = views;
        for (uint32_t i = 0; i < MANY; i++) block.node[i] = i;
        support_ok(block_build(&block.layout, &block.source, block.node, MANY, 64, &err), &err);
        for (uint32_t i = MANY; i < MANY + QUERIES; i++) {
            struct base_topk_entry entry[10];
            struct base_topk top;

            base_topk_start(&top, entry, 10);
            support_block_knn(&top, &block, block.place + (size_t)i * 64, BLOCK_NONE, &work[views]);
        }
        support_block_finish(&block);
    }
    assert_true(work[1].blocks <= 15 * QUERIES && work[1].exact <= 30 * QUERIES);
    assert_true(3 * work[1].blocks < 2 * work[0].blocks);
    support_env_finish(&env);
}

/* 1500 equal points among others, and labels in no order: a query at them is closed by labels. */
static void equal_points_are_not_all_looked_at(void **state)
{
    enum { MANY = 30000, EQUAL = 1500 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    struct base_topk_entry got[10], wanted[10];
    struct base_topk top;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, MANY, 32, SUPPORT_UNIFORM, 4);
    support_block_views(&block, 4, SUPPORT_UNIFORM, 1, 0, 0);
    for (uint32_t i = 1; i < EQUAL; i++) memcpy(block.place + (size_t)i * 32, block.place, 32 * sizeof(double));
    support_ok(support_block_build(&block, MANY, 64, &err), &err);
    assert_true(block_has_views(&block.layout));
    base_topk_start(&top, got, 10);
    support_block_knn(&top, &block, block.place, BLOCK_NONE, &work);
    base_topk_finish(&top);
    assert_int_equal(support_brute_knn(wanted, 10, block.place, block.label, NULL, MANY, METRIC_SQUARES, 32, block.place), 10);
    for (int i = 0; i < 10; i++) assert_true(got[i].key == wanted[i].key && got[i].id == wanted[i].id);
    assert_true(work.exact < EQUAL / 2 + 200);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* The search itself, under each kind of kernels: the same answers to the last bit. */
static void kernels_do_not_show(void **state)
{
    enum { ROWS = 4000, K = 12 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (int isa = METRIC_ISA_SCALAR; isa <= METRIC_ISA_AVX512; isa++) {
        struct support_block block;

        if (!metric_kernels_choose(METRIC_SQUARES, (enum metric_isa)isa)) continue;
        support_block_start(&block, &env, ROWS, 200, SUPPORT_UNIFORM, 8);
        support_block_views(&block, 70, SUPPORT_UNIFORM, 1, 0, 0.001);
        block.metric.kernels = metric_kernels_choose(METRIC_SQUARES, (enum metric_isa)isa);
        support_ok(support_block_build(&block, ROWS, 64, &err), &err);
        assert_true(block_has_views(&block.layout) && block.layout.fine > 0);
        for (uint32_t i = 0; i < 30; i++) {
            const struct block_query query = { block.place + (size_t)i * 200, i % 2 ? i : BLOCK_NONE, (double)INFINITY, NULL, 0 };
            struct base_topk_entry got[K], wanted[K];
            struct block_work work = { 0 };
            struct base_topk top;
            char alive[ROWS];

            memset(alive, 1, sizeof alive);
            if (query.self != BLOCK_NONE) alive[query.self] = 0;
            base_topk_start(&top, got, K);
            block_knn_views(&top, &block.layout, &block.source, &query, &work);
            base_topk_finish(&top);
            assert_int_equal(support_brute_knn(wanted, K, block.place, block.label, alive, ROWS, METRIC_SQUARES, 200, query.q), K);
            for (int j = 0; j < K; j++) assert_true(got[j].key == wanted[j].key && got[j].id == wanted[j].id);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_blocks_are_looked_at),
        cmocka_unit_test(equal_points_are_not_all_looked_at),
        cmocka_unit_test(kernels_do_not_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
