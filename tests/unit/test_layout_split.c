/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3000 };

static const struct support_block *comparing;
static uint32_t along;

/* The order that splits follow: coordinate, label, node. */
static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const double at_x = comparing->place[x * comparing->layout.dim + along], at_y = comparing->place[y * comparing->layout.dim + along];

    if (at_x != at_y) return at_x < at_y ? -1 : 1;
    if (comparing->label[x] != comparing->label[y]) return comparing->label[x] < comparing->label[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static uint32_t widest(const struct support_block *block, uint32_t from, uint32_t n)
{
    const uint32_t dim = block->layout.dim;
    uint32_t best = 0;
    double width = -1;

    for (uint32_t j = 0; j < dim; j++) {
        double low = block->place[from * dim + j], high = low;

        for (uint32_t i = from; i < from + n; i++) {
            const double x = block->place[i * dim + j];

            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        if (high - low > width) {
            width = high - low;
            best = j;
        }
    }
    return best;
}

/* The least so many come first, whatever the sizes and the ties; every record is still there. */
static void the_least_come_first(void **state)
{
    static const uint32_t dims[] = { 1, 2, 3, 12, 13, 40 };
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    for (int round = 0; round < 300; round++) {
        struct support_block block;
        struct block_records records;
        const uint32_t dim = dims[round % 6], n = 2 + (uint32_t)(round * 37 % (N - 2)), from = (uint32_t)round % 5;
        struct block_plane plane;
        uint32_t node[N + 8], middle;
        char seen[N + 8] = { 0 };

        support_block_start(&block, &env, n + from, dim, (enum support_shape)(round / 6 % SUPPORT_SHAPES), (uint64_t)round);
        if (round % 7 == 0) memset(block.label, 0, (n + from) * sizeof *block.label); /* ties down to the node */
        records = block_records_of(&block.source, dim);
        if (round % 5 == 0) { /* as where room is scarce */
            records.looked_up = 1;
            records.record_bytes = sizeof(struct block_record);
        }
        records.record = malloc((n + from) * records.record_bytes);
        assert_non_null(records.record);
        for (uint32_t i = 0; i < n + from; i++) {
            block_record_set(&records, i, i);
            node[i] = i;
        }
        comparing = &block;
        along = widest(&block, from, n);
        qsort(node + from, n, sizeof *node, compare);
        middle = 1 + (uint32_t)base_random_below(&block.random, n - 1);
        plane = block_records_split(&records, from, from + middle, from + n);
        assert_int_equal(plane.axis, along);
        assert_int_equal(plane.node, node[from + middle]); /* the least of the others, in all it is compared by */
        assert_true(plane.value == block.place[plane.node * dim + along] && plane.label == block.label[plane.node]);
        for (uint32_t i = 0; i < n + from; i++) {
            const struct block_record *record = block_record_at(&records, i);

            assert_memory_equal(block_record_place(&records, record), block.place + record->node * dim, dim * sizeof(double));
            assert_int_equal(seen[record->node]++, 0);
            if (i < from) assert_int_equal(record->node, i);
            else assert_true((compare(&record->node, &node[from + middle]) < 0) == (i < from + middle));
        }
        free(records.record);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* The box of nodes [from, to) is the block's, its least label theirs; lanes stand in the block's frame, as large as fits. */
static void check_block(const struct support_block *block, uint32_t number, uint32_t from, uint32_t to)
{
    const uint32_t dim = block->layout.dim;
    const double *frame = block_frame(&block->layout, number);
    int64_t least = INT64_MAX;
    float most = 0;

    for (uint32_t j = 0; j < dim; j++) {
        double low = block->place[from * dim + j], high = low;

        for (uint32_t node = from; node < to; node++) {
            const double x = block->place[node * dim + j];
            const float y = block_lanes(&block->layout, number)[j * METRIC_LANES + block_where(&block->layout)[node] % METRIC_LANES];

            low = fmin(low, x);
            high = fmax(high, x);
            assert_true(y == (float)((x - frame[1 + j]) * frame[0]));
            most = fmaxf(most, fabsf(y));
        }
        assert_true(block_low(&block->layout, number)[j] == low && block_high(&block->layout, number)[j] == high);
    }
    for (uint32_t node = from; node < to; node++) least = block->label[node] < least ? block->label[node] : least;
    assert_int_equal(*block_least(&block->layout, number), least);
    assert_true(most <= 1 && most >= 0.5F);
}

static int farther(const struct support_block *block, uint32_t a, uint32_t b)
{
    return block->reach[a] > block->reach[b] || (block->reach[a] == block->reach[b] && a < b);
}

/* Lanes come farthest reaching first, then ascending by node, whatever the order of the records; the others are cleared. */
static void records_become_lanes(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint32_t dim = 11; dim <= 13; dim++) {
        struct support_block block;
        struct block_records records;
        uint32_t number;

        support_block_start(&block, &env, 100, dim, SUPPORT_UNIFORM, dim);
        support_ok(block_reserve(&block.layout, 1, 1, 100, &err), &err);
        block.layout.rows = 100;
        number = block_take_block(&block.layout);
        records = block_records_of(&block.source, dim);
        records.record = malloc(100 * records.record_bytes);
        assert_non_null(records.record);
        for (uint32_t i = 0; i < 100; i++) {
            block.reach[i] = i % 3 ? i / 8.0 : -1;
            block_record_set(&records, i, i >= 10 && i < 50 ? 50 + (i * 7 + 3) % 40 : 0);
        }
        block_records_write(&block.layout, number, &records, 10, 50);
        assert_int_equal(block_link_of(&block.layout, number)->count, 40);
        check_block(&block, number, 50, 90);
        for (uint32_t lane = 0; lane < METRIC_LANES; lane++) {
            const uint32_t node = block_nodes(&block.layout, number)[lane];
            const float kept = block_reaches(&block.layout, number)[lane];

            if (lane < 40) {
                assert_true(node >= 50 && node < 90);
                if (lane > 0) assert_true(farther(&block, block_nodes(&block.layout, number)[lane - 1], node));
                assert_int_equal(block_where(&block.layout)[node], number * METRIC_LANES + lane);
                assert_true(block.reach[node] < 0 ? kept == -1 : block_reach_told(&block.layout, number, kept) >= block.reach[node]);
                continue;
            }
            assert_true(kept == -1 && node == BLOCK_NONE);
            for (uint32_t j = 0; j < dim; j++) assert_true(block_lanes(&block.layout, number)[j * METRIC_LANES + lane] == 0);
        }
        free(records.record);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_least_come_first), cmocka_unit_test(records_become_lanes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
