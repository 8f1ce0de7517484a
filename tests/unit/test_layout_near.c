/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 3000, K_MOST = 300 };

static int less(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Scans all blocks, in an order of their own, in the unit of the first. Returns 0 when they would not fit, or are too far off. */
static int scan_all(struct block_near *near, const struct support_block *block, const double *q, size_t k, double limit, struct block_work *work)
{
    const struct block_layout *layout = &block->layout;
    const uint32_t blocks = layout->blocks, first = (uint32_t)base_random_below((struct base_random *)&block->random, blocks);

    near->query = (struct block_query){ q, BLOCK_NONE, limit, NULL, 0 };
    block_near_start(near, layout->metric, k, block_frame(layout, first)[0]);
    for (uint32_t i = 0; i < blocks; i++) {
        const uint32_t at = (first + i) % blocks;
        const uint64_t wanted = UINT64_MAX >> (METRIC_LANES - block_link_of(layout, at)->count);

        if (!block_near_scan(near, layout, &block->source, at, wanted, work)) return 0;
    }
    block_near_finish(near, layout, &block->source);
    for (size_t i = 0; layout->row_words > 0 && i < near->found.count; i++) near->entry[i] = ((const uint32_t *)layout->node.data)[near->entry[i]];
    return !near->full;
}

/* All that is as near as the k-th, and within the limit, is left; and little else, where keys are not all alike. Returns how many else. */
static size_t check(const struct block_near *near, const struct support_block *block, const double *q, size_t k, double limit)
{
    const uint32_t dim = block->layout.dim;
    static double key[ENTRIES], sorted[ENTRIES];
    static char left[ENTRIES];
    double last = limit;
    size_t needed = 0;

    for (uint32_t i = 0; i < ENTRIES; i++) key[i] = sorted[i] = metric_key(&block->metric, q, block->place + (size_t)i * dim);
    qsort(sorted, ENTRIES, sizeof *sorted, less);
    if (k <= ENTRIES) last = fmin(last, sorted[k - 1]);
    memset(left, 0, sizeof left);
    for (size_t i = 0; i < near->found.count; i++) {
        assert_true(near->entry[i] < ENTRIES && !left[near->entry[i]]);
        left[near->entry[i]] = 1;
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        assert_true(left[i] || key[i] > last);
        needed += key[i] <= last;
    }
    return near->found.count - needed;
}

static void the_k_nearest_are_left(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev" };
    static const uint32_t dims[] = { 1, 3, 8, 20 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct block_near near;
    size_t answered = 0, full = 0;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (int turn = 0; turn < 4 * SUPPORT_SHAPES; turn++) {
        const uint32_t dim = dims[turn % 4];
        struct support_block block;

        support_block_start(&block, &env, ENTRIES, dim, (enum support_shape)(turn / 4), (uint64_t)turn);
        support_block_metric(&block, name[turn % 3]);
        support_ok(support_block_build(&block, ENTRIES, 60, &err), &err);
        for (size_t k = 1; k <= K_MOST; k += k < 40 ? 3 : 87) {
            const double *row = block.place + base_random_below(&block.random, ENTRIES) * dim, *other = block.place + k * dim;
            struct block_work work = { 0 };
            double q[20], limit = INFINITY;

            for (uint32_t j = 0; j < dim; j++) q[j] = row[j] + (other[j] - row[j]) * (double)base_random_below(&block.random, 3) / 2;
            if (k % 2 == 0) limit = metric_key(&block.metric, q, other);
            if (!scan_all(&near, &block, q, k, limit, &work)) {
                full++;
                continue;
            }
            answered++;
            if (check(&near, &block, q, k, limit) > k / 16 + 2) assert_int_not_equal(turn / 4, SUPPORT_UNIFORM);
            assert_true(work.blocks == block.layout.blocks && work.distances == ENTRIES);
        }
        support_block_finish(&block);
    }
    assert_true(answered > 9 * full);
    block_near_free(&near, &env.env);
    support_env_finish(&env);
}

/* Two values are compared, each of which may be off by the filter's growth and slack in the widest unit there is: the limit for one that follows from
 * another leaves room for both (docs/algorithm.md). */
static void limits_leave_room_for_both_values(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev" };
    static const uint32_t dims[] = { 1, 2, 8, 64 };
    struct support_env env;
    struct block_near near;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (int turn = 0; turn < 12; turn++) {
        struct support_block block;
        const double *q;

        support_block_start(&block, &env, ENTRIES, dims[turn / 3], SUPPORT_GRID, 1);
        support_block_metric(&block, name[turn % 3]);
        q = block.place;
        for (int i = 0; i < 2; i++) {
            const double grow = block.metric.filter.grow, slack = block.metric.filter.slack * BLOCK_NEAR_WIDER;

            near.query = (struct block_query){ q, BLOCK_NONE, i ? 3 : (double)INFINITY, NULL, 0 };
            block_near_start(&near, &block.metric, 5, 0.25);
            assert_true(grow > 1 && (double)near.found.grow >= grow * grow);
            assert_true((double)near.found.slack >= (grow + 1) * slack);
            assert_true((double)near.found.grow < 1 + 4 * (grow - 1) + 1e-5); /* and not much more */
            assert_true((double)near.found.slack <= 3 * slack);
            if (i) assert_true((double)near.found.limit >= grow * (grow * (grow * 3 * near.unit + slack) + slack) + slack);
        }
        support_block_finish(&block);
    }
    block_near_free(&near, &env.env);
    support_env_finish(&env);
}

/* Fewer than k: all are left. */
static void too_few_are_all_left(void **state)
{
    struct support_env env;
    struct support_block block;
    struct pcct_error err = { 0, "" };
    struct block_near near;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 5, 3, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, 5, 2, &err), &err);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (size_t k = 5; k <= K_MOST; k += 5) {
        struct block_work work = { 0 };

        assert_true(scan_all(&near, &block, block.place, k, INFINITY, &work));
        assert_int_equal(near.found.count, 5);
        assert_true(scan_all(&near, &block, block.place, k, 0, &work)); /* itself; what else is left costs a key */
        assert_true(near.found.count >= 1);
        if (k <= METRIC_ORDERED_MAX) assert_int_equal(near.entry[0], 0);
    }
    block_near_free(&near, &env.env);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Equal distances may all be the least: that they are too many is told, and not before they are k and a block's lanes. */
static void too_many_are_told(void **state)
{
    struct support_env env;
    struct support_block block;
    struct pcct_error err = { 0, "" };
    const double q[2] = { 3, 4 };

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, ENTRIES, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < ENTRIES; i++) block.place[2 * i] = block.place[2 * i + 1] = 1;
    support_ok(support_block_build(&block, ENTRIES, 64, &err), &err);
    for (size_t k = 1; k <= K_MOST; k += 23) {
        struct block_near near;
        struct block_work work = { 0 };

        assert_int_equal(block_near_take(&near, &env.env, k, NULL), 0);
        assert_true(!scan_all(&near, &block, q, k, INFINITY, &work));
        assert_true(work.distances >= k + METRIC_LANES && near.found.count <= near.capacity);
        block_near_free(&near, &env.env);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Two clusters, each tiny beside their distance: whichever a search begins in, the other's blocks are in a unit of another size. */
static void units_of_other_sizes_are_compared(void **state)
{
    static const double sizes[] = { 0x1p-6, 0x1p-12, 0x1p-30, 0x1p-70, 0x1p-200 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct block_near near;
    int compared = 0;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (int turn = 0; turn < 15; turn++) {
        struct support_block block;

        support_block_start(&block, &env, ENTRIES, 2, SUPPORT_UNIFORM, (uint64_t)turn);
        for (uint32_t i = 0; i < 2 * (ENTRIES / 2); i++) block.place[i] *= sizes[turn % 5]; /* the first half, about 0 */
        support_ok(support_block_build(&block, ENTRIES, 64, &err), &err);
        for (uint32_t i = 0; i < 100; i++) {
            const double *q = block.place + (size_t)2 * base_random_below(&block.random, ENTRIES);
            const size_t k = 1 + base_random_below(&block.random, K_MOST);
            struct block_work work = { 0 };

            if (!scan_all(&near, &block, q, k, INFINITY, &work)) continue;
            check(&near, &block, q, k, INFINITY);
            compared += work.exact > 0;
        }
        support_block_finish(&block);
    }
    assert_true(compared > 100);
    block_near_free(&near, &env.env);
    support_env_finish(&env);
}

/* From so far off that a float does not tell: said, not guessed. */
static void beyond_a_floats_range(void **state)
{
    struct support_env env;
    struct support_block block;
    struct pcct_error err = { 0, "" };
    struct block_near near;
    const double far[2] = { 0x1p100, 0 };

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 400, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < 400; i++) block.place[2 * i] *= i < 200 ? 1 : 0x1p99; /* in other units some would seem as far as all */
    support_ok(support_block_build(&block, 400, 64, &err), &err);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (size_t k = 1; k <= 100; k += 33) {
        for (int again = 0; again < 20; again++) {
            struct block_work work = { 0 };

            if (!scan_all(&near, &block, far, k, INFINITY, &work)) continue;
            for (uint32_t i = 0; i < 400; i++) {
                size_t nearer = 0, left = 0;

                for (uint32_t j = 0; j < 400; j++) {
                    nearer += metric_key(&block.metric, far, block.place + 2 * j) < metric_key(&block.metric, far, block.place + 2 * i);
                }
                for (size_t j = 0; j < near.found.count; j++) left += near.entry[j] == i;
                assert_true(left == 1 || nearer >= k);
            }
        }
    }
    block_near_free(&near, &env.env);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Wide blocks tell how far they are, narrow ones no more than that they are further off than a float can say: both are as far. */
static void infinite_values_may_be_near(void **state)
{
    const double far[2] = { 0x1p55, 0 };
    struct support_env env;
    struct support_block block;
    struct pcct_error err = { 0, "" };
    struct block_near near;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 2 * METRIC_LANES, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = METRIC_LANES; i < 2 * METRIC_LANES; i++) {
        block.place[2 * i] = 2 + block.place[2 * i] * 0x1p-10;
        block.place[2 * i + 1] *= 0x1p-10;
    }
    support_ok(support_block_build(&block, 2 * METRIC_LANES, METRIC_LANES, &err), &err);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (size_t k = 1; k <= 60; k++) {
        struct block_work work = { 0 };
        size_t narrow = 0;

        if (!scan_all(&near, &block, far, k, INFINITY, &work)) continue;
        for (size_t i = 0; i < near.found.count; i++) narrow += near.entry[i] >= METRIC_LANES;
        assert_int_equal(narrow, METRIC_LANES);
    }
    block_near_free(&near, &env.env);
    support_block_finish(&block);
    support_env_finish(&env);
}

static int take(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct block_near near;
    int status;

    (void)ctx;
    status = block_near_take(&near, env, 10, err);
    block_near_free(&near, env); /* after a failure, too */
    return status;
}

static void without_memory(void **state)
{
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    assert_true(support_fail_each(&env, take, NULL) >= 1);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_k_nearest_are_left), cmocka_unit_test(limits_leave_room_for_both_values), cmocka_unit_test(too_few_are_all_left),
        cmocka_unit_test(too_many_are_told),      cmocka_unit_test(units_of_other_sizes_are_compared),
        cmocka_unit_test(beyond_a_floats_range),  cmocka_unit_test(infinite_values_may_be_near),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
