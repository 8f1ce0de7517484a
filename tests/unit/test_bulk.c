/* SPDX-License-Identifier: Apache-2.0 */
#include "support_bulk.h"

#include "index/digest.h"

#include <stdlib.h>
#include <string.h>

/* One tree from nothing, by one builder. */
struct built {
    struct support_env env;
    struct metric metric;
    struct index_state state;
};

static void build(struct built *b, const struct support_space *space, struct tree_batch batch, enum tree_builder builder, enum tree_route route,
                  int threads, uint64_t seed)
{
    struct pcct_error err = { 0, "" };

    support_env_start(&b->env, threads);
    support_ok(metric_init(&b->metric, space->metric, space->dim, METRIC_ISA_BEST, &err), &err);
    index_init(&b->state, &b->env.env, &b->metric, seed);
    batch.builder = builder;
    batch.route = route;
    support_plan(&b->state, &batch);
}

static void drop(struct built *b)
{
    index_free(&b->state);
    support_env_finish(&b->env);
}

static const struct support_space spaces[] = {
    { "euclidean", 1 }, { "euclidean", 2 }, { "euclidean", 3 }, { "euclidean", 8 }, { "euclidean", 16 }, { "haversine", 2 },
    { "manhattan", 3 }, { "chebyshev", 2 }, { "cosine", 3 },    { "angular", 4 },
};
enum { SPACES = sizeof spaces / sizeof *spaces };

/* Prefixes, scales, threads, and insertion one by one by the naive tree: every node has one level and one parent, and all else follows. */
static void one_tree_by_all_ways(void **test)
{
    enum { N = 1500 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (int s = 0; s < SPACES; s++) {
            uint64_t seed = (uint64_t)(kind * SPACES + s) * 77 + 5;
            struct pcct_error err = { 0, "" };
            struct built prefixes, scales, more;
            struct support_batch batch;
            struct support_tree naive;
            struct metric metric;

            support_ok(metric_init(&metric, spaces[s].metric, spaces[s].dim, METRIC_ISA_BEST, &err), &err);
            support_batch_start(&batch, &metric, (enum support_kind)kind, 0, N, NULL, 0, seed);
            support_tree_start(&naive, &metric, seed);
            support_tree_update(&naive, &batch.tree);
            build(&prefixes, &spaces[s], batch.tree, TREE_BY_PREFIXES, TREE_ROUTE_HILBERT, 1, seed);
            build(&scales, &spaces[s], batch.tree, TREE_BY_SCALES, TREE_ROUTE_HILBERT, 1, seed);
            build(&more, &spaces[s], batch.tree, TREE_BY_SCALES, TREE_ROUTE_HILBERT, 3, seed);
            support_tree_expect(&naive, &scales.state);
            support_state_equal(&prefixes.state, &scales.state);
            support_state_equal(&more.state, &scales.state);
            support_ok(index_check(&scales.state, &err), &err);
            drop(&more);
            drop(&scales);
            drop(&prefixes);
            support_tree_free(&naive);
            support_batch_free(&batch);
        }
    }
}

/* Enough points for several joins, rounds and the rest, by scales, by what the points choose and by prefixes. */
static void many_steps(void **test)
{
    enum { N = 5000 };
    static const enum support_kind kinds[] = { SUPPORT_GAUSS, SUPPORT_BOX, SUPPORT_BALLS, SUPPORT_LATTICE, SUPPORT_DECADES, SUPPORT_LINE };

    (void)test;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (int s = 0; s < SPACES; s += 1 + (k > 1)) {
            uint64_t seed = (uint64_t)(k * SPACES) + (uint64_t)s;
            struct pcct_error err = { 0, "" };
            struct built prefixes, scales, chosen;
            struct support_batch batch;
            struct metric metric;

            support_ok(metric_init(&metric, spaces[s].metric, spaces[s].dim, METRIC_ISA_BEST, &err), &err);
            support_batch_start(&batch, &metric, kinds[k], 0, N, NULL, 0, seed);
            build(&prefixes, &spaces[s], batch.tree, TREE_BY_PREFIXES, TREE_ROUTE_NATURAL, 2, seed);
            build(&scales, &spaces[s], batch.tree, TREE_BY_SCALES, TREE_ROUTE_HILBERT, 2, seed);
            build(&chosen, &spaces[s], batch.tree, TREE_BY_DATA, TREE_ROUTE_RANDOM, 1, seed);
            support_state_equal(&prefixes.state, &scales.state);
            support_state_equal(&prefixes.state, &chosen.state);
            support_ok(index_check(&scales.state, &err), &err);
            drop(&chosen);
            drop(&scales);
            drop(&prefixes);
            support_batch_free(&batch);
        }
    }
}

