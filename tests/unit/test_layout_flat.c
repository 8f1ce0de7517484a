/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_annex.h"
#include "block/layout_flat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000, QUERIES = 42, K_MOST = BLOCK_FLAT_K };

struct scan {
    struct support_block *block;
    struct block_flat flat;
    struct block_flat_some some;
    struct block_work work;
    int made;
};

static void scan_start(struct scan *scan, struct support_block *block, enum block_flat_way way, size_t k)
{
    const struct base_env *env = &block->env->env;
    struct pcct_error err = { 0, "" };

    *scan = (struct scan){ .block = block };
    assert_true(block_flat_may(&block->layout));
    support_ok(block_flat_make(&scan->made, &scan->flat, way, &block->layout, &block->source, env, &err), &err);
    if (scan->made) support_ok(block_flat_some_take(&scan->some, &scan->flat, k, env, &err), &err);
}

static void scan_finish(struct scan *scan)
{
    const struct base_env *env = &scan->block->env->env;

    block_flat_some_free(&scan->some, env);
    block_flat_free(&scan->flat, env);
}

/* The queries of one call, with answers as a search of the blocks has them. Returns how many rows were let through. */
static size_t ask(struct scan *scan, const struct block_query *query, size_t n, size_t k)
{
    const struct support_block *block = scan->block;
    size_t let = 0;

    block_flat_filter(&scan->some, &scan->flat, query, n, k, &scan->work);
    for (size_t i = 0; i < n; i++) {
        struct base_topk_entry got[K_MOST], expected[K_MOST];
        struct block_work work = { 0 };
        struct base_topk top;
        size_t count;

        base_topk_start(&top, expected, k);
        support_block_knn(&top, block, query[i].q, query[i].self, &work);
        base_topk_finish(&top);
        count = top.count;
        base_topk_start(&top, got, k);
        block_flat_decide(&top, &scan->some, &scan->flat, i, &scan->work);
        base_topk_finish(&top);
        assert_int_equal(top.count, count);
        assert_memory_equal(got, expected, count * sizeof *got);
        let += scan->some.near[i].found.count;
    }
    return let;
}

/* Stored ones, which leave themselves out, others about them, and some far outside; one to four at a time. */
static void ask_many(struct scan *scan, size_t k)
{
    struct support_block *block = scan->block;
    const uint32_t dim = block->metric.dim;
    double *place = calloc((size_t)QUERIES * dim, sizeof *place);

    assert_non_null(place);
    for (size_t first = 0, n = 1; first < QUERIES; first += n, n = n % METRIC_FLAT_QUERIES + 1) {
        struct block_query query[METRIC_FLAT_QUERIES];

        if (first + n > QUERIES) n = QUERIES - first;
        for (size_t i = 0; i < n; i++) {
            const uint32_t node = (uint32_t)base_random_below(&block->random, block->rows);
            const int stored = base_random_below(&block->random, 3) == 0;
            const double move = base_random_below(&block->random, 8) == 0 ? 1e3 : 0.01;
            double *q = place + (first + i) * dim;

            for (uint32_t j = 0; j < dim; j++) {
                q[j] = block->place[(size_t)node * dim + j] * (stored ? 1 : 1 + move * base_random_gauss(&block->random));
            }
            query[i] = (struct block_query){ q, stored ? node : BLOCK_NONE, (double)INFINITY, NULL, 0 };
        }
        (void)ask(scan, query, n, k);
    }
    free(place);
}

