/* SPDX-License-Identifier: Apache-2.0 */
#include "support_bulk.h"

#include <math.h>
#include <stdlib.h>

/* The tree of insertion one by one in the list's order, by comparing with all. */
struct naive {
    uint32_t *parent;
    int16_t *level;
};

static double key_of(const struct support_bulk *b, uint32_t x, uint32_t y)
{
    return support_key(index_place(&b->state, x), index_place(&b->state, y), b->metric.sum, b->metric.dim);
}

static void insert_all(struct naive *naive, const struct support_bulk *b)
{
    naive->parent = calloc(b->bulk.n, sizeof *naive->parent);
    naive->level = calloc(b->bulk.n, sizeof *naive->level);
    assert_true(naive->parent && naive->level);
    naive->parent[b->order[0]] = INDEX_NONE;
    naive->level[b->order[0]] = INDEX_LEVELS - 1;
    for (size_t i = 1; i < b->bulk.n; i++) {
        const uint32_t x = b->order[i];
        double best = (double)INFINITY;

        for (size_t k = 0; k < i; k++) {
            const uint32_t y = b->order[k];
            const double key = key_of(b, x, y);

            if (k > 0 && (naive->level[y] <= 0 || key > metric_reach(&b->metric, naive->level[y] - INDEX_LEVEL_BIAS))) continue;
            if (key < best || (key == best && y < naive->parent[x])) {
                best = key;
                naive->parent[x] = y;
            }
        }
        naive->level[x] = tree_level_of(&b->metric, best);
    }
}

static void drop(struct naive *naive)
{
    free(naive->parent);
    free(naive->level);
}

/* Left are those of level >= scale; the others' rows are written. */
static void expect(const struct support_bulk *b, const struct naive *naive)
{
    char *left = calloc(b->bulk.n, 1);
    size_t stay = 0;

    assert_non_null(left);
    for (size_t i = 0; i < b->bulk.n_left; i++) left[b->bulk.left[i]]++;
    for (uint32_t x = 0; x < b->bulk.n; x++) {
        const int stays = naive->level[x] >= b->bulk.scale + INDEX_LEVEL_BIAS;

        assert_int_equal(left[x], stays);
        stay += (size_t)stays;
        if (stays) continue;
        assert_int_equal(index_parent(&b->state)[x], naive->parent[x]);
        assert_int_equal(index_level(&b->state)[x], naive->level[x]);
        assert_true(index_pdist(&b->state)[x] == metric_inner(&b->metric, key_of(b, x, naive->parent[x])));
    }
    assert_int_equal(stay, b->bulk.n_left);
    free(left);
}

/* Several steps of one and more scales, also over the whole. */
static void joins_leave_what_is_higher(void **test)
{
    enum { N = 600, STEPS = 5 };
    static const int step[STEPS] = { 1, 3, 1, 2, 30 };
    double points[3 * N];

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (int s = 0; s < SUPPORT_SPACES; s++) {
            struct support_bulk b;
            struct block_layout layout;
            struct naive naive;
            struct metric metric;

            if (support_spaces[s].dim > 3) continue;
            assert_int_equal(metric_init(&metric, support_spaces[s].metric, support_spaces[s].dim, METRIC_ISA_BEST, NULL), 0);
            support_kind_points(points, &metric, (enum support_kind)kind, 0, N, (uint64_t)(kind + s));
            support_bulk_start(&b, support_spaces[s].metric, support_spaces[s].dim, points, N, 1 + s % 3, (uint64_t)(kind * 100 + s));
            block_init(&layout, &b.env.env, &b.metric);
            insert_all(&naive, &b);
            for (int i = 0; i < STEPS; i++) {
                struct tree_outlook outlook = { .scale = i == 0 ? -8 : b.bulk.scale + step[i] };
                struct pcct_error err = { 0, "" };
                int over = 0;

                support_ok(tree_bulk_lay_out(&layout, &b.bulk, b.bulk.left, b.bulk.n_left, &err), &err);
                support_ok(tree_bulk_join(&over, &b.bulk, &layout, &outlook, &err), &err);
                if (over) {
                    assert_true(b.bulk.n_left * b.bulk.n_left > 2 * 65536);
                    break;
                }
                assert_int_equal(b.bulk.scale, outlook.scale);
                expect(&b, &naive);
            }
            drop(&naive);
            block_free(&layout);
            support_bulk_finish(&b);
        }
    }
}

/* 2000 points in one place have two million pairs: that is over, for any number of threads, and nothing has changed or is counted: where it stopped
 * depends on the threads. */
static void too_many_pairs(void **test)
{
    enum { N = 2000 };
    double points[N] = { 0 };

    (void)test;
    for (int threads = 1; threads <= 3; threads++) {
        struct tree_outlook outlook = { .scale = 0 };
        struct pcct_error err = { 0, "" };
        struct base_watch watch;
        struct support_bulk b;
        struct block_layout layout;
        int over = 0;

        support_bulk_start(&b, "euclidean", 1, points, N, threads, 4);
        block_init(&layout, &b.env.env, &b.metric);
        support_ok(tree_bulk_lay_out(&layout, &b.bulk, b.bulk.left, N, &err), &err);
        base_watch_begin(&watch, NULL, NULL, NULL);
        b.env.env.watch = &watch;
        support_ok(tree_bulk_join(&over, &b.bulk, &layout, &outlook, &err), &err);
        b.env.env.watch = NULL;
        assert_int_equal(over, 1);
        for (int i = 0; i < BASE_STATS; i++) assert_true(watch.value[i] == 0);
        base_watch_end(&watch, &b.env.env);
        assert_int_equal(b.bulk.n_left, N);
        assert_int_equal(b.bulk.scale, METRIC_LEVEL_MIN - 1);
        for (uint32_t i = 0; i < N; i++) assert_int_equal(index_level(&b.state)[i], INDEX_LEVEL_FREE);
        block_free(&layout);
        support_bulk_finish(&b);
    }
}