/* Whether scales are taken for n points, which nothing but the points decides; when they are not, the state is as before. */
static int taken_by(const double *points, uint32_t dim, size_t n, int threads)
{
    struct pcct_error err = { 0, "" };
    struct support_bulk b;
    int taken = 0;

    support_bulk_start(&b, "euclidean", dim, points, n, threads, 6);
    support_ok(tree_bulk_settle(&taken, &b.state, b.order, n, &b.batch, &err), &err);
    assert_int_equal(b.state.layout.entries, taken ? n : 0);
    assert_int_equal(b.state.n_live, taken ? n : 0);
    for (size_t i = 0; i < n && !taken; i++) assert_int_equal(index_level(&b.state)[i], INDEX_LEVEL_FREE);
    support_bulk_finish(&b);
    return taken;
}

static void the_points_choose(void **test)
{
    enum { N = 5000 };
    static const int wanted[SUPPORT_KINDS] = {
        [SUPPORT_GAUSS] = 1, [SUPPORT_BOX] = 1, [SUPPORT_BALLS] = 1, [SUPPORT_LINE] = 1, /* not: */ [SUPPORT_LATTICE] = 0, [SUPPORT_DECADES] = 0,
        [SUPPORT_EQUAL] = 0, [SUPPORT_CHAIN] = 0,
    };
    double *points = calloc(2 * N, sizeof *points);
    struct metric metric;

    (void)test;
    assert_non_null(points);
    assert_int_equal(metric_init(&metric, "euclidean", 2, METRIC_ISA_BEST, NULL), 0);
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        if (kind == SUPPORT_DENORMAL) continue;
        support_kind_points(points, &metric, (enum support_kind)kind, 0, N, 3);
        for (int threads = 1; threads <= 3; threads++) assert_int_equal(taken_by(points, 2, N, threads), wanted[kind]);
    }
    support_kind_points(points, &metric, SUPPORT_GAUSS, 0, N, 3);
    assert_int_equal(taken_by(points, 2, 1000, 1), 0); /* so few are settled as fast by prefixes */
    free(points);
}

/* 10^5 points in one place, and the same in a hundred places, with scales asked for: pairs are given up in time and prefixes take over. */
static void a_hundred_thousand_twins(void **test)
{
    enum { N = 100000 };
    static const struct support_space line = { "euclidean", 1 };
    double *points = calloc(N, sizeof *points);
    int64_t *labels = calloc(N, sizeof *labels);
    struct tree_batch batch = { .points = points, .labels = labels, .n_insert = N };

    (void)test;
    assert_true(points && labels);
    for (int places = 1; places <= 100; places *= 100) {
        struct pcct_error err = { 0, "" };
        struct built b;

        for (int i = 0; i < N; i++) {
            points[i] = i % places;
            labels[i] = i;
        }
        build(&b, &line, batch, TREE_BY_SCALES, TREE_ROUTE_HILBERT, 2, 8);
        assert_int_equal(b.state.twins, N - places);
        support_ok(index_check(&b.state, &err), &err);
        drop(&b);
    }
    free(labels);
    free(points);
}

