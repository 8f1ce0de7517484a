/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/settle.h"

#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A state and the naive tree beside it. */
struct pair {
    struct support_env env;
    struct metric metric;
    struct index_state state;
    struct support_tree tree;
};

static void start(struct pair *p, const char *metric, uint32_t dim, int threads, uint64_t seed)
{
    struct pcct_error err = { 0, "" };

    support_env_start(&p->env, threads);
    support_ok(metric_init(&p->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    index_init(&p->state, &p->env.env, &p->metric, seed);
    support_tree_start(&p->tree, &p->metric, seed);
}

static void finish(struct pair *p)
{
    index_free(&p->state);
    support_tree_free(&p->tree);
    support_env_finish(&p->env);
}

static void grow(struct pair *p, enum support_kind kind, size_t n, uint64_t seed)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;

    support_batch_start(&batch, &p->metric, kind, p->state.n, n, NULL, 0, seed);
    support_plan(&p->state, &batch.tree);
    support_tree_update(&p->tree, &batch.tree);
    support_batch_free(&batch);
    support_tree_expect(&p->tree, &p->state);
    support_ok(index_check(&p->state, &err), &err);
}

static void levels_come_from_the_key(void **test)
{
    struct metric metric, plain;

    (void)test;
    assert_int_equal(metric_init(&metric, "euclidean", 2, METRIC_ISA_BEST, NULL), 0);
    assert_int_equal(metric_init(&plain, "manhattan", 2, METRIC_ISA_BEST, NULL), 0);
    assert_int_equal(tree_level_of(&metric, 0), INDEX_LEVEL_TWIN);
    assert_int_equal(tree_level_of(&metric, 1), INDEX_LEVEL_BIAS - 1);                   /* d = 1 = 2^0 */
    assert_int_equal(tree_level_of(&metric, nextafter(1, 2)), INDEX_LEVEL_BIAS);         /* just above 2^0: within 2^1 */
    assert_int_equal(tree_level_of(&metric, 4), INDEX_LEVEL_BIAS);
    assert_int_equal(tree_level_of(&metric, nextafter(4, 5)), INDEX_LEVEL_BIAS + 1);     /* its rounded root is 2: the key decides */
    assert_int_equal(tree_level_of(&metric, nextafter(4, 3)), INDEX_LEVEL_BIAS);
    assert_int_equal(tree_level_of(&metric, 0x1p-1074), INDEX_LEVEL_BIAS - 538);
    assert_int_equal(tree_level_of(&plain, 0), INDEX_LEVEL_TWIN);
    assert_int_equal(tree_level_of(&plain, 4), INDEX_LEVEL_BIAS + 1);
    assert_int_equal(tree_level_of(&plain, nextafter(4, 5)), INDEX_LEVEL_BIAS + 2);
    assert_int_equal(tree_level_of(&plain, 0x1p-1074), 1); /* the least level that there is */
}

static void three_points_by_hand(void **test)
{
    /* Seed 0 gives some order; whatever it is, 0 and 10 are 10 apart and 1 hangs on 0. */
    const double points[3] = { 0, 10, 1 };
    const int64_t labels[3] = { 7, 8, 9 };
    struct tree_batch one = { .points = points, .labels = labels, .n_insert = 1 };
    struct tree_batch two = { .points = points + 1, .labels = labels + 1, .n_insert = 1 };
    struct tree_batch three = { .points = points + 2, .labels = labels + 2, .n_insert = 1 };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 1, 0);
    support_plan(&p.state, &one);
    support_plan(&p.state, &two);
    support_plan(&p.state, &three);
    assert_int_equal(p.state.root, 0);
    assert_int_equal(index_parent(&p.state)[1], 0);
    assert_int_equal(index_level(&p.state)[1], INDEX_LEVEL_BIAS + 3); /* 8 < 10 <= 16 */
    assert_int_equal(index_parent(&p.state)[2], 0);
    assert_int_equal(index_level(&p.state)[2], INDEX_LEVEL_BIAS - 1); /* d = 1 */
    assert_int_equal(index_level(&p.state)[0], INDEX_LEVEL_BIAS + 4);
    finish(&p);
}

