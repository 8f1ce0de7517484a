/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_sieve.h"

#include "support_block.h"

#include <math.h>

enum { ROWS = 3000 };

/* rank NULL: no sieve. */
static uint64_t count_ranked(const struct support_block *block, const struct block_query *query, const uint32_t *rank)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < block->rows; i++) {
        if (block->reach[i] == -(double)INFINITY || i == query->self || (rank && rank[i] >= query->below)) continue;
        count += support_key(block->place + (size_t)i * block->layout.dim, query->q, block->metric.sum, block->layout.dim) <= query->limit;
    }
    return count;
}

static uint64_t count_all(const struct support_block *block, const struct block_query *query)
{
    return count_ranked(block, query, NULL);
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

/* Subsets, orders and subsets of orders, ranks by chance or by place, of which whole subtrees are on one side of a bound. */
static void counts_with_a_sieve(void **state)
{
    static uint32_t rank[ROWS];
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 24; seed++) {
        const uint32_t dim = 1 + (uint32_t)(seed % 3);
        struct support_block block;
        struct block_work work = { 0 };
        struct block_sieve sieve;

        support_block_start(&block, &env, ROWS, dim, (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        support_ok(support_block_build(&block, 2500, 64, &err), &err);
        support_block_remove(&block, 300);
        for (uint32_t i = 0; i < ROWS; i++) {
            const int kept = seed % 4 < 2 || base_random_below(&block.random, 3) > 0;

            rank[i] = seed % 2 ? (uint32_t)base_random_below(&block.random, ROWS) : block.place[(size_t)i * dim] < 0.4 ? 7 : 1700;
            if (!kept) rank[i] = BLOCK_NONE;
        }
        support_ok(block_sieve_make(&sieve, &block.layout, rank, &env.env, &err), &err);
        for (int i = 0; i < 80; i++) {
            const uint32_t a = (uint32_t)base_random_below(&block.random, ROWS), b = (uint32_t)base_random_below(&block.random, ROWS);
            const double *q = block.place + (size_t)a * dim;
            const double limit = i < 20 ? (double)INFINITY : metric_key(&block.metric, q, block.place + (size_t)b * dim);
            const uint32_t below = i % 3 == 0 ? BLOCK_NONE : i % 3 == 1 ? (uint32_t)base_random_below(&block.random, ROWS) : 8;
            const struct block_query query = { q, i % 2 ? a : BLOCK_NONE, limit, &sieve, below };
            const uint64_t right = count_ranked(&block, &query, rank);

            assert_int_equal(block_count(&block.layout, &block.source, &query, UINT64_MAX, &work), right);
            assert_int_equal(block_count(&block.layout, &block.source, &query, 10, &work), right < 10 ? right : 10);
        }
        block_sieve_free(&sieve, &env.env);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Of a ball that holds everything no distance is asked for, whatever the sieve; where it leaves nothing to tell, no rank either. */
static void inside_only_ranks_are_looked_at(void **state)
{
    enum { MANY = 20000 };
    static uint32_t rank[MANY];
    const double middle[2] = { 0.5, 0.5 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, MANY, 2, SUPPORT_UNIFORM, 1);
    for (uint32_t i = 0; i < 2 * MANY; i++) block.place[i] = base_random_unit(&block.random);
    support_ok(support_block_build(&block, MANY, 64, &err), &err);
    for (int by_place = 0; by_place < 2; by_place++) {
        struct block_work work = { 0 };
        struct block_sieve sieve;
        const struct block_query query = { middle, BLOCK_NONE, 4, &sieve, MANY / 2 }, half = { middle, BLOCK_NONE, 0.16, &sieve, MANY / 2 };

        for (uint32_t i = 0; i < MANY; i++) {
            const uint32_t side = block.place[2 * i] < 0.3 ? 0 : MANY - 1;

            rank[i] = by_place ? side : (uint32_t)base_random_below(&block.random, MANY);
        }
        support_ok(block_sieve_make(&sieve, &block.layout, rank, &env.env, &err), &err);
        assert_int_equal(block_count(&block.layout, &block.source, &query, UINT64_MAX, &work), count_ranked(&block, &query, rank));
        assert_true(work.blocks == 0 && work.distances == 0 && work.exact == 0);
        assert_true(by_place ? work.nodes < 15 : work.nodes < MANY / 64 / 10);
        assert_int_equal(block_count(&block.layout, &block.source, &half, UINT64_MAX, &work), count_ranked(&block, &half, rank));
        assert_true(work.blocks > 0 && work.blocks < 100 && work.exact < 100);
        block_sieve_free(&sieve, &env.env);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_a_full_comparison), cmocka_unit_test(far_queries_count_nothing_that_is_outside),
        cmocka_unit_test(what_is_inside_is_not_looked_at), cmocka_unit_test(counts_with_a_sieve),
        cmocka_unit_test(inside_only_ranks_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
