/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include <math.h>

enum { ROWS = 3000 };

static uint64_t count_all(const struct support_block *block, const struct block_query *query)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < block->rows; i++) {
        if (block->reach[i] == -(double)INFINITY || i == query->self) continue;
        count += support_key(block->place + (size_t)i * block->layout.dim, query->q, block->metric.sum, block->layout.dim) <= query->limit;
    }
    return count;
}

/* Limits are keys of entries, or just below; some ask without themselves, of whom some are not in the layout. */
static void counts_are_those_of_a_full_comparison(void **state)
{
    static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev" };
    static const uint32_t dims[] = { 1, 2, 3, 8, 17 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct support_block block;
        struct block_work work = { 0 };

        support_block_start(&block, &env, ROWS, dims[seed % 5], (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        support_block_metric(&block, metrics[seed / 5 % 3]);
        support_ok(support_block_build(&block, 2500, 64, &err), &err);
        support_block_remove(&block, 300);
        for (int i = 0; i < 80; i++) {
            const uint32_t a = (uint32_t)base_random_below(&block.random, ROWS), b = (uint32_t)base_random_below(&block.random, ROWS);
            const double *q = block.place + (size_t)a * block.layout.dim;
            const double key = metric_key(&block.metric, q, block.place + (size_t)b * block.layout.dim);
            const double limit = i == 0 ? 0 : i == 1 ? (double)INFINITY : i % 4 == 0 ? nextafter(key, 0) : key;
            const struct block_query query = { q, i % 2 ? a : i % 3 ? BLOCK_NONE : b, limit, NULL, 0 };
            const uint64_t right = count_all(&block, &query);

            assert_int_equal(block_count(&block.layout, &block.source, &query, UINT64_MAX, &work), right);
            assert_int_equal(block_count(&block.layout, &block.source, &query, 10, &work), right < 10 ? right : 10);
            assert_int_equal(block_count(&block.layout, &block.source, &query, right + 1, &work), right);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Queries so far off that single precision has no number for it, with limits below, at and above the distance of all. */
static void far_queries_count_nothing_that_is_outside(void **state)
{
    static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev" };
    static const double away[] = { 1e15, 1e20, 1e30, 1e50, 1e140 }, times[] = { 0.25, 0.5, 1, 2 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct support_block block;
        struct block_work work = { 0 };

        support_block_start(&block, &env, ROWS, seed % 2 ? 3 : 1, SUPPORT_UNIFORM, seed);
        support_block_metric(&block, metrics[seed % 3]);
        support_ok(support_block_build(&block, seed < 6 ? 5 : 2500, 64, &err), &err);
        for (size_t i = 0; i < sizeof away / sizeof *away * (sizeof times / sizeof *times); i++) {
            const double q[3] = { away[i / 4], 0, 0 };
            const struct block_query query = { q, BLOCK_NONE, times[i % 4] * metric_key(&block.metric, q, block.place), NULL, 0 };

            assert_int_equal(block_count(&block.layout, &block.source, &query, UINT64_MAX, &work), count_all(&block, &query));
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Of a ball that holds much only the border is scanned, and of that only what is about as far as the limit is computed in double precision. */
static void what_is_inside_is_not_looked_at(void **state)
{
    enum { MANY = 50000 };
    const double middle[2] = { 0.5, 0.5 };
    const struct block_query all = { middle, BLOCK_NONE, 4, NULL, 0 }, half = { middle, BLOCK_NONE, 0.16, NULL, 0 };
    struct block_query none = { middle, BLOCK_NONE, -1, NULL, 0 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work = { 0 };
    uint64_t count;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, MANY, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < 2 * MANY; i++) block.place[i] = base_random_unit(&block.random);
    assert_int_equal(block_count(&block.layout, &block.source, &all, UINT64_MAX, &work), 0);
    support_ok(support_block_build(&block, MANY, 64, &err), &err);
    assert_int_equal(block_count(&block.layout, &block.source, &all, UINT64_MAX, &work), MANY);
    assert_true(work.blocks == 0 && work.distances == 0 && work.exact == 0 && work.nodes < MANY / 64 / 10);
    count = block_count(&block.layout, &block.source, &half, UINT64_MAX, &work);
    assert_int_equal(count, count_all(&block, &half));
    assert_true(count > MANY / 3 && work.blocks < 150 && work.distances < count / 2 && work.exact < 200);
    assert_int_equal(block_count(&block.layout, &block.source, &none, UINT64_MAX, &work), 0);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_a_full_comparison), cmocka_unit_test(far_queries_count_nothing_that_is_outside),
        cmocka_unit_test(what_is_inside_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
