/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_annex.h"

#include "support_block.h"

#include "block/layout_nodes.h"

#include <string.h>

enum { ROWS = 12000, OLD = 5000 };

static void note(struct support_block *block, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        block->node[i] = first + i;
        block->reach[first + i] = support_block_random_reach(block);
    }
}

/* Entries 0 to OLD - 1, packed. */
static void start(struct support_block *block, struct support_env *env, uint32_t dim, enum support_shape shape, uint64_t seed)
{
    struct pcct_error err = { 0, "" };

    support_block_start(block, env, ROWS, dim, shape, seed);
    note(block, 0, OLD);
    block->source.rows = OLD;
    support_ok(block_build(&block->layout, &block->source, block->node, OLD, 64, &err), &err);
    block->source.rows = ROWS;
}

static int annex(struct support_block *block, uint32_t first, uint32_t n)
{
    struct pcct_error err = { 0, "" };
    int annexed = 2;

    note(block, first, n);
    support_ok(block_annex(&annexed, &block->layout, &block->source, block->node, n, first, &err), &err);
    if (!annexed) {
        for (uint32_t i = 0; i < n; i++) block->reach[first + i] = -(double)INFINITY;
    }
    return annexed;
}

/* Steps of all kinds on both sides; every invariant after each, answers against every entry. */
static void steps_beside_an_annex(void **state)
{
    static const uint32_t dims[] = { 1, 3, 8 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (uint64_t seed = 0; seed < 9; seed++) {
        struct support_block block;
        uint32_t n = seed % 2 ? 300 : 1800;

        start(&block, &env, dims[seed % 3], (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        if (seed % 3 == 0) support_block_remove(&block, 400);
        assert_true(annex(&block, OLD, n));
        assert_true(block_is_annexed(&block.layout));
        support_block_check(&block);
        support_block_ask(&block, 30, 9);
        for (int step = 0; step < 20; step++) {
            switch (base_random_below(&block.random, 4)) {
            case 0: support_block_remove(&block, 1 + (uint32_t)base_random_below(&block.random, 500)); break;
            case 1: support_block_renew_reach(&block, 40); break;
            default: support_ok(support_block_insert(&block, 1 + (uint32_t)base_random_below(&block.random, 60), &err), &err); break;
            }
            support_block_check(&block);
            if (step % 7 == 0) support_block_ask(&block, 4, 1 + (size_t)step);
        }
        support_block_remove(&block, ROWS);
        support_block_check(&block);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

static void remove_rows(struct support_block *block, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) block->node[i] = first + i;
    block_remove(&block->layout, &block->source, block->node, n);
    for (uint32_t i = 0; i < n; i++) block->reach[first + i] = -(double)INFINITY;
    support_block_check(block);
}

/* Either side may go. */
static void a_side_is_emptied(void **state)
{
    struct support_env env;

    (void)state;
    support_env_start(&env, 2);
    for (int old = 0; old < 2; old++) {
        struct support_block block;

        start(&block, &env, 2, SUPPORT_UNIFORM, 3);
        assert_true(annex(&block, OLD, 900));
        remove_rows(&block, old ? 0 : OLD, old ? OLD : 900);
        assert_false(block_is_annexed(&block.layout));
        support_block_ask(&block, 20, 5);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Few entries, too many, and those of a layout that has one already are inserted instead; when it is half of all, all are laid out anew. */
static void when_it_is_done(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, 2, SUPPORT_UNIFORM, 4);
    assert_false(annex(&block, OLD, 255));
    assert_false(annex(&block, OLD, OLD / 2));
    support_block_check(&block);
    block.source.rows = OLD + 256;
    assert_true(annex(&block, OLD, 256));
    block.source.rows = OLD + 256 + 300;
    assert_false(annex(&block, OLD + 256, 300));
    while (block.source.rows + 100 <= ROWS) {
        uint32_t first = block.source.rows;

        block.source.rows += 100;
        note(&block, first, 100);
        support_ok(block_insert(&block.layout, &block.source, block.node, 100, &err), &err);
        support_block_check(&block);
        if (!block_is_annexed(&block.layout)) break;
        assert_true((block.source.rows - OLD) * 2 < block.layout.entries);
    }
    assert_false(block_is_annexed(&block.layout));
    assert_true((block.source.rows - OLD) * 2 >= block.layout.entries - 100);
    support_block_ask(&block, 20, 5);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void the_same_by_any_number_of_threads(void **state)
{
    struct support_env env[2];
    struct support_block block[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        support_env_start(&env[i], i == 0 ? 1 : 4);
        start(&block[i], &env[i], 3, SUPPORT_UNIFORM, 8);
        assert_true(annex(&block[i], OLD, 2000));
    }
    assert_true(support_block_same(&block[0].layout, &block[1].layout));
    for (int i = 0; i < 2; i++) {
        support_block_finish(&block[i]);
        support_env_finish(&env[i]);
    }
}

/* The plane goes with the rows that it divides. */
static void rows_get_other_numbers(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t map[ROWS], rows = 0;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, 2, SUPPORT_UNIFORM, 5);
    assert_true(annex(&block, OLD, 700));
    support_block_remove(&block, 1500);
    for (uint32_t i = 0; i < ROWS; i++) {
        map[i] = BLOCK_NONE;
        if (!support_block_has(block.reach, i)) continue;
        block.reach[rows] = block.reach[i];
        block.label[rows] = block.label[i];
        memcpy(&block.place[2 * rows], &block.place[2 * i], 2 * sizeof *block.place);
        map[i] = rows++;
    }
    for (uint32_t i = rows; i < ROWS; i++) block.reach[i] = -(double)INFINITY;
    support_ok(block_renumber(&block.layout, map, rows, &err), &err);
    block.source.rows = rows;
    assert_true(block_is_annexed(&block.layout));
    support_block_check(&block);
    block.source.rows = rows + 50;
    note(&block, rows, 50);
    support_ok(block_insert(&block.layout, &block.source, block.node, 50, &err), &err);
    support_block_check(&block);
    support_block_finish(&block);
    support_env_finish(&env);
}

static int annex_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_block *block = ctx;
    int annexed = 0, status = block_annex(&annexed, &block->layout, &block->source, block->node, 600, OLD, err);

    (void)env;
    assert_int_equal(annexed, status == 0);
    return status;
}

static void memory_runs_out(void **state)
{
    struct support_env env;
    struct support_block block;
    uint64_t failed = 1, live;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, 2, SUPPORT_UNIFORM, 6);
    for (;; failed++) { /* arrays that have grown stay so: blocks in use are not counted, but what they hold is looked at */
        note(&block, OLD, 600);
        support_env_fail(&env, failed);
        live = env.live;
        if (annex_once(&block, &env.env, &err) == 0) break;
        assert_int_equal(err.code, PCCT_E_MEMORY);
        assert_int_equal(env.live, live);
        for (uint32_t i = 0; i < 600; i++) block.reach[OLD + i] = -(double)INFINITY;
        support_block_check(&block);
    }
    support_env_fail(&env, 0);
    assert_true(failed > 15);
    support_block_check(&block);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Queries are put in order by the blocks of what was there before, which are finer. */
static void homes_are_not_in_the_annex(void **state)
{
    struct support_env env;
    struct support_block block;
    uint32_t blocks;

    (void)state;
    support_env_start(&env, 1);
    start(&block, &env, 3, SUPPORT_UNIFORM, 3);
    blocks = block.layout.blocks;
    assert_true(annex(&block, OLD, 900));
    for (uint32_t i = 0; i < OLD + 900; i++) {
        const uint32_t home = block_home(&block.layout, block.place + (size_t)3 * i);

        assert_true(home < blocks && (i >= OLD || home == block_where(&block.layout)[i] / METRIC_LANES));
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_beside_an_annex), cmocka_unit_test(homes_are_not_in_the_annex),
        cmocka_unit_test(a_side_is_emptied),
        cmocka_unit_test(when_it_is_done),
        cmocka_unit_test(the_same_by_any_number_of_threads),
        cmocka_unit_test(rows_get_other_numbers),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