/* Both ends of the range of levels in one tree of the greatest dimension: corners as far apart as can be, and points at the least distances. */
static void the_whole_range_of_levels(void **test)
{
    enum { DIM = METRIC_DIM_MAX, N = 8 };
    const double corner = 0x1.fffffffffffffp499, least = 0x1p-1074;
    const double first[N] = { 0, least, 2 * least, -0.0, 0x1p-1022, 0x1p-1021, 1, -least };
    double *points = calloc((size_t)(N + 2) * DIM, sizeof *points);
    const int64_t labels[N + 2] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    const uint32_t dead[] = { 0, 4 };
    int corners[2] = { 0, 0 };

    (void)test;
    assert_non_null(points);
    for (size_t i = 0; i < N; i++) points[i * DIM] = first[i];
    for (size_t j = 0; j < DIM; j++) points[N * DIM + j] = -(points[(N + 1) * DIM + j] = corner);
    for (uint64_t seed = 0; seed < 40; seed++) {
        const struct tree_batch grown = { .points = points, .labels = labels, .n_insert = N + 2 }, shrunk = { .dead = dead, .n_delete = 2 };
        struct pcct_error err = { 0, "" };
        struct pair p;

        start(&p, seed % 2 ? "manhattan" : "chebyshev", DIM, 1, seed);
        support_plan(&p.state, &grown);
        support_tree_update(&p.tree, &grown);
        support_tree_expect(&p.tree, &p.state);
        support_ok(index_check(&p.state, &err), &err);
        assert_int_equal(p.state.twins, 1);
        assert_true(p.state.level_count[1] >= 3); /* the least level: at less than 2^-1022 from their parent */
        if (p.state.root >= N) {
            assert_int_equal(index_level(&p.state)[p.state.root], INDEX_LEVEL_BIAS + (seed % 2 ? METRIC_LEVEL_MAX : 501));
            corners[seed % 2]++;
        }
        support_plan(&p.state, &shrunk);
        support_tree_update(&p.tree, &shrunk);
        support_tree_expect(&p.tree, &p.state);
        support_ok(index_check(&p.state, &err), &err);
        finish(&p);
    }
    assert_true(corners[0] > 0 && corners[1] > 0);
    free(points);
}

static void equal_to_insertion_one_by_one(void **test)
{
    static const size_t sizes[] = { 1, 7, 64, 1000 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (size_t s = 0; s < 4; s++) {
            for (size_t d = 0; d < SUPPORT_SPACES; d++) {
                const struct support_space *space = &support_spaces[d];
                int threads = 1 + (int)(s + d) % 2;
                uint64_t seed = 100 + s * 10 + d;
                size_t done = 0, total = sizes[s] < 64 ? 120 : 1100;
                struct pair p;

                start(&p, space->metric, space->dim, threads, seed << 33 | seed);
                while (done < total) {
                    size_t n = done + sizes[s] > total ? total - done : sizes[s];

                    grow(&p, (enum support_kind)kind, n, seed);
                    done += n;
                }
                finish(&p);
            }
        }
    }
}

/* Every new point is nearer to all the others than to the tree: the conflict graph is complete, so the budget is passed and the batch is cut. */
static void dominated_batches(void **test)
{
    (void)test;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct pair p;
        struct pcct_error err = { 0, "" };
        double points[3000], far[4] = { 1000, 0, -1000, 0 };
        int64_t labels[1500], far_labels[2] = { -5, -6 };
        struct tree_batch batch = { .points = points, .labels = labels, .n_insert = 1500 };
        struct tree_batch before = { .points = far, .labels = far_labels, .n_insert = 2 };
        struct base_random random;

        start(&p, "euclidean", 2, threads, 9);
        base_random_seed(&random, 77);
        for (size_t i = 0; i < 3000; i++) points[i] = 1e-3 * base_random_gauss(&random);
        for (int i = 0; i < 1500; i++) labels[i] = i;
        support_plan(&p.state, &before);
        support_tree_update(&p.tree, &before);
        grow(&p, SUPPORT_GAUSS, 1400, 5);
        for (size_t i = 0; i < 3000; i++) points[i] += 500; /* and now a tight ball far from a tree that is large: one chunk */
        for (int i = 0; i < 1500; i++) labels[i] = 100000 + i;
        support_plan(&p.state, &batch);
        support_tree_update(&p.tree, &batch);
        support_tree_expect(&p.tree, &p.state);
        support_ok(index_check(&p.state, &err), &err);
        finish(&p);
    }
}

