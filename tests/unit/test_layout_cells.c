/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { K = 10, QUERIES = 300 };

static uint64_t blocks_visited(const struct support_block *block, const struct block_layout *layout)
{
    struct block_work work = { 0 };
    struct base_topk_entry entry[K];
    struct base_topk top;
    struct block_near near;
    const uint32_t dim = layout->dim, *where = block_where(&block->layout);
    double q[16];
    uint32_t asked = 0;

    assert_int_equal(block_near_take(&near, &block->env->env, K, NULL), 0);
    for (uint32_t row = 0, other = 0, passed = 0; row < block->rows; row++) {
        if (row >= block->layout.rows || where[row] == BLOCK_NONE || passed++ % (1 + (uint32_t)layout->entries / QUERIES) != 0) continue;
        for (uint32_t j = 0; j < dim; j++) q[j] = 0.98 * block->place[row * dim + j] + 0.02 * block->place[other * dim + j];
        base_topk_start(&top, entry, K);
        support_knn(&top, &near, layout, &block->source, q, BLOCK_NONE, &work);
        asked++;
        other = row;
    }
    assert_true(asked > 20);
    block_near_free(&near, &block->env->env);
    return work.blocks;
}

/* Asserts that queries look at no more blocks than `most` times those of a layout that is built of the same entries at `fill` lanes a block. */
static void check_decay_at(const char *what, const struct support_block *block, int fill, double most)
{
    struct block_layout fresh;
    uint32_t *node = calloc(block->rows, sizeof *node), n = 0;
    uint64_t got, wanted;

    assert_non_null(node);
    support_block_check(block);
    for (uint32_t i = 0; i < block->rows; i++) {
        if (support_block_has(block->reach, i)) node[n++] = i;
    }
    block_init(&fresh, &block->env->env, &block->metric);
    assert_int_equal(block_build(&fresh, &block->source, node, n, fill, NULL), 0);
    got = blocks_visited(block, &block->layout);
    wanted = blocks_visited(block, &fresh);
    if ((double)got > most * (double)wanted) fail_msg("%s: %.3f of a fresh layout", what, (double)got / (double)wanted);
    block_free(&fresh);
    free(node);
}

static void check_decay(const char *what, const struct support_block *block, double most)
{
    check_decay_at(what, block, BLOCK_PIECE, most);
}

/* Entries for each block in use. */
static double lanes_used(const struct support_block *block)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < block->layout.blocks; i++) used += block_link_of(&block->layout, i)->count > 0;
    return (double)block->layout.entries / used;
}

/* Entries [first, first + n) come or go. Returns how many of the others were moved. */
static uint32_t come(struct support_block *block, uint32_t first, uint32_t n)
{
    const uint32_t rows = block->layout.rows;
    uint32_t *before = calloc(block->rows, sizeof *before), moved = 0;
    struct pcct_error err = { 0, "" };

    assert_non_null(before);
    if (rows > 0) memcpy(before, block_where(&block->layout), rows * sizeof *before);
    for (uint32_t i = 0; i < n; i++) {
        block->node[i] = first + i;
        block->reach[first + i] = (double)INFINITY;
    }
    support_ok(block_insert(&block->layout, &block->source, block->node, n, &err), &err);
    for (uint32_t i = 0; i < rows; i++) moved += before[i] != BLOCK_NONE && block_where(&block->layout)[i] != before[i];
    free(before);
    return moved;
}

static void go(struct support_block *block, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) block->node[i] = first + i;
    block_remove(&block->layout, &block->source, block->node, n);
    for (uint32_t i = 0; i < n; i++) block->reach[first + i] = -(double)INFINITY;
}

static void start(struct support_block *block, struct support_env *env, uint32_t rows, uint32_t dim, enum support_shape shape, uint32_t n)
{
    struct pcct_error err = { 0, "" };

    support_block_start(block, env, rows, dim, shape, 5);
    for (uint32_t i = 0; i < n; i++) {
        block->node[i] = i;
        block->reach[i] = (double)INFINITY;
    }
    support_ok(block_build(&block->layout, &block->source, block->node, n, 64, &err), &err);
}

