/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_cells.h"

#include <math.h>

static void numbers_are_given_back(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t number[4];

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 4, 1, SUPPORT_UNIFORM, 1);
    support_ok(block_reserve(&block.layout, 4, 4, 4, &err), &err);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(number[i] = block_take_block(&block.layout), i);
    block_give_block(&block.layout, 2);
    block_give_block(&block.layout, 0);
    assert_int_equal(block_take_block(&block.layout), 0);
    assert_int_equal(block_take_block(&block.layout), 2);
    assert_int_equal(block_take_inner(&block.layout), 0);
    assert_int_equal(block_take_inner(&block.layout), 1);
    block_give_inner(&block.layout, 0);
    assert_int_equal(block_take_inner(&block.layout), 0);
    assert_int_equal(block_take_inner(&block.layout), 2);
    assert_int_equal(block_reserve(&block.layout, (size_t)UINT32_MAX / 64 + 1, 4, 4, &err), PCCT_E_MEMORY);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Climbing goes as far as something changes. */
static void climbing_renews_ancestors(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_layout *layout = &block.layout;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 20000, 2, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, 20000, 64, &err), &err);
    assert_int_equal(block_height(layout), 3);
    for (uint32_t node = 0; node < 20000; node += 997) {
        const uint32_t at = block_where(layout)[node];
        const struct block_link *link = block_link_of(layout, at / METRIC_LANES);

        block.place[2 * node] = nextafter(block.place[2 * node], 9); /* past a plane that was made here, which the label no longer is */
        block.place[2 * node + 1] = nextafter(block.place[2 * node + 1], 9);
        block.label[node] = -1000 - (int64_t)node;
        block_write_row(layout, at / METRIC_LANES, at % METRIC_LANES, block.place + 2 * node, block.label[node]);
        assert_true(block_shrink(layout, &block.source, at / METRIC_LANES, 1));
        assert_false(block_shrink(layout, &block.source, at / METRIC_LANES, 1));
        block_reframe(layout, &block.source, at / METRIC_LANES);
        assert_true(block_summarise(layout, link->parent, link->slot));
        block_climb(layout, link->parent);
        assert_false(block_summarise(layout, link->parent, link->slot));
        support_block_check(&block);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* One inner node with two blocks, the second one a single lane. */
static void start_pair(struct support_block *block, struct support_env *env, uint32_t dim)
{
    struct block_layout *layout = &block->layout;
    struct pcct_error err = { 0, "" };

    support_block_start(block, env, 65, dim, SUPPORT_UNIFORM, 1);
    support_ok(block_reserve(layout, 2, 1, 65, &err), &err);
    layout->rows = 65;
    for (uint32_t i = 0; i < 65; i++) block_where(layout)[i] = BLOCK_NONE;
    layout->root = block_take_inner(layout);
}

static void put_entry(struct support_block *block, uint32_t number, uint32_t node)
{
    block->reach[node] = node % 5 == 0 ? -1 : ldexp(1, (int)node % 40 - 20);
    block_put_lane(&block->layout, &block->source, number, node);
    block->layout.entries++;
}

/* Where an entry stands: each further out than all before; further in; the greatest width; denormal; equal; in turns near and far. */
static double place_of(int kind, uint32_t node, uint32_t axis)
{
    const double sign = (node + axis) % 2 ? 1 : -1, most = nextafter(METRIC_COORDINATE_LIMIT, 0);

    switch (kind) {
    case 0: return sign * ldexp(1, 7 * (int)node - 220);
    case 1: return sign * ldexp(1, 220 - 7 * (int)node);
    case 2: return sign * most * (node % 3 + 1) / 3;
    case 3: return sign * node * 0x1p-1074;
    case 4: return 0.1;
    case 5: return node < 20 ? 0 : 0x1p-1074 * (node - 20) * axis;
    default: return node % 8 == 7 ? 1e15 + node : 1e-15 * node + axis;
    }
}

/* How many of the entries are before one in the order of planes along axis 0. */
static uint32_t rank_of(const struct support_block *block, uint32_t node)
{
    uint32_t rank = 0;

    for (uint32_t i = 0; i < 64; i++) {
        const double x = block->place[3 * i], y = block->place[3 * node];

        rank += x < y || (x == y && block->label[i] < block->label[node]);
    }
    return rank;
}

/* However entries come, box, frame and lanes are right after each: none is beyond 1 in its frame. */
static void frames_follow_their_entries(void **state)
{
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    for (int kind = 0; kind < 7; kind++) {
        struct support_block block;
        struct block_layout *layout = &block.layout;
        struct block_plane plane = { 0 };
        uint32_t number[2], rank[64];

        start_pair(&block, &env, 3);
        for (uint32_t i = 0; i < 65 * 3; i++) block.place[i] = place_of(kind, i / 3, i % 3);
        for (uint32_t i = 0; i < 64; i++) {
            rank[i] = rank_of(&block, i);
            if (rank[i] == 30) plane = block_plane_at(&block.source, 3, 0, i);
        }
        number[0] = block_take_block(layout);
        for (uint32_t node = 0; node < 64; node++) {
            if (rank[node] >= 30) continue;
            put_entry(&block, number[0], node);
            if (layout->entries == 1) block_add_slot(layout, layout->root, number[0] | BLOCK_IS_LEAF);
            block_summarise(layout, layout->root, 0);
            support_block_check(&block);
        }
        number[1] = block_take_block(layout);
        for (uint32_t node = 0; node < 64; node++) {
            if (rank[node] >= 30) put_entry(&block, number[1], node);
        }
        block_divide(layout, layout->root, 0, &plane, number[1] | BLOCK_IS_LEAF);
        support_block_check(&block);
        support_block_ask(&block, 20, 5);
        for (uint32_t node = 0; node < 64; node++) {
            if (rank[node] >= 30) block_put_lane(layout, &block.source, number[0], node); /* fills it */
        }
        block_drop_cell(layout, layout->root, 1);
        block_give_block(layout, number[1]);
        block_summarise(layout, layout->root, 0);
        support_block_check(&block);
        assert_int_equal(block_link_of(layout, number[0])->count, METRIC_LANES);
        assert_false(block_shrink(layout, &block.source, number[0], 1)); /* putting widened the box as far as needed and no further */
        support_block_ask(&block, 20, 5);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* A kept reach is told as no less than it was, and not much more. */
static void reaches_are_kept(void **state)
{
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    for (int kind = 0; kind < 7; kind++) {
        struct support_block block;

        start_pair(&block, &env, 3);
        for (uint32_t i = 0; i < 65 * 3; i++) block.place[i] = place_of(kind, i / 3, i % 3);
        block_take_block(&block.layout);
        for (uint32_t node = 0; node < 10; node++) put_entry(&block, 0, node);
        for (int level = METRIC_LEVEL_MIN; level <= METRIC_LEVEL_MAX; level++) {
            const double reach = metric_reach(&block.metric, level), unit = metric_unit(&block.metric, block_frame(&block.layout, 0)[0]);
            const float kept = block_reach_kept(&block.layout, 0, 0, reach);

            assert_true(block_reach_told(&block.layout, 0, kept) >= reach);
            assert_true(isinf(kept) || (double)kept <= reach * unit * 1.01 + 1e-6);
        }
        assert_true(block_reach_kept(&block.layout, 0, 0, -1) == -1 && block_reach_told(&block.layout, 0, -1) == -1);
        assert_true(isinf(block_reach_told(&block.layout, 0, block_reach_kept(&block.layout, 0, 0, (double)INFINITY))));
        block.layout.root = BLOCK_NONE;
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

static uint32_t narrowest_block(const struct block_layout *layout)
{
    uint32_t least = 0;
    double width = (double)INFINITY;

    for (uint32_t block = 0; block < layout->blocks; block++) {
        if (block_link_of(layout, block)->count == 0 || *block_high(layout, block) - *block_low(layout, block) >= width) continue;
        width = *block_high(layout, block) - *block_low(layout, block);
        least = block;
    }
    return least;
}

/* The end of a block within a family is no side of anything above, yet the block has become the narrower, and the root knows. */
static void narrow_blocks_are_told_upwards(void **state)
{
    enum { ROWS = 20000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, ROWS, 1, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    assert_true(block_height(&block.layout) >= 3);
    for (int turn = 0; turn < 20; turn++) {
        const uint32_t number = narrowest_block(&block.layout), *node = block_nodes(&block.layout, number);
        uint32_t last = node[0];

        for (uint32_t i = 1; i < block_link_of(&block.layout, number)->count; i++) last = block.place[node[i]] > block.place[last] ? node[i] : last;
        block.reach[last] = -(double)INFINITY;
        block_remove(&block.layout, &block.source, &last, 1);
        support_block_check(&block);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_back),
        cmocka_unit_test(climbing_renews_ancestors),
        cmocka_unit_test(frames_follow_their_entries),
        cmocka_unit_test(reaches_are_kept),
        cmocka_unit_test(narrow_blocks_are_told_upwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