/* 10^5 equal points: all are twins of one, so there is one list of 10^5 children. Were anything here quadratic, the test would not end in time. */
static void a_hundred_thousand_twins(void **test)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct pair p;
    uint32_t dead = 0;
    struct tree_batch rest;

    (void)test;
    start(&p, "euclidean", 3, 2, 4);
    support_batch_start(&batch, &p.metric, SUPPORT_EQUAL, 0, 100000, NULL, 0, 1);
    support_plan(&p.state, &batch.tree);
    assert_int_equal(p.state.twins, 99999);
    support_ok(index_check(&p.state, &err), &err);
    dead = p.state.root;
    rest = (struct tree_batch){ .dead = &dead, .n_delete = 1 };
    support_plan(&p.state, &rest);
    assert_int_equal(p.state.root, dead == 0 ? 1 : 0); /* the least-numbered twin */
    assert_int_equal(p.state.twins, 99998);
    support_ok(index_check(&p.state, &err), &err);
    support_batch_free(&batch);
    finish(&p);
}

/* One point a level over all levels that coordinates can span: every item of the batch waits for the one before it. */
static void the_longest_chain(void **test)
{
    struct pcct_error err = { 0, "" };
    double points[1030];
    int64_t labels[1030];
    struct tree_batch batch = { .points = points, .labels = labels, .n_insert = 1030 };

    (void)test;
    for (int i = 0; i < 1030; i++) {
        points[i] = ldexp(1, 499 - i);
        labels[i] = i;
    }
    for (int threads = 1; threads <= 2; threads++) {
        struct pair p;

        start(&p, "euclidean", 1, threads, 3);
        support_plan(&p.state, &batch);
        support_tree_update(&p.tree, &batch);
        support_tree_expect(&p.tree, &p.state);
        support_ok(index_check(&p.state, &err), &err);
        finish(&p);
    }
}

struct stop {
    int calls, at;
};

static int stop_at(void *ctx, double done)
{
    struct stop *stop = ctx;

    assert_true(done >= 0 && done <= 1);
    return ++stop->calls == stop->at;
}

static void progress_stops_it(void **test)
{
    struct pcct_error err = { 0, "" };
    struct stop stop = { 0, 3 };
    struct base_watch watch;
    struct support_batch batch;
    struct pair p;

    (void)test;
    start(&p, "euclidean", 2, 1, 3);
    support_batch_start(&batch, &p.metric, SUPPORT_GAUSS, 0, 3000, NULL, 0, 1);
    base_watch_begin(&watch, NULL, stop_at, &stop);
    p.env.env.watch = &watch;
    assert_int_equal(tree_update(&p.state, &batch.tree, &err), PCCT_E_CANCELLED);
    assert_int_equal(err.code, PCCT_E_CANCELLED);
    assert_int_equal(stop.calls, 3);
    p.env.env.watch = NULL;
    base_watch_end(&watch, &p.env.env);
    support_batch_free(&batch);
    finish(&p);
}

/* tree_settle() by itself: the empty list changes nothing; the order of the list, not of the numbers, decides. */
static void the_list_decides(void **test)
{
    const double points[4] = { 0, 1, 2, 3 };
    const int64_t labels[4] = { 0, 1, 2, 3 };
    const uint32_t order[4] = { 2, 0, 3, 1 };
    const struct tree_batch batch = { 0 };
    struct pcct_error err = { 0, "" };
    struct pair p;

    (void)test;
    start(&p, "euclidean", 1, 1, 3);
    support_ok(tree_settle(&p.state, NULL, 0, &batch, &err), &err);
    assert_int_equal(p.state.root, INDEX_NONE);
    support_ok(index_append(&p.state, points, labels, 4, &err), &err);
    support_ok(tree_settle(&p.state, order, 4, &batch, &err), &err);
    assert_int_equal(p.state.root, 2);
    assert_int_equal(index_parent(&p.state)[0], 2); /* 2 away: level 0 */
    assert_int_equal(index_level(&p.state)[0], INDEX_LEVEL_BIAS);
    assert_int_equal(index_parent(&p.state)[3], 2);
    assert_int_equal(index_parent(&p.state)[1], 0); /* 1 away from 0, of level 0, and from 2, the root: the lesser number */
    assert_int_equal(index_level(&p.state)[1], INDEX_LEVEL_BIAS - 1);
    finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_come_from_the_key), cmocka_unit_test(the_whole_range_of_levels), cmocka_unit_test(three_points_by_hand),
        cmocka_unit_test(the_list_decides),
        cmocka_unit_test(equal_to_insertion_one_by_one), cmocka_unit_test(dominated_batches), cmocka_unit_test(a_hundred_thousand_twins),
        cmocka_unit_test(the_longest_chain), cmocka_unit_test(progress_stops_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
