/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/par.h"
#include "support_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MOST = 1 << 20 };

struct pair {
    uint32_t low, high; /* entries */
    double key;
};

/* What each thread was shown. */
struct seen {
    const struct block_layout *layout;
    struct pair *pair[4];
    size_t count[4];
    size_t stop_after; /* 0: never */
};

static int see(void *ctx, int thread, uint32_t a, uint32_t b, double key)
{
    struct seen *seen = ctx;
    const uint32_t *node = seen->layout->node.data;
    const uint32_t x = node[a], y = node[b];

    assert_true(thread >= 0 && thread < 4);
    assert_true(seen->count[thread] < PAIRS_MOST);
    seen->pair[thread][seen->count[thread]++] = (struct pair){ x < y ? x : y, x < y ? y : x, key };
    return seen->stop_after > 0 && seen->count[thread] >= seen->stop_after;
}

static void seen_start(struct seen *seen, const struct block_layout *layout)
{
    *seen = (struct seen){ .layout = layout };
    for (int t = 0; t < 4; t++) {
        seen->pair[t] = malloc(PAIRS_MOST * sizeof(struct pair));
        assert_non_null(seen->pair[t]);
    }
}

static void seen_finish(struct seen *seen)
{
    for (int t = 0; t < 4; t++) free(seen->pair[t]);
}

/* Every pair within the limit was shown once, and no other. */
static void expect_all(const struct seen *seen, const struct support_block *block, double limit)
{
    const uint32_t rows = block->rows, dim = block->metric.dim;
    unsigned char *shown = calloc((size_t)rows * rows, 1);
    size_t wanted = 0, got = 0;

    assert_non_null(shown);
    for (int t = 0; t < 4; t++) {
        for (size_t i = 0; i < seen->count[t]; i++) {
            const struct pair *p = &seen->pair[t][i];

            assert_int_equal(shown[(size_t)p->low * rows + p->high]++, 0);
            assert_true(p->low < p->high && p->key <= limit);
            assert_true(p->key == support_key(block->place + (size_t)p->low * dim, block->place + (size_t)p->high * dim, block->metric.sum, dim));
        }
        got += seen->count[t];
    }
    for (uint32_t a = 0; a < rows; a++) {
        for (uint32_t b = a + 1; b < rows; b++) {
            if (block->reach[a] == -(double)INFINITY || block->reach[b] == -(double)INFINITY) continue;
            wanted += support_key(block->place + (size_t)a * dim, block->place + (size_t)b * dim, block->metric.sum, dim) <= limit;
        }
    }
    assert_int_equal(got, wanted);
    free(shown);
}

static void join(struct support_block *block, double limit)
{
    struct block_work work[4];
    struct pcct_error err = { 0, "" };
    struct seen seen;

    memset(work, 0, sizeof work);
    seen_start(&seen, &block->layout);
    support_ok(block_join(&block->layout, &block->source, limit, see, &seen, work, &err), &err);
    expect_all(&seen, block, limit);
    seen_finish(&seen);
}

static void each_pair_once(void **state)
{
    static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev" };
    static const uint32_t dims[] = { 1, 2, 3, 8, 17 };
    static const int fills[] = { 64, 13 };

    (void)state;
    for (int i = 0; i < 3 * 5 * SUPPORT_SHAPES; i++) {
        const uint32_t dim = dims[i / 3 % 5];
        struct support_env env;
        struct pcct_error err = { 0, "" };
        struct support_block block;

        support_env_start(&env, 1 + i % 4);
        support_block_start(&block, &env, 900, dim, (enum support_shape)(i / 15), (uint64_t)i);
        support_block_metric(&block, metrics[i % 3]);
        support_ok(support_block_build(&block, 600, fills[i % 2], &err), &err);
        for (double limit = 0x1p-40; limit < 1e4; limit *= 0x1p10) join(&block, limit);
        join(&block, 0); /* equal points */
        join(&block, (double)INFINITY);
        support_ok(support_block_insert(&block, 300, &err), &err);
        support_block_remove(&block, 500);
        join(&block, 0.25);
        support_block_finish(&block);
        support_env_finish(&env);
    }
}

/* At so many dimensions there is room for the boxes of one group of blocks only: the join goes on in parts. */
static void in_parts(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 200, METRIC_DIM_MAX, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, 200, 4, &err), &err);
    join(&block, (double)INFINITY);
    join(&block, support_key(block.place, block.place + METRIC_DIM_MAX, METRIC_SQUARES, METRIC_DIM_MAX));
    support_block_finish(&block);
    support_env_finish(&env);
}

static void nothing_to_join(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, 2, 3, SUPPORT_UNIFORM, 5);
    join(&block, 1);
    support_ok(support_block_build(&block, 1, 64, &err), &err);
    join(&block, 1);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void stops_when_told(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work[4];
    struct seen seen;
    size_t shown = 0;

    (void)state;
    support_env_start(&env, 4);
    support_block_start(&block, &env, 900, 3, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, 900, 64, &err), &err);
    memset(work, 0, sizeof work);
    seen_start(&seen, &block.layout);
    seen.stop_after = 10;
    support_ok(block_join(&block.layout, &block.source, (double)INFINITY, see, &seen, work, &err), &err);
    for (int t = 0; t < 4; t++) {
        assert_true(seen.count[t] <= 10 + 4); /* after it has stopped itself a thread sees no more, but of blocks in its piece that began before */
        shown += seen.count[t];
    }
    assert_true(shown >= 10);
    seen_finish(&seen);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Few pairs of a spread cloud cost few blocks: bounds are used. A join that compared all would look at n^2 / 2 pairs. */
static void work_is_local(void **state)
{
    enum { N = 20000 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_work work[4];
    struct seen seen;
    uint64_t distances = 0;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, N, 3, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, N, 64, &err), &err);
    memset(work, 0, sizeof work);
    seen_start(&seen, &block.layout);
    support_ok(block_join(&block.layout, &block.source, 0x1p-12, see, &seen, work, &err), &err);
    for (int t = 0; t < 4; t++) distances += work[t].distances;
    assert_true(distances >= N && distances < UINT64_C(64) * 3 * N);
    seen_finish(&seen);
    support_block_finish(&block);
    support_env_finish(&env);
}

static int join_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_block *block = ctx;
    struct block_work work = { 0, 0, 0, 0 };
    struct seen seen;
    int status;

    (void)env;
    seen_start(&seen, &block->layout);
    status = block_join(&block->layout, &block->source, 1, see, &seen, &work, err);
    if (status == 0) expect_all(&seen, block, 1);
    else assert_int_equal(seen.count[0], 0);
    seen_finish(&seen);
    return status;
}

static void without_memory(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 300, 2, SUPPORT_UNIFORM, 9);
    support_ok(support_block_build(&block, 300, 64, &err), &err);
    assert_true(support_fail_each(&env, join_call, &block) >= 2);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_once),  cmocka_unit_test(in_parts),      cmocka_unit_test(nothing_to_join),
        cmocka_unit_test(stops_when_told), cmocka_unit_test(work_is_local), cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