static void answers_are_those_of_a_search(void **state)
{
    static const uint32_t dims[] = { 1, 2, 3, 5, 8, 17, 32 };
    static const size_t ks[] = { 1, 8, 33, K_MOST };
    static const enum metric_isa isas[] = { METRIC_ISA_BEST, METRIC_ISA_SCALAR, METRIC_ISA_AVX2 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 42; seed++) {
        struct support_block block;
        struct scan scan;

        support_block_start(&block, &env, ROWS, dims[seed % 7], (enum support_shape)((seed / 7) % SUPPORT_SHAPES), seed);
        block.metric.flat = metric_flat_choose(isas[seed % 3]);
        support_ok(support_block_build(&block, seed % 5 == 0 ? 70 : 2500, seed % 2 ? 64 : 40, &err), &err);
        support_block_remove(&block, seed % 5 == 0 ? 50 : 700); /* lanes that are empty, and free blocks */
        for (enum block_flat_way way = BLOCK_FLAT_ALL; way <= BLOCK_FLAT_NEAR; way++) {
            scan_start(&scan, &block, way, ks[seed % 4]);
            assert_true(scan.made);
            ask_many(&scan, ks[seed % 4]);
            scan_finish(&scan);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* A limit that is too wide lets through many, one that is too tight loses some: of normal data few more than are answered are decided, and each block
 * is looked at once; or, by boxes, hardly more than a search looks into. */
static void few_are_let_through(void **state)
{
    enum { N = 20000, DIM = 6, K = 10, CALLS = 50 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, N, DIM, SUPPORT_UNIFORM, 4);
    for (size_t i = 0; i < (size_t)N * DIM; i++) block.place[i] = base_random_gauss(&block.random);
    support_ok(support_block_build(&block, N, 64, &err), &err);
    for (enum block_flat_way way = BLOCK_FLAT_ALL; way <= BLOCK_FLAT_NEAR; way++) {
        struct block_work searched = { 0 };
        struct scan scan;
        size_t let = 0;

        scan_start(&scan, &block, way, K);
        for (uint32_t call = 0; call < CALLS; call++) {
            struct block_query query[METRIC_FLAT_QUERIES];

            for (uint32_t i = 0; i < METRIC_FLAT_QUERIES; i++) {
                const double *q = block.place + (size_t)(call * METRIC_FLAT_QUERIES + i) * DIM;
                struct base_topk_entry entry[K];
                struct base_topk top;

                query[i] = (struct block_query){ q, BLOCK_NONE, (double)INFINITY, NULL, 0 };
                base_topk_start(&top, entry, K);
                support_block_knn(&top, &block, q, BLOCK_NONE, &searched);
            }
            let += ask(&scan, query, METRIC_FLAT_QUERIES, K);
        }
        assert_true(let >= (size_t)K * METRIC_FLAT_QUERIES * CALLS);
        assert_true(let < (size_t)(K + 2) * METRIC_FLAT_QUERIES * CALLS);
        if (way == BLOCK_FLAT_ALL) {
            assert_int_equal(scan.work.blocks, (uint64_t)METRIC_FLAT_QUERIES * CALLS * scan.flat.rows.groups);
            assert_int_equal(scan.work.distances, (uint64_t)METRIC_FLAT_QUERIES * CALLS * N);
            assert_int_equal(scan.work.nodes, 0);
        } else {
            assert_true(scan.work.blocks * 10 < searched.blocks * 13);
            assert_int_equal(scan.work.nodes, (uint64_t)METRIC_FLAT_QUERIES * CALLS * ((scan.flat.rows.groups + 15) / 16));
        }
        scan_finish(&scan);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Whole numbers are steps of 1 here. The query and the nearest point are rounded away from each other on all axes, the query and others that are
 * hardly further towards each other: they seem nearer by all that rounding can do. */
static void rounding_at_its_worst(void **state)
{
    enum { N = 8, DIM = 8, M = 1000 };
    const double most = floor(0x1p14 / sqrt(DIM)) - 1;
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct scan scan;
    double q[DIM];

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, N, DIM, SUPPORT_UNIFORM, 4);
    for (int j = 0; j < DIM; j++) {
        q[j] = 0.49;
        block.place[0 * DIM + j] = most;
        block.place[1 * DIM + j] = -most;
        block.place[2 * DIM + j] = M + 0.501;
        for (int i = 3; i < N; i++) block.place[i * DIM + j] = -M - 0.499 + (j > 0);
    }
    support_ok(support_block_build(&block, N, 1, &err), &err); /* each in a block of its own */
    for (enum block_flat_way way = BLOCK_FLAT_ALL; way <= BLOCK_FLAT_NEAR; way++) {
        scan_start(&scan, &block, way, 1);
        assert_true(scan.made && scan.flat.step == 1);
        assert_int_equal(ask(&scan, &(struct block_query){ q, BLOCK_NONE, (double)INFINITY, NULL, 0 }, 1, 1), N - 2);
        scan_finish(&scan);
    }
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Of any size; a lattice and equal points, whose ties labels decide; sizes that one frame cannot tell apart, which are all let through or refused. */
static void awkward_places(void **state)
{
    enum { N = 1500, KINDS = 8 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (int kind = 0; kind < KINDS; kind++) {
        for (uint32_t dim = 1; dim <= 4; dim++) {
            struct support_block block;
            struct scan scan;

            support_block_start(&block, &env, N, dim, SUPPORT_UNIFORM, (uint64_t)kind);
            for (size_t i = 0; i < (size_t)N * dim; i++) {
                double *x = &block.place[i];

                if (kind == 0) *x *= 1e150;
                if (kind == 1) *x *= 1e-150;
                if (kind == 2) *x = floor(4 * *x);
                if (kind == 3) *x = 0.1;
                if (kind == 4) *x = ldexp(*x, (int)base_random_below(&block.random, 900) - 450);
                if (kind == 5) *x *= 1e-310;
                if (kind == 6) *x = i < 2 * dim ? 1e9 : *x; /* an outlier */
                if (kind == 7) *x = 1e6 + *x * 1e-6;        /* more places than floats have */
            }
            support_ok(support_block_build(&block, N, 64, &err), &err);
            scan_start(&scan, &block, dim % 2 ? BLOCK_FLAT_NEAR : BLOCK_FLAT_ALL, 9);
            assert_int_equal(scan.made, kind != 1 && kind != 3 && kind != 5); /* the filter's scale has an end, too */
            if (scan.made) ask_many(&scan, 9);
            scan_finish(&scan);
            support_block_finish(&block);
        }
    }
    support_env_finish(&env);
}

/* Points of 160 numbers that fewer decide, the first ones most. */
static void views_start(struct support_block *block, struct support_env *env, uint32_t rows, uint64_t seed)
{
    enum { DIM = 160, NUMBERS = 120 };
    double *turn = calloc((size_t)NUMBERS * DIM, sizeof *turn);

    assert_non_null(turn);
    support_block_start(block, env, rows, DIM, SUPPORT_UNIFORM, seed);
    block->layout.rotates = 1;
    for (int i = 0; i < NUMBERS * DIM; i++) turn[i] = base_random_gauss(&block->random) / (1 + i / DIM * 0.06);
    memset(block->place, 0, (size_t)rows * DIM * sizeof *block->place);
    for (uint32_t i = 0; i < rows; i++) {
        double *x = block->place + (size_t)i * DIM;

        if (i % 25 == 24) { /* twice there, though not so many that there would be no views */
            memcpy(x, x - DIM, DIM * sizeof *x);
            continue;
        }
        for (int h = 0; h < NUMBERS; h++) {
            const double times = base_random_gauss(&block->random);

            for (int j = 0; j < DIM; j++) x[j] += times * turn[h * DIM + j];
        }
    }
    free(turn);
}

static void answers_by_views(void **state)
{
    static const size_t ks[] = { 1, 7, K_MOST };
    static const enum metric_isa isas[] = { METRIC_ISA_BEST, METRIC_ISA_SCALAR, METRIC_ISA_AVX2 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 9; seed++) {
        struct support_block block;
        struct scan scan;

        views_start(&block, &env, ROWS, seed);
        block.metric.flat = metric_flat_choose(isas[seed / 3]);
        support_ok(support_block_build(&block, seed == 8 ? 1100 : 2500, 64, &err), &err);
        assert_true(block.layout.fine > 2 * METRIC_FLAT_PAIRS);
        support_block_remove(&block, seed == 8 ? 1050 : 500);
        scan_start(&scan, &block, BLOCK_FLAT_ALL, ks[seed % 3]);
        assert_true(scan.made);
        ask_many(&scan, ks[seed % 3]);
        scan_finish(&scan);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* More are asked for than there are columns, or k is all but what there is: what rounding takes is allowed for all the same. */
static void hardly_more_than_the_answer(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct support_block block;
        struct scan scan;
        const size_t k = seed % 2 ? K_MOST : 40;

        support_block_start(&block, &env, 100, seed % 3 ? 12 : 1, SUPPORT_UNIFORM, seed);
        support_ok(support_block_build(&block, 45 + 5 * (uint32_t)seed, 64, &err), &err);
        scan_start(&scan, &block, seed / 2 % 2 ? BLOCK_FLAT_NEAR : BLOCK_FLAT_ALL, k);
        assert_true(scan.made);
        ask_many(&scan, k);
        scan_finish(&scan);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* So near each other, for where they are, that the middle is rounded by more than a step: the ends are no further from it for that. */
static void far_from_the_origin(void **state)
{
    enum { N = 100 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (uint32_t dim = 1; dim <= 9; dim++) {
        struct support_block block;
        struct scan scan;

        support_block_start(&block, &env, N, dim, SUPPORT_UNIFORM, dim);
        for (size_t i = 0; i < (size_t)N * dim; i++) block.place[i] = i / dim % 2 ? 1 + 0x1p-40 + 0x1p-52 : 1;
        support_ok(support_block_build(&block, N, 64, &err), &err);
        scan_start(&scan, &block, dim % 2 ? BLOCK_FLAT_NEAR : BLOCK_FLAT_ALL, K_MOST);
        assert_true(scan.made);
        for (size_t l = 0; l < scan.flat.rows.groups * METRIC_LANES; l++) {
            assert_true(scan.flat.rows.square[l] == METRIC_FLAT_EMPTY || scan.flat.rows.square[l] <= METRIC_FLAT_MOST / 4);
        }
        ask_many(&scan, K_MOST);
        scan_finish(&scan);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* The columns of a first look stay within the room that there is for what is found, whatever k and however many groups there are. */
static void columns_have_room(struct scan *scan, size_t k)
{
    enum { BEYOND = 4096 };
    const float untouched = 12345;

    for (int i = 0; i < METRIC_FLAT_QUERIES; i++) {
        struct block_near *near = &scan->some.near[i];
        const size_t room = near->capacity + BLOCK_NEAR_BEHIND;
        float *own = near->found.value, *value = aligned_alloc(64, (room + BEYOND) / 16 * 64 + 64);

        assert_non_null(value);
        for (size_t j = 0; j < room + BEYOND; j++) value[j] = untouched;
        near->found.value = value;
        ask_many(scan, k);
        for (size_t j = room; j < room + BEYOND; j++) assert_true(value[j] == untouched);
        near->found.value = own;
        free(value);
    }
}

static void many_groups(void **state)
{
    enum { N = 3000, FILL = 24 };
    static const size_t ks[] = { 1, 16, 33, 57, K_MOST };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (int views = 0; views < 2; views++) {
        struct support_block block;

        if (views) views_start(&block, &env, N, 6);
        else support_block_start(&block, &env, N, 4, SUPPORT_UNIFORM, 6);
        support_ok(support_block_build(&block, N, FILL, &err), &err);
        for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
            struct scan scan;

            scan_start(&scan, &block, views || i % 2 == 0 ? BLOCK_FLAT_ALL : BLOCK_FLAT_NEAR, ks[i]);
            assert_true(scan.made && scan.flat.rows.groups >= 125);
            columns_have_room(&scan, ks[i]);
            scan_finish(&scan);
        }
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* What is far beyond the sample that views are made by cannot be told from what else is. */
static void views_too_long(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct scan scan;

    (void)state;
    support_env_start(&env, 1);
    views_start(&block, &env, ROWS, 4);
    support_ok(support_block_build(&block, 2500, 64, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        if (support_block_has(block.reach, i)) continue;
        for (uint32_t j = 0; j < block.metric.dim; j++) block.place[(size_t)i * block.metric.dim + j] *= 1000;
    }
    support_ok(support_block_insert(&block, 1, &err), &err);
    scan_start(&scan, &block, BLOCK_FLAT_ALL, 1);
    assert_false(scan.made);
    scan_finish(&scan);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Coordinates of hardly more than the answers are compared: the first look tells nearly all from one another. */
static void views_spare_keys(void **state)
{
    enum { K = 10, CALLS = 25 };
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct scan scan;

    (void)state;
    support_env_start(&env, 1);
    views_start(&block, &env, ROWS, 5);
    support_ok(support_block_build(&block, 2500, 64, &err), &err);
    scan_start(&scan, &block, BLOCK_FLAT_ALL, K);
    for (uint32_t call = 0; call < CALLS; call++) {
        struct block_query query[METRIC_FLAT_QUERIES];

        for (uint32_t i = 0; i < METRIC_FLAT_QUERIES; i++) {
            const double *q = block.place + (size_t)(call * METRIC_FLAT_QUERIES + i) * block.metric.dim;

            query[i] = (struct block_query){ q, BLOCK_NONE, (double)INFINITY, NULL, 0 };
        }
        (void)ask(&scan, query, METRIC_FLAT_QUERIES, K);
    }
    assert_int_equal(scan.work.blocks, (uint64_t)METRIC_FLAT_QUERIES * CALLS * scan.flat.rows.groups);
    assert_true(scan.work.exact < 2 * (uint64_t)K * METRIC_FLAT_QUERIES * CALLS);
    scan_finish(&scan);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void where_there_is_none(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (int kind = 0; kind < 4; kind++) {
        struct support_block block;

        support_block_start(&block, &env, ROWS, kind == 1 ? 2 * METRIC_FLAT_PAIRS + 1 : 20, SUPPORT_UNIFORM, 1);
        if (kind == 2) support_block_metric(&block, "manhattan");
        if (kind == 3) support_block_views(&block, 3, SUPPORT_CLUSTERS, 1, 0, 0);
        if (kind > 0) support_ok(support_block_build(&block, ROWS, 64, &err), &err);
        assert_false(block_flat_may(&block.layout));
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* Few blocks of many are no reason to look at all, a part is one to look at all boxes; and a few queries are not worth making ready for. */
static void when_it_pays(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 20000, 8, SUPPORT_UNIFORM, 2);
    support_ok(support_block_build(&block, 20000, 64, &err), &err);
    assert_int_equal(block_flat_best(&block.layout, 4, 1000, 8), BLOCK_FLAT_NONE);
    assert_int_equal(block_flat_best(&block.layout, block.layout.blocks / 8, 1000, 8), BLOCK_FLAT_NEAR);
    assert_int_equal(block_flat_best(&block.layout, block.layout.blocks / 2, 1000, 8), BLOCK_FLAT_ALL);
    assert_int_equal(block_flat_best(&block.layout, block.layout.blocks / 8, 8, 8), BLOCK_FLAT_NONE);
    support_block_finish(&block);
    support_env_finish(&env);
}

struct making {
    struct support_block *block;
    struct block_flat flat;
    enum block_flat_way way;
};

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct making *making = ctx;
    int made = 0;
    const int status = block_flat_make(&made, &making->flat, making->way, &making->block->layout, &making->block->source, env, err);

    assert_int_equal(made, status == 0);
    block_flat_free(&making->flat, env);
    return status;
}

static void no_memory(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct making making = { .block = &block };

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 1000, 3, SUPPORT_UNIFORM, 2);
    support_ok(support_block_build(&block, 1000, 64, &err), &err);
    making.way = BLOCK_FLAT_ALL;
    assert_int_equal(support_fail_each(&env, make, &making), 3);
    making.way = BLOCK_FLAT_NEAR;
    assert_int_equal(support_fail_each(&env, make, &making), 5);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_search), cmocka_unit_test(few_are_let_through), cmocka_unit_test(rounding_at_its_worst),
        cmocka_unit_test(awkward_places),                cmocka_unit_test(where_there_is_none), cmocka_unit_test(when_it_pays),
        cmocka_unit_test(no_memory),                     cmocka_unit_test(answers_by_views),   cmocka_unit_test(views_too_long),
        cmocka_unit_test(views_spare_keys),              cmocka_unit_test(many_groups),         cmocka_unit_test(far_from_the_origin),
        cmocka_unit_test(hardly_more_than_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
