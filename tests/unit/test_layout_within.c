/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_sieve.h"

#include "support_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000 };

struct seen {
    const struct support_block *block;
    const double *q;
    char seen[ROWS];
    uint32_t count, stop;
};

static int see(void *ctx, uint32_t node, double key)
{
    struct seen *seen = ctx;

    assert_true(key == metric_key(&seen->block->metric, seen->block->place + (size_t)node * seen->block->metric.dim, seen->q));
    assert_int_equal(seen->seen[node], 0);
    seen->seen[node] = 1;
    return ++seen->count == seen->stop;
}

/* Each entry within the limit that passes, whatever its reach, once; limits are keys of entries. */
static void compare(const struct support_block *block, const struct block_query *query, const uint32_t *rank)
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct block_work work = { 0 };
    uint64_t least = 0;

    assert_non_null(seen);
    seen->block = block;
    seen->q = query->q;
    block_within(&block->layout, &block->source, query, see, seen, &work);
    for (uint32_t i = 0; i < block->rows; i++) {
        const double key = metric_key(&block->metric, block->place + (size_t)i * block->metric.dim, query->q);
        const int wanted = block->reach[i] != -(double)INFINITY && key <= query->limit && i != query->self &&
                           (!query->sieve || rank[i] < query->below);

        assert_int_equal(seen->seen[i], wanted);
        least += (uint64_t)wanted;
    }
    assert_true(work.exact >= least && work.distances >= work.exact && work.blocks * METRIC_LANES >= work.distances);
    free(seen);
}

static void answers_are_those_of_a_full_comparison(void **state)
{
    static const uint32_t dims[] = { 1, 2, 3, 8, 17 };
    static uint32_t rank[ROWS];
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 15; seed++) {
        struct support_block block;
        struct block_sieve sieve;

        support_block_start(&block, &env, ROWS, dims[seed % 5], (enum support_shape)(seed % SUPPORT_SHAPES), seed);
        if (seed >= 10) support_block_metric(&block, seed % 2 ? "manhattan" : "chebyshev");
        support_ok(support_block_build(&block, 2500, 64, &err), &err);
        support_block_remove(&block, 300);
        for (uint32_t i = 0; i < ROWS; i++) rank[i] = (uint32_t)base_random_below(&block.random, 100);
        support_ok(block_sieve_make(&sieve, &block.layout, rank, &env.env, &err), &err);
        for (int i = 0; i < 60; i++) {
            const uint32_t a = (uint32_t)base_random_below(&block.random, ROWS), b = (uint32_t)base_random_below(&block.random, ROWS);
            const double *q = block.place + (size_t)a * block.layout.dim;
            const double limit = i == 0 ? 0 : i == 1 ? (double)INFINITY : metric_key(&block.metric, q, block.place + (size_t)b * block.layout.dim);
            const struct block_query query = { q, i % 2 ? a : BLOCK_NONE, limit, i % 3 ? &sieve : NULL, (uint32_t)i * 2 };

            compare(&block, &query, rank);
        }
        block_sieve_free(&sieve, &env.env);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

static void visiting_can_be_stopped(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct seen *seen = calloc(1, sizeof *seen);
    struct block_work work = { 0 };
    struct block_query query;

    (void)state;
    assert_non_null(seen);
    support_env_start(&env, 1);
    support_block_start(&block, &env, ROWS, 2, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    *seen = (struct seen){ .block = &block, .q = block.place, .stop = 3 };
    query = (struct block_query){ block.place, BLOCK_NONE, (double)INFINITY, NULL, 0 };
    block_within(&block.layout, &block.source, &query, see, seen, &work);
    assert_int_equal(seen->count, 3);
    assert_true(work.blocks == 1 && work.nodes >= 1); /* told even so */
    support_block_finish(&block);
    support_env_finish(&env);
    free(seen);
}

/* Of 3000 points in as many ranks only the blocks that hold the three least are scanned. */
static void subtrees_without_any_are_passed_over(void **state)
{
    static uint32_t rank[ROWS];
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_sieve sieve;
    struct seen *seen = calloc(1, sizeof *seen);
    struct block_work work = { 0 };
    struct block_query query;

    (void)state;
    assert_non_null(seen);
    support_env_start(&env, 1);
    support_block_start(&block, &env, ROWS, 2, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) rank[i] = i * 7 % ROWS == 0 ? 0 : 1 + i;
    support_ok(block_sieve_make(&sieve, &block.layout, rank, &env.env, &err), &err);
    *seen = (struct seen){ .block = &block, .q = block.place };
    query = (struct block_query){ block.place, BLOCK_NONE, (double)INFINITY, &sieve, 3 };
    block_within(&block.layout, &block.source, &query, see, seen, &work);
    assert_true(seen->count >= 2 && seen->count <= 3 && work.blocks >= 1 && work.blocks <= 3);
    block_sieve_free(&sieve, &env.env);
    support_block_finish(&block);
    support_env_finish(&env);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_full_comparison), cmocka_unit_test(visiting_can_be_stopped),
        cmocka_unit_test(subtrees_without_any_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