/* Work in the order of the list, in any order, or along a curve: inserts into a tree and the orphans of deletes come to the same. */
static void the_order_of_work_has_no_effect(void **test)
{
    enum { N = 900 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        struct built b[3];
        struct support_batch first, second;
        uint32_t dead[N / 3];

        for (uint32_t i = 0; i < N / 3; i++) dead[i] = i * 3;
        for (int route = 0; route < 3; route++) {
            struct metric metric;

            assert_int_equal(metric_init(&metric, spaces[2].metric, spaces[2].dim, METRIC_ISA_BEST, NULL), 0);
            support_batch_start(&first, &metric, (enum support_kind)kind, 0, N, NULL, 0, 5);
            support_batch_start(&second, &metric, (enum support_kind)kind, N, N / 2, dead, N / 3, 6);
            build(&b[route], &spaces[2], first.tree, TREE_BY_PREFIXES, (enum tree_route)route, 1 + route, 12);
            second.tree.route = (enum tree_route)route;
            support_plan(&b[route].state, &second.tree);
            if (route > 0) support_state_equal(&b[0].state, &b[route].state);
            support_batch_free(&second);
            support_batch_free(&first);
        }
        for (int route = 0; route < 3; route++) drop(&b[route]);
    }
}

static int settle_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_bulk *b = ctx;
    int taken = 0, status = 0;

    (void)env;
    b->batch.builder = TREE_BY_SCALES;
    TRY(tree_bulk_settle(&taken, &b->state, b->order, b->bulk.n, &b->batch, err));
    assert_int_equal(taken, 1);
done:
    for (size_t i = 0; i < b->bulk.n && status != 0; i++) assert_int_equal(index_level(&b->state)[i], INDEX_LEVEL_FREE);
    return status;
}

static void without_memory(void **test)
{
    enum { N = 1200 };
    struct pcct_error err = { 0, "" };
    double points[2 * N];
    struct support_bulk b;

    (void)test;
    support_points(points, N, 2, SUPPORT_UNIFORM, 3);
    support_bulk_start(&b, "euclidean", 2, points, N, 1, 3);
    assert_true(support_fail_each(&b.env, settle_call, &b) >= 60);
    assert_int_equal(b.state.n_live, N);
    support_ok(index_settle_root(&b.state, &err), &err);
    index_digest_rows(b.state.digest, &b.state, 0, N);
    assert_int_equal(index_check(&b.state, &err), PCCT_E_DAMAGED); /* radii are not its business ... */
    assert_non_null(strstr(err.message, "T5"));
    support_bulk_finish(&b);
}

/* ---- work --------------------------------------------------------------------------------------------------------------------------------- */

/* Distances and pairs that settling looked at. */
static uint64_t work_of(struct built *b, const struct tree_batch *batch)
{
    struct base_watch watch;
    uint64_t work = 0;

    base_watch_begin(&watch, NULL, NULL, NULL);
    b->env.env.watch = &watch;
    support_plan(&b->state, batch);
    b->env.env.watch = NULL;
    work = watch.value[BASE_STAT_distances] + watch.value[BASE_STAT_candidate_pairs];
    base_watch_end(&watch, &b->env.env);
    return work;
}

static void start(struct built *b, const struct support_space *space, int threads)
{
    support_env_start(&b->env, threads);
    assert_int_equal(metric_init(&b->metric, space->metric, space->dim, METRIC_ISA_BEST, NULL), 0);
    index_init(&b->state, &b->env.env, &b->metric, 77);
}

/* The points of a batch in commits of one each. */
static uint64_t work_one_by_one(struct built *b, const struct tree_batch *batch)
{
    uint64_t work = 0;

    for (size_t i = 0; i < batch->n_insert; i++) {
        const struct tree_batch one = { .points = batch->points + i * b->metric.input_dim, .labels = batch->labels + i, .n_insert = 1 };

        work += work_of(b, &one);
    }
    return work;
}