/* Doubling by small batches, four times half of it replaced, the oldest first, then halving: as good as laid out anew, and no batch moves much more
 * than it brings. */
static void upkeep_is_as_good_as_laying_out(void **state)
{
    enum { N = 10240, STEP = 512 };
    static const uint32_t dims[] = { 2, 3, 8 };
    struct support_env env;

    (void)state;
    support_env_start(&env, 2);
    for (int turn = 0; turn < 6; turn++) {
        struct support_block block;
        const double decay = turn < 3 ? 1.15 : 1.2;
        uint32_t first = 0, end = N, most = 0;
        uint64_t moved = 0;

        start(&block, &env, 6 * N, dims[turn % 3], turn < 3 ? SUPPORT_UNIFORM : SUPPORT_CLUSTERS, N);
        for (; end < 2 * N; end += STEP) moved += come(&block, end, STEP);
        assert_true(moved < 15 * N); /* all once, since it was packed full, and then ten for each that comes */
        check_decay("doubled", &block, decay);
        for (moved = 0; end < 6 * N; end += STEP, first += STEP) {
            uint32_t more;

            go(&block, first, STEP);
            more = come(&block, end, STEP);
            moved += more;
            most = more > most ? more : most;
            if (end % N == 0) check_decay("turnover", &block, decay);
            assert_true(lanes_used(&block) >= 49.5);
        }
        assert_true(moved < 4 * 4 * N && most < 10 * STEP);
        check_decay("turned over", &block, decay);
        support_block_remove(&block, N);
        check_decay("halved", &block, 1.25);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* What comes is always one width further than what went. */
static void drift_does_no_harm(void **state)
{
    enum { N = 10240, STEP = 512 };
    struct support_env env;

    (void)state;
    support_env_start(&env, 2);
    for (uint32_t dim = 2; dim <= 4; dim += 2) {
        struct support_block block;
        uint32_t first = 0;

        start(&block, &env, 5 * N, dim, SUPPORT_UNIFORM, N);
        for (uint32_t i = N; i < 5 * N; i++) block.place[i * dim] += i / N;
        for (uint32_t end = N; end < 5 * N; end += STEP, first += STEP) {
            come(&block, end, STEP);
            go(&block, first, STEP);
            if (end % (N / 2) == 0) check_decay("drift", &block, 1.2);
        }
        check_decay("drifted", &block, 1.2);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* The i-th of n entries: of eight clusters, which all drift, each at its own pace. */
static void place_drifting(struct support_block *block, uint32_t i, uint32_t n)
{
    const uint32_t cluster = (uint32_t)base_random_below(&block->random, 8), dim = block->layout.dim;
    const double time = (double)i / n;

    for (uint32_t j = 0; j < dim; j++) {
        const double from = (double)(cluster * 37 % (11 + j) + 1) / (11 + j), pace = ((double)(cluster * 17 % (7 + j)) / (7 + j) - 0.5);

        block->place[(size_t)i * dim + j] = from + 2 * time * pace + 0.02 * (1 + cluster) * base_random_gauss(&block->random);
    }
}

/*
 * Two hundred batches: n is doubled, halved, doubled and halved again, by what drifts; first any go, then the oldest. Queries look at no more than
 * 15 % more blocks than in a layout built of the same entries with as many in a block. The first batch meets packed blocks and may move everything;
 * none after it moves more than 32 entries for each that it brings.
 */
static void two_hundred_batches(void **state)
{
    enum { N = 8200, BATCHES = 50, STEP = N / BATCHES, ROWS = 3 * N };
    static const uint32_t dims[] = { 2, 3, 8 };
    struct support_env env;

    (void)state;
    support_env_start(&env, 2);
    for (int turn = 0; turn < 3; turn++) {
        struct support_block block;
        uint32_t end = N, oldest = 0;

        support_block_start(&block, &env, ROWS, dims[turn], SUPPORT_UNIFORM, 7);
        for (uint32_t i = 0; i < ROWS; i++) place_drifting(&block, i, ROWS);
        come(&block, 0, N);
        for (int batch = 0; batch < 4 * BATCHES; batch++) {
            if (batch / BATCHES % 2 == 0) {
                const uint32_t moved = come(&block, end, STEP);

                assert_true(moved < (batch == 0 ? N : 32 * STEP));
                end += STEP;
            } else if (batch < 2 * BATCHES) {
                support_block_remove(&block, STEP);
            } else {
                for (uint32_t gone = 0; gone < STEP; oldest++) {
                    if (!support_block_has(block.reach, oldest)) continue;
                    go(&block, oldest, 1);
                    gone++;
                }
            }
            if (batch % 10 == 9) check_decay_at("batches", &block, (int)lanes_used(&block), 1.15);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* A third more at once: families become several while nodes above them are split, and every entry is still on its side of every plane. */
static void many_at_once_stay_in_their_cells(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct support_block block;

        support_block_start(&block, &env, 60000, seed % 2 ? 2 : 3, seed % 3 ? SUPPORT_CLUSTERS : SUPPORT_UNIFORM, seed);
        support_ok(support_block_build(&block, 20000, 64, &err), &err);
        while (support_block_count(&block) < 55000) {
            support_ok(support_block_insert(&block, support_block_count(&block) * 3 / 7, &err), &err);
            support_ok(block_check(&block.layout, &block.source, support_block_has, &err), &err);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Points in an order that no plane but the first splits evenly: a line from one end to the other, along an axis and across; a spiral inwards. */
static void sorted_points_keep_it_low(void **state)
{
    enum { N = 20000, STEP = 100 };
    struct support_env env;

    (void)state;
    support_env_start(&env, 2);
    for (int kind = 0; kind < 4; kind++) {
        struct support_block block;
        uint32_t inners = 0;

        support_block_start(&block, &env, N, 2, SUPPORT_UNIFORM, 1);
        for (uint32_t i = 0; i < N; i++) {
            const double radius = exp(-1e-3 * i), wave = 200 * sin(i / 300.0);

            block.place[2 * i] = kind == 0 ? i : kind == 1 ? N - i : kind == 2 ? i + wave : radius * cos(i / 500.0);
            block.place[2 * i + 1] = kind < 2 ? 0 : kind == 2 ? i - wave : radius * sin(i / 500.0);
        }
        for (uint32_t first = 0; first < N; first += STEP) come(&block, first, STEP);
        check_decay("line", &block, 1.15);
        for (uint32_t i = 0; i < block.layout.inners; i++) inners += block_inner(&block.layout, i)->count > 0;
            assert_int_equal(block_height(&block.layout), 3);
        assert_true(inners <= 60); /* 24 full families would do */
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Planes out of a damaged file, sound trees with senseless values: worth less, but insertion ends and answers are right. */
static void senseless_planes_do_no_harm(void **state)
{
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    for (int kind = 0; kind < 4; kind++) {
        struct support_block block;
        struct pcct_error err = { 0, "" };

        start(&block, &env, 12000, 2, SUPPORT_UNIFORM, 6000);
        for (uint32_t first = 6000; first < 12000; first += 300) {
            for (uint32_t inner = 0; inner < block.layout.inners; inner++) {
                for (uint32_t i = 0; i + 1 < block_inner(&block.layout, inner)->count; i++) {
                    struct block_plane *plane = &block_planes(&block.layout, inner)[i];

                    plane->value = kind == 0 ? (double)NAN : kind == 1 ? 1e300 : kind == 2 ? 0.5 : 1 - plane->value;
                    plane->axis = (uint16_t)(kind == 2 ? i % 2 : 0);
                }
            }
            support_ok(block_check_links(&block.layout, &err), &err);
            come(&block, first, 300);
            go(&block, first - 6000, 150);
        }
        support_ok(block_check_links(&block.layout, &err), &err);
        support_block_ask(&block, 20, 10);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upkeep_is_as_good_as_laying_out),
        cmocka_unit_test(drift_does_no_harm),
        cmocka_unit_test(two_hundred_batches),
        cmocka_unit_test(many_at_once_stay_in_their_cells), cmocka_unit_test(sorted_points_keep_it_low),
        cmocka_unit_test(senseless_planes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
