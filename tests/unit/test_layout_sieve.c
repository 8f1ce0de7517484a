/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_sieve.h"

#include "support_block.h"

#include "block/layout_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6000 };

/* Each lane has its entry's rank, and each slot exactly the least and the greatest of the lanes below, and how many may be found. */
static void expect(const struct block_sieve *sieve, const struct support_block *block, const uint32_t *rank)
{
    const struct block_layout *layout = &block->layout;
    const size_t slots = (size_t)layout->inners * METRIC_FANOUT + 1;
    uint32_t *least = calloc(slots, sizeof *least), *most = calloc(slots, sizeof *most), *number = calloc(slots, sizeof *number);

    assert_true(least && most && number);
    memset(least, 0xff, (size_t)layout->inners * METRIC_FANOUT * sizeof *least);
    for (uint32_t entry = 0; entry < layout->rows; entry++) {
        const uint32_t where = block_where(layout)[entry];

        if (where == BLOCK_NONE) continue;
        assert_int_equal(sieve->lane[where], rank[entry]);
        for (const struct block_link *at = block_link_of(layout, where / METRIC_LANES); at->parent != BLOCK_NONE;
             at = block_inner(layout, at->parent)) {
            const uint32_t slot = at->parent * METRIC_FANOUT + at->slot;

            if (rank[entry] == BLOCK_NONE) continue;
            if (rank[entry] < least[slot]) least[slot] = rank[entry];
            if (rank[entry] > most[slot]) most[slot] = rank[entry];
            number[slot]++;
        }
    }
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) {
            assert_int_equal(sieve->least[inner * METRIC_FANOUT + slot], least[inner * METRIC_FANOUT + slot]);
            assert_int_equal(sieve->most[inner * METRIC_FANOUT + slot], most[inner * METRIC_FANOUT + slot]);
            assert_int_equal(sieve->number[inner * METRIC_FANOUT + slot], number[inner * METRIC_FANOUT + slot]);
        }
    }
    for (uint32_t i = 0; i < layout->blocks; i++) {
        for (uint32_t lane = block_link_of(layout, i)->count; lane < METRIC_LANES; lane++) {
            assert_int_equal(sieve->lane[i * METRIC_LANES + lane], BLOCK_NONE);
        }
    }
    free(least);
    free(most);
    free(number);
}

static void expect_masks(const struct block_sieve *sieve, const struct support_block *block, uint32_t below)
{
    const struct block_query query = { .sieve = sieve, .below = below };

    for (uint32_t i = 0; i < block->layout.blocks; i++) {
        const uint64_t mask = block_sieve_lanes(&query, i);

        for (uint32_t lane = 0; lane < METRIC_LANES; lane++) assert_int_equal(mask >> lane & 1, sieve->lane[i * METRIC_LANES + lane] < below);
    }
    for (uint32_t inner = 0; inner < block->layout.inners; inner++) {
        const uint32_t mask = block_sieve_slots(&query, inner);

        for (uint32_t slot = 0; slot < METRIC_FANOUT; slot++) assert_int_equal(mask >> slot & 1, sieve->least[inner * METRIC_FANOUT + slot] < below);
    }
}

/* After a build, inserts and removals: blocks and inner nodes on the free lists too. */
static void ranks_beside_lanes(void **state)
{
    static uint32_t rank[ROWS];
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, ROWS, 3, SUPPORT_CLUSTERS, 5);
    for (int turn = 0; turn < 4; turn++) {
        struct block_sieve sieve;

        if (turn == 1) support_ok(support_block_build(&block, 4000, 64, &err), &err);
        if (turn == 2) support_ok(support_block_insert(&block, 1900, &err), &err);
        if (turn == 3) support_block_remove(&block, 5000);
        for (uint32_t i = 0; i < ROWS; i++) {
            rank[i] = (uint32_t)base_random_below(&block.random, 1000);
            if (base_random_below(&block.random, 5) == 0) rank[i] = BLOCK_NONE;
        }
        support_ok(block_sieve_make(&sieve, &block.layout, rank, &env.env, &err), &err);
        expect(&sieve, &block, rank);
        expect_masks(&sieve, &block, 0);
        expect_masks(&sieve, &block, 17);
        expect_masks(&sieve, &block, BLOCK_NONE);
        block_sieve_free(&sieve, &env.env);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static uint32_t rank[ROWS];
    const struct support_block *block = ctx;
    struct block_sieve sieve;
    int status = block_sieve_make(&sieve, &block->layout, rank, env, err);

    if (status == 0) expect(&sieve, block, rank);
    block_sieve_free(&sieve, env);
    return status;
}

static void memory_runs_out(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, ROWS, 2, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    assert_int_equal(support_fail_each(&env, make, &block), 5);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(ranks_beside_lanes), cmocka_unit_test(memory_runs_out) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