/*
 * No shape of the points makes a batch dear: all equal, in one ball, on a line in order, on a lattice with twins, over twelve decades, one in each of
 * a thousand levels. Whatever the builder and the order of work, distances and pairs looked at are at most six times those of insertion one by
 * one.
 */
static void no_dearer_than_one_by_one(void **test)
{
    enum { N = 2500, TIMES = 6 };

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (int s = 0; s < 4; s++) {
            struct support_batch batch;
            struct built b;
            uint64_t singly = 0;

            start(&b, &spaces[s], 1);
            support_batch_start(&batch, &b.metric, (enum support_kind)kind, 0, N, NULL, 0, 3);
            singly = work_one_by_one(&b, &batch.tree);
            drop(&b);
            for (int way = 0; way < 9; way++) {
                uint64_t work = 0;

                start(&b, &spaces[s], 1 + way % 2);
                batch.tree.builder = (enum tree_builder)(way / 3);
                batch.tree.route = (enum tree_route)(way % 3);
                work = work_of(&b, &batch.tree);
                if (work > TIMES * singly) {
                    print_error("%s d=%u builder %d route %d: %llu against %llu\n", support_kind_name((enum support_kind)kind), spaces[s].dim,
                                way / 3, way % 3, (unsigned long long)work, (unsigned long long)singly);
                    fail();
                }
                drop(&b);
            }
            support_batch_free(&batch);
        }
    }
}

/* A batch that meets a tree as large, all of it in one ball within the tree or far away: chunks are given up until one is small enough, and each
 * costs no more than its budget, so eight times is what it comes to. */
static void no_dearer_for_a_ball_apart(void **test)
{
    enum { N = 2000, TIMES = 8 };

    (void)test;
    for (int apart = 0; apart < 2; apart++) {
        struct support_batch first, ball;
        struct built b[2];
        uint64_t work[2];

        for (int way = 0; way < 2; way++) {
            start(&b[way], &spaces[1], 2);
            support_batch_start(&first, &b[way].metric, SUPPORT_GAUSS, 0, N, NULL, 0, 3);
            support_batch_start(&ball, &b[way].metric, SUPPORT_GAUSS, N, N, NULL, 0, 4);
            for (int i = 0; i < 2 * N; i++) ball.points[i] = 1e-3 * ball.points[i] + 500 * apart;
            support_plan(&b[way].state, &first.tree);
            work[way] = way == 0 ? work_one_by_one(&b[way], &ball.tree) : work_of(&b[way], &ball.tree);
            support_batch_free(&ball);
            support_batch_free(&first);
        }
        assert_true(work[1] <= TIMES * work[0]);
        drop(&b[0]);
        drop(&b[1]);
    }
}

/* Where scales are taken they are so for their work: less than half of what prefixes look at. */
static void scales_look_at_less(void **test)
{
    enum { N = 20000 };
    struct support_batch batch;
    struct built b;
    uint64_t work[3] = { 0, 0, 0 };

    (void)test;
    for (int way = TREE_BY_DATA; way <= TREE_BY_SCALES; way++) {
        start(&b, &spaces[3], 2);
        support_batch_start(&batch, &b.metric, SUPPORT_BOX, 0, N, NULL, 0, 3);
        batch.tree.builder = (enum tree_builder)way;
        work[way] = work_of(&b, &batch.tree);
        drop(&b);
        support_batch_free(&batch);
    }
    assert_int_equal(work[TREE_BY_DATA], work[TREE_BY_SCALES]);
    assert_true(work[TREE_BY_SCALES] * 2 < work[TREE_BY_PREFIXES]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tree_by_all_ways),     cmocka_unit_test(many_steps),
        cmocka_unit_test(the_points_choose),        cmocka_unit_test(a_hundred_thousand_twins),
        cmocka_unit_test(the_order_of_work_has_no_effect), cmocka_unit_test(without_memory),
        cmocka_unit_test(no_dearer_than_one_by_one), cmocka_unit_test(no_dearer_for_a_ball_apart), cmocka_unit_test(scales_look_at_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
