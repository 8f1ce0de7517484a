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

    if (count == 0 || !block_pairs_open(pairs, layout, &block->source, number, k, work)) return 0;
    assert_true(count > k);
    for (uint32_t i = 0; i < pairs->count; i++) block_pairs_look(pairs, i, work);
    for (uint32_t lane = 0; lane < count; lane++) {
        const double *q = block->place + (size_t)node[lane] * dim;
        struct base_topk_entry got[K_MOST], right[K_MOST];
        struct base_topk top;

        base_topk_start(&top, got, k);
        block_knn_decide(&top, block_pairs_found(pairs, lane), layout, &block->source, work);
        base_topk_finish(&top);
        alive[node[lane]] = 0;
        assert_int_equal(top.count, support_brute_knn(right, k, block->place, block->label, alive, block->rows, block->metric.sum, dim, q));
        alive[node[lane]] = 1;
        for (size_t i = 0; i < k; i++) {
            assert_int_equal(got[i].id, right[i].id);
            assert_true(got[i].key == right[i].key);
        }
    }
    return count;
}

static struct block_pairs *take_pairs(const struct support_env *env)
{
    struct block_pairs *pairs = aligned_alloc(64, sizeof *pairs);

    assert_non_null(pairs);
    memset(pairs, 0, sizeof *pairs);
    support_ok(block_pairs_take(pairs, &env->env, NULL), NULL);
    return pairs;
}

static void free_pairs(struct block_pairs *pairs, const struct support_env *env)
{
    block_pairs_free(pairs, &env->env);
    free(pairs);
}

/* Some of the blocks. Returns the entries that found their neighbours together. */
static uint32_t ask(struct support_block *block, size_t k, struct block_work *work)
{
    struct block_pairs *pairs = take_pairs(block->env);
    char *alive = calloc(block->rows, 1);
    uint32_t asked = 0;

    assert_non_null(alive);
    for (uint32_t i = 0; i < block->rows; i++) alive[i] = (char)support_block_has(block->reach, i);
    for (uint32_t number = 0; number < block->layout.blocks; number += 5) asked += ask_block(block, pairs, number, k, alive, work);
    free(alive);
    free_pairs(pairs, block->env);
    return asked;
}

static void answers_are_those_of_a_full_comparison(void **state)
{
    static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev" };
    static const size_t ks[] = { 1, 10, 25, K_MOST };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint32_t turn = 0; turn < 36; turn++) {
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
        struct block_pairs *pairs = take_pairs(&env);
        uint64_t entries = 0;

        support_block_start(&block, &env, MANY, dim, SUPPORT_UNIFORM, 5);
        support_ok(support_block_build(&block, MANY, 64, &err), &err);
        for (uint32_t number = 0; number < block.layout.blocks; number++) {
            const uint32_t *node = NULL, count = block_pairs_nodes(&node, &block.layout, number);

            assert_true(block_pairs_open(pairs, &block.layout, &block.source, number, 10, &work));
            for (uint32_t i = 0; i < pairs->count; i++) block_pairs_look(pairs, i, &work);
            for (uint32_t lane = 0; lane < count; lane++) {
                const struct block_near *near = block_pairs_found(pairs, lane);

                assert_true(near->found.count >= 10 && near->found.count < 20);
            }
            entries += count;
        }
        assert_int_equal(entries, MANY);
        /* the block itself, and some others: fewer than five on average in three dimensions */
        assert_true(work.blocks >= entries && work.blocks < (4 * dim + 3) * entries / 3);
        assert_true(work.nodes < entries);
        support_block_finish(&block);
        free_pairs(pairs, &env);
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
    struct block_pairs *pairs = NULL;

    (void)state;
    support_env_start(&env, 1);
    pairs = take_pairs(&env);
    support_block_start(&block, &env, 64 * (BLOCK_PAIRS_MOST + 2), 2, SUPPORT_UNIFORM, 6);
    for (uint32_t i = 0; i < block.rows; i++) block.place[2 * i] = block.place[2 * i + 1] = 0.5;
    support_ok(support_block_build(&block, block.rows, 64, &err), &err);
    assert_false(block_pairs_open(pairs, &block.layout, &block.source, 0, 10, &work));
    support_block_finish(&block);
    support_block_start(&block, &env, 100, 2, SUPPORT_UNIFORM, 6);
    support_ok(support_block_build(&block, 30, 64, &err), &err);
    assert_false(block_pairs_open(pairs, &block.layout, &block.source, 0, 30, &work)); /* one is the one that asks */
    assert_true(block_pairs_open(pairs, &block.layout, &block.source, 0, 29, &work));
    assert_int_equal(pairs->count, 0);
    support_ok(support_block_insert(&block, 30, &err), &err);
    assert_true(block_pairs_open(pairs, &block.layout, &block.source, 0, METRIC_SORTED_MAX, &work));
    assert_false(block_pairs_open(pairs, &block.layout, &block.source, 0, METRIC_SORTED_MAX + 1, &work));
    support_block_finish(&block);
    free_pairs(pairs, &env);
    support_env_finish(&env);
}

/* More candidates than there is room for, though few blocks are near; and tiny clusters beside wide blocks, in whose frames floats tell little. */
static void what_floats_cannot_tell(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint32_t dim = 1; dim <= BLOCK_PAIRS_DIM; dim++) {
        struct support_block block;
        struct block_work work = { 0 };

        support_block_start(&block, &env, 2000, dim, SUPPORT_UNIFORM, 7);
        for (uint32_t i = 0; i < block.rows * dim; i++) block.place[i] = 0.25;
        support_ok(support_block_build(&block, block.rows, 64, &err), &err);
        assert_true(ask(&block, 10, &work) > 0);
        support_block_finish(&block);
        support_block_start(&block, &env, 2000, dim, SUPPORT_UNIFORM, 8);
        for (uint32_t i = 0; i < block.rows * dim; i++) {
            const uint32_t row = i / dim;

            if (row % 4 > 0) block.place[i] = ldexp(block.place[i], -7 * (int)(row % 4)) + row % 3;
        }
        support_ok(support_block_build(&block, block.rows, 64, &err), &err);
        assert_true(ask(&block, 20, &work) > 0);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_full_comparison),
        cmocka_unit_test(what_is_near_is_looked_at_alone),
        cmocka_unit_test(large_surroundings_are_declined),
        cmocka_unit_test(what_floats_cannot_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
