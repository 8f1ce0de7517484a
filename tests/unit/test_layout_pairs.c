/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_pairs.h"

#include "block/layout_nodes.h"
#include "support_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, K_MOST = 40 };

/* Every entry of a block that was opened asks, and finds what comparison with all finds. Returns the entries that did. */
static uint32_t ask_block(struct support_block *block, struct block_pairs *pairs, uint32_t number, size_t k, char *alive, struct block_work *work)
{
    const struct block_layout *layout = &block->layout;
    const uint32_t *node = NULL, count = block_pairs_nodes(&node, layout, number), dim = block->metric.dim;
    struct block_near near;

    if (count == 0 || !block_pairs_open(pairs, layout, &block->source, number, k, work)) return 0;
    assert_true(count > k);
    support_ok(block_near_take(&near, &block->env->env, k, NULL), NULL);
    for (uint32_t lane = 0; lane < count; lane++) {
        const double *q = block->place + (size_t)node[lane] * dim;
        struct base_topk_entry got[K_MOST], right[K_MOST];
        struct base_topk top;

        base_topk_start(&top, got, k);
        block_pairs_filter(&near, pairs, lane, work);
        block_knn_decide(&top, &near, layout, &block->source, work);
        base_topk_finish(&top);
        alive[node[lane]] = 0;
        assert_int_equal(top.count, support_brute_knn(right, k, block->place, block->label, alive, block->rows, block->metric.sum, dim, q));
        alive[node[lane]] = 1;
        for (size_t i = 0; i < k; i++) {
            assert_int_equal(got[i].id, right[i].id);
            assert_true(got[i].key == right[i].key);
        }
    }
    block_near_free(&near, &block->env->env);
    return count;
}

/* Some of the blocks. Returns the entries that found their neighbours together. */
static uint32_t ask(struct support_block *block, size_t k, struct block_work *work)
{
    struct block_pairs *pairs = aligned_alloc(64, sizeof *pairs);
    char *alive = calloc(block->rows, 1);
    uint32_t asked = 0;

    assert_true(pairs && alive);
    memset(pairs, 0, sizeof *pairs);
    for (uint32_t i = 0; i < block->rows; i++) alive[i] = (char)support_block_has(block->reach, i);
    for (uint32_t number = 0; number < block->layout.blocks; number += 5) asked += ask_block(block, pairs, number, k, alive, work);
    free(alive);
    free(pairs);
    return asked;
}

static void answers_are_those_of_a_full_comparison(void **state)
{
    static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev" };
    static const size_t ks[] = { 1, 10, K_MOST };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint32_t turn = 0; turn < 27; turn++) {
        struct support_block block;
        struct block_work work = { 0 };
        const size_t k = ks[turn / 9];

        support_block_start(&block, &env, ROWS, turn % 3 + 1, (enum support_shape)(turn % SUPPORT_SHAPES), turn);
        support_block_metric(&block, metrics[turn / 3 % 3]);
        support_ok(support_block_build(&block, ROWS / 2, 64, &err), &err);
        ask(&block, k, &work);
        support_ok(support_block_insert(&block, ROWS / 3, &err), &err);
        ask(&block, k, &work);
        support_block_remove(&block, ROWS / 4);
        assert_true(ask(&block, k, &work) > 0 || k == K_MOST);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

static void what_is_near_is_looked_at_alone(void **state)
{
    enum { MANY = 20000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint32_t dim = 1; dim <= BLOCK_PAIRS_DIM; dim++) {
        struct support_block block;
        struct block_work work = { 0 };
        struct block_pairs *pairs = aligned_alloc(64, sizeof *pairs);
        struct block_near near;
        uint64_t entries = 0;

        assert_non_null(pairs);
        memset(pairs, 0, sizeof *pairs);
        support_block_start(&block, &env, MANY, dim, SUPPORT_UNIFORM, 5);
        support_ok(support_block_build(&block, MANY, 64, &err), &err);
        support_ok(block_near_take(&near, &env.env, 10, &err), &err);
        for (uint32_t number = 0; number < block.layout.blocks; number++) {
            const uint32_t *node = NULL, count = block_pairs_nodes(&node, &block.layout, number);

            assert_true(block_pairs_open(pairs, &block.layout, &block.source, number, 10, &work));
            for (uint32_t lane = 0; lane < count; lane++) {
                block_pairs_filter(&near, pairs, lane, &work);
                assert_true(near.found.count >= 10 && near.found.count < 20);
            }
            entries += count;
        }
        assert_int_equal(entries, MANY);
        /* a block for the limit, the home block, and some others: fewer than seven on average in three dimensions */
        assert_true(work.blocks >= 2 * entries && work.blocks < (2 * dim + 2) * entries);
        assert_true(work.nodes < 4 * entries);
        block_near_free(&near, &env.env);
        support_block_finish(&block);
        free(pairs);
    }
    support_env_finish(&env);
}

/* Equal points, and blocks of fewer entries than are asked for: one by one. */
static void large_surroundings_are_declined(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    struct block_pairs *pairs = aligned_alloc(64, sizeof *pairs);

    (void)state;
    assert_non_null(pairs);
    memset(pairs, 0, sizeof *pairs);
    support_env_start(&env, 1);
    support_block_start(&block, &env, 64 * (BLOCK_PAIRS_MOST + 2), 2, SUPPORT_UNIFORM, 6);
    for (uint32_t i = 0; i < block.rows; i++) block.place[2 * i] = block.place[2 * i + 1] = 0.5;
    support_ok(support_block_build(&block, block.rows, 64, &err), &err);
    assert_false(block_pairs_open(pairs, &block.layout, &block.source, 0, 10, &work));
    support_block_finish(&block);
    support_block_start(&block, &env, 100, 2, SUPPORT_UNIFORM, 6);
    support_ok(support_block_build(&block, 50, 64, &err), &err);
    assert_false(block_pairs_open(pairs, &block.layout, &block.source, 0, 50, &work)); /* one is the one that asks */
    assert_true(block_pairs_open(pairs, &block.layout, &block.source, 0, 49, &work));
    assert_int_equal(pairs->count, 0);
    support_block_finish(&block);
    support_env_finish(&env);
    free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_full_comparison),
        cmocka_unit_test(what_is_near_is_looked_at_alone),
        cmocka_unit_test(large_surroundings_are_declined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
