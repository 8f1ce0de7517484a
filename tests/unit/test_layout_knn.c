/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EQUAL = 100000, QUERIES = 60 };

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

/* All three kinds of kernels give the same answers, looking at about the same blocks: what the filter lets in may differ by a hair. */
static void kernels_do_not_show(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev" };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (int m = 0; m < 3; m++) {
        struct support_block block;
        struct base_topk_entry entry[300][12];
        struct block_work right = { 0 };

        support_block_start(&block, &env, 5000, 5, SUPPORT_CLUSTERS, 3);
        support_block_metric(&block, name[m]);
        support_ok(support_block_build(&block, 5000, 64, &err), &err);
        for (int isa = METRIC_ISA_SCALAR; isa <= METRIC_ISA_NEON; isa++) {
            struct block_work work = { 0 };

            if (!metric_kernels_choose(block.metric.sum, (enum metric_isa)isa)) continue;
            block.metric.kernels = metric_kernels_choose(block.metric.sum, (enum metric_isa)isa);
            for (uint32_t i = 0; i < 300; i++) {
                struct base_topk_entry got[12];
                struct base_topk top;

                base_topk_start(&top, got, 12);
                support_block_knn(&top, &block, block.place + (size_t)i * 5, i, &work);
                base_topk_finish(&top);
                if (isa == METRIC_ISA_SCALAR) memcpy(entry[i], got, sizeof got);
                else assert_memory_equal(got, entry[i], sizeof got);
            }
            if (isa == METRIC_ISA_SCALAR) right = work;
            assert_true(work.blocks * 100 <= right.blocks * 101 && work.blocks * 101 >= right.blocks * 100);
        }
        support_block_finish(&block);
    }
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
    support_ok(block_build(&block.layout, &block.source, block.node, EQUAL, 64, &err), &err);
    for (int i = 0; i < 2; i++) {
        struct base_topk_entry entry[10];
        struct block_work work = { 0 };
        struct base_topk top;

        base_topk_start(&top, entry, 10);
        support_block_knn(&top, &block, i == 0 ? block.place : far, BLOCK_NONE, &work);
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
    struct block_work work = { 0 };

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, EQUAL, 2, SUPPORT_UNIFORM, 2);
    support_ok(support_block_build(&block, EQUAL, 64, &err), &err);
    for (uint32_t i = 0; i < 1000; i++) {
        struct base_topk_entry entry[10];
        struct base_topk top;

        base_topk_start(&top, entry, 10);
        support_block_knn(&top, &block, block.place + 2 * i, i, &work);
        assert_int_equal(top.count, 10);
        for (int j = 0; j < 10; j++) assert_int_not_equal(entry[j].id, block.label[i]);
    }
    assert_true(work.exact >= 10 * 1000 && work.exact < 11 * 1000); /* the filter leaves little but the answers */
    assert_true(work.blocks < 4 * 1000);
    assert_true(work.nodes < 10 * 1000);
    assert_true(work.distances <= 64 * work.blocks);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Blocks whose box is no further than the k-th neighbour: no search can do with fewer. */
static uint64_t blocks_needed(const struct support_block *block, const double *q, double last)
{
    const uint32_t dim = block->layout.dim;
    uint64_t needed = 0;

    for (uint32_t i = 0; i < block->layout.blocks; i++) {
        const double *low = block_low(&block->layout, i), *high = block_high(&block->layout, i);
        double nearest[16];

        for (uint32_t j = 0; j < dim; j++) nearest[j] = fmin(fmax(q[j], low[j]), high[j]);
        needed += metric_key(&block->metric, nearest, q) <= last;
    }
    return needed;
}

/* On plain data the filter leaves k and little more for double precision, and costs hardly a block. */
static void the_filter_is_sharp(void **state)
{
    static const uint32_t dims[] = { 2, 3, 8, 16 };
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev" };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (int turn = 0; turn < 12; turn++) {
        const uint32_t dim = dims[turn % 4];
        struct support_block block;

        support_block_start(&block, &env, 20000, dim, SUPPORT_UNIFORM, (uint64_t)turn);
        support_block_metric(&block, name[turn / 4]);
        support_ok(support_block_build(&block, 20000, 64, &err), &err);
        for (size_t k = 1; k <= 300; k = k == 1 ? 10 : k == 10 ? 40 : k == 40 ? 300 : 301) {
            struct block_work work = { 0 };
            uint64_t needed = 0;

            for (uint32_t i = 0; i < QUERIES; i++) {
                struct base_topk_entry entry[300];
                struct base_topk top;
                double q[16];

                for (uint32_t j = 0; j < dim; j++) q[j] = (block.place[i * dim + j] + block.place[(i + QUERIES) * dim + j]) / 2;
                base_topk_start(&top, entry, k);
                support_block_knn(&top, &block, q, BLOCK_NONE, &work);
                base_topk_finish(&top);
                needed += blocks_needed(&block, q, entry[k - 1].key);
            }
            assert_true(work.exact >= QUERIES * k && work.exact <= QUERIES * (k + k / 16 + 2));
            assert_true(work.blocks >= needed && 4 * work.blocks <= 5 * needed + 4 * (QUERIES * k / 40)); /* some before the limit is known */
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_full_comparison),
        cmocka_unit_test(kernels_do_not_show),
        cmocka_unit_test(equal_points_are_not_all_looked_at),
        cmocka_unit_test(few_blocks_are_looked_at),
        cmocka_unit_test(the_filter_is_sharp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