/* Scratch is measured without what each thread takes. */
static void peaks_are_those_of_any_threads(void **test)
{
    enum { N = 3000 };
    uint64_t peak[2][2];
    double points[N];

    (void)test;
    for (int i = 0; i < N; i++) points[i] = i * 0.7;
    for (int way = 0; way < 2; way++) {
        struct tree_outlook outlook = { .scale = 1 };
        struct pcct_error err = { 0, "" };
        struct base_watch watch;
        struct support_bulk b;
        struct block_layout layout;
        int over = 0;

        support_bulk_start(&b, "euclidean", 1, points, N, 1 + 8 * way, 4);
        block_init(&layout, &b.env.env, &b.metric);
        support_ok(tree_bulk_lay_out(&layout, &b.bulk, b.bulk.left, N, &err), &err);
        base_watch_begin(&watch, NULL, NULL, NULL);
        b.env.env.watch = &watch;
        support_ok(tree_bulk_join(&over, &b.bulk, &layout, &outlook, &err), &err);
        b.env.env.watch = NULL;
        assert_int_equal(over, 0);
        peak[way][0] = watch.value[BASE_STAT_arena_peak_bytes];
        peak[way][1] = watch.value[BASE_STAT_working_peak_bytes];
        base_watch_end(&watch, &b.env.env);
        block_free(&layout);
        support_bulk_finish(&b);
    }
    assert_true(peak[0][0] > N && peak[0][1] > peak[0][0]);
    assert_memory_equal(peak[0], peak[1], sizeof peak[0]);
}

static void look(struct tree_outlook *outlook, const double *points, uint32_t dim, size_t n, int threads)
{
    struct pcct_error err = { 0, "" };
    struct support_bulk b;
    struct block_layout layout;

    support_bulk_start(&b, "euclidean", dim, points, n, threads, 4);
    block_init(&layout, &b.env.env, &b.metric);
    support_ok(tree_bulk_lay_out(&layout, &b.bulk, b.bulk.left, n, &err), &err);
    support_ok(tree_bulk_look(outlook, &b.bulk, &layout, &err), &err);
    block_free(&layout);
    support_bulk_finish(&b);
}

static void outlooks(void **test)
{
    enum { N = 3000 };
    double points[2 * N];
    struct tree_outlook a, b;

    (void)test;
    for (int i = 0; i < N; i++) points[i] = i; /* two neighbours at each whole distance: 8 within 4, 16 within 8 */
    look(&a, points, 1, N, 1);
    look(&b, points, 1, N, 3);
    assert_int_equal(a.scale, 2);
    assert_int_equal(a.spread, 0);
    assert_int_equal(a.sparse, 1);
    assert_true(a.others > 7.8 && a.others <= 8 && a.next > 15.5 && a.next <= 16);
    assert_true(a.scale == b.scale && a.spread == b.spread && a.others == b.others && a.next == b.next);
    for (int i = 0; i < N; i++) points[i] = i / 100; /* 99 others in the same place */
    look(&a, points, 1, N, 1);
    assert_int_equal(a.sparse, 0);
    for (int i = 0; i < N; i++) points[i] = ldexp(1 + 0.5 * i / N, -(i % 200)); /* 200 scales */
    look(&a, points, 1, N, 1);
    assert_true(a.spread > 100);
    look(&a, points, 2, 1, 1); /* no others */
    assert_int_equal(a.scale, METRIC_LEVEL_MAX);
    assert_true(a.others == 0 && a.sparse);
}

static int join_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_bulk *b = ctx;
    struct tree_outlook outlook = { .scale = -2, .others = 4 };
    struct block_layout layout;
    int status = 0, over = 0;

    block_init(&layout, env, &b->metric);
    TRY(tree_bulk_lay_out(&layout, &b->bulk, b->bulk.left, b->bulk.n_left, err));
    TRY(tree_bulk_join(&over, &b->bulk, &layout, &outlook, err));
    assert_int_equal(over, 0);
done:
    block_free(&layout);
    for (int t = 0; t < 256; t++) base_vector_free(&b->bulk.pair[t], env);
    base_vector_free(&b->bulk.grouped, env);
    base_arena_free(&b->bulk.arena);
    return status;
}

static void without_memory(void **test)
{
    enum { N = 500 };
    double points[2 * N];
    struct support_bulk b;
    struct naive naive;

    (void)test;
    support_points(points, N, 2, SUPPORT_UNIFORM, 3);
    for (int i = 0; i < 2 * N; i++) points[i] *= 4;
    support_bulk_start(&b, "euclidean", 2, points, N, 1, 3);
    insert_all(&naive, &b);
    assert_true(support_fail_each(&b.env, join_call, &b) >= 12);
    expect(&b, &naive);
    drop(&naive);
    support_bulk_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_leave_what_is_higher),
        cmocka_unit_test(too_many_pairs),
        cmocka_unit_test(peaks_are_those_of_any_threads),
        cmocka_unit_test(outlooks),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
