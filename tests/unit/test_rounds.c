/* SPDX-License-Identifier: Apache-2.0 */
#include "support_bulk.h"

#include "index/rows.h"

#include <stdlib.h>

/* What one scale comes to, one by one: the first of each ball is accepted, the others hang on the nearest accepted before them (ties: least node). */
static size_t expect_scale(const struct support_bulk *b, const char *stays, int scale)
{
    const struct metric *metric = &b->metric;
    const double limit = metric_reach(metric, scale);
    uint32_t *accepted = calloc(b->bulk.n + 1, sizeof *accepted);
    size_t n = 0;

    assert_non_null(accepted);
    for (size_t i = 0; i < b->bulk.n; i++) {
        const uint32_t node = b->order[i];
        uint32_t parent = INDEX_NONE;
        double best = limit;

        for (size_t k = 0; k < n; k++) {
            const double key = support_key(index_place(&b->state, node), index_place(&b->state, accepted[k]), metric->sum, metric->dim);

            if (key < best || (key == best && accepted[k] < parent)) {
                best = key;
                parent = accepted[k];
            }
        }
        assert_int_equal(stays[node], parent == INDEX_NONE);
        if (parent == INDEX_NONE) {
            accepted[n++] = node;
            continue;
        }
        assert_int_equal(index_parent(&b->state)[node], parent);
        assert_int_equal(index_level(&b->state)[node], scale - 1 + INDEX_LEVEL_BIAS);
        assert_true(index_pdist(&b->state)[node] == metric_inner(metric, best));
    }
    free(accepted);
    return n;
}

static void run(struct support_bulk *b, int scale)
{
    char *stays = calloc(b->bulk.n + 1, 1);
    struct pcct_error err = { 0, "" };

    assert_non_null(stays);
    b->bulk.scale = scale - 1;
    support_ok(tree_bulk_rounds(&b->bulk, &err), &err);
    assert_int_equal(b->bulk.scale, scale);
    for (size_t i = 0; i < b->bulk.n_left; i++) stays[b->bulk.left[i]]++;
    assert_int_equal(expect_scale(b, stays, scale), b->bulk.n_left);
    free(stays);
}

/* Points of a lattice of step 1 with gaps are more than 2^-1 apart: the next scale, 0, has 2 d neighbours at exactly its distance; the one after, 1,
 * when the lattice's step is taken for 2^0 + a little, has all within 2. Ties abound. */
static void lattices(void **test)
{
    enum { SIDE = 12, N = SIDE * SIDE * SIDE };
    static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev" };
    static const double steps[] = { 1, 1.01, 1.99 };
    double *points = calloc(3 * N, sizeof *points);

    (void)test;
    assert_non_null(points);
    for (int m = 0; m < 3; m++) {
        for (int s = 0; s < 3; s++) {
            struct support_bulk b;

            for (int i = 0; i < N; i++) {
                points[3 * i] = steps[s] * (i % SIDE);
                points[3 * i + 1] = steps[s] * (i / SIDE % SIDE);
                points[3 * i + 2] = steps[s] * (i / SIDE / SIDE);
            }
            support_bulk_start(&b, metrics[m], 3, points, N, 1 + m, 40 + (uint64_t)(m * 3 + s));
            run(&b, s == 0 ? 0 : 1);
            assert_true(b.bulk.n_left < N && b.bulk.n_left > 10);
            support_bulk_finish(&b);
        }
    }
    free(points);
}

/* Corners of a cube of 128 dimensions, about half of all pairs within the scale: the first prefix has more pairs than the budget and is halved. */
static void prefixes_are_halved(void **test)
{
    enum { N = 64 * 700, DIM = 128 };
    double *points = calloc((size_t)N * DIM, sizeof *points);
    struct base_random random;
    struct support_bulk b;

    (void)test;
    assert_non_null(points);
    base_random_seed(&random, 9);
    for (size_t i = 0; i < (size_t)N * DIM; i++) points[i] = base_random_below(&random, 2) ? 1 : -1;
    support_bulk_start(&b, "euclidean", DIM, points, N, 2, 3);
    run(&b, 4); /* key 256: at most 64 of 128 corners differ; at 2^3 it would be 16, which does not happen */
    assert_true(b.bulk.n_left < N / 100);
    support_bulk_finish(&b);
    free(points);
}


static int rounds_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_bulk *b = ctx;
    int status = 0;

    (void)env;
    b->bulk.scale = -1;
    for (size_t i = 0; i < b->bulk.n; i++) b->bulk.left[i] = (uint32_t)i;
    b->bulk.n_left = b->bulk.n;
    status = tree_bulk_rounds(&b->bulk, err);
    for (int t = 0; t < 256; t++) base_vector_free(&b->bulk.pair[t], &b->env.env);
    base_vector_free(&b->bulk.grouped, &b->env.env);
    base_arena_free(&b->bulk.arena);
    return status;
}

static void without_memory(void **test)
{
    enum { N = 700 };
    double points[N];
    struct support_bulk b;

    (void)test;
    for (int i = 0; i < N; i++) points[i] = i * 0.6;
    support_bulk_start(&b, "euclidean", 1, points, N, 1, 3);
    assert_true(support_fail_each(&b.env, rounds_call, &b) >= 20);
    assert_true(b.bulk.n_left < N);
    support_bulk_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lattices),
        cmocka_unit_test(prefixes_are_halved),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
