/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_views.h"

#include "block/layout_sieve.h"
#include "support_block.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000 };

/* Data that views are for, and awkward ones: how many numbers decide, of what shape, size and place, what noise there is; whether there are to be
 * views. */
static const struct kind {
    uint32_t dim, numbers;
    enum support_shape shape;
    double scale, offset, noise;
    int views;
} kinds[] = {
    { 16, 3, SUPPORT_UNIFORM, 1, 0, 0.001, 1 },      { 17, 1, SUPPORT_UNIFORM, 1, 5, 0, 1 },
    { 33, 5, SUPPORT_CLUSTERS, 1, 0, 0, 1 },         { 64, 5, SUPPORT_UNIFORM, 1, -3, 0.01, 1 },
    { 64, 12, SUPPORT_UNIFORM, 0x1p-490, 0, 0, 1 },  { 64, 4, SUPPORT_CLUSTERS, 0x1p480, 0, 0, 1 },
    { 130, 20, SUPPORT_UNIFORM, 1, 1e6, 0.01, 1 },   { 300, 60, SUPPORT_UNIFORM, 1, 0, 0.001, 1 },
    { 150, 2, SUPPORT_CLUSTERS, 1, 1000, 0, 1 },      { 40, 3, SUPPORT_GRID, 1, 0, 0, 0 /* many equal points */ },
    { 24, 24, SUPPORT_UNIFORM, 1, 0, 1, 0 /* no direction counts more than others */ },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void start(struct support_block *block, struct support_env *env, const struct kind *kind, uint32_t rows, uint64_t seed)
{
    support_block_start(block, env, rows, kind->dim, SUPPORT_UNIFORM, seed);
    support_block_views(block, kind->numbers, kind->shape, kind->scale, kind->offset, kind->noise);
}

/* ---- what views promise ------------------------------------------------------------------------------------------------------------------- */

static double key_of_views(const double *a, const double *b, uint32_t dim)
{
    double key = 0;

    for (uint32_t j = 0; j < dim; j++) key += (a[j] - b[j]) * (a[j] - b[j]);
    return key;
}

/* Two points show no further apart than the limit for their key says, both ways, to any eye; and seldom much nearer than they are. */
static void views_are_no_further_apart_than_points(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (int isa = METRIC_ISA_SCALAR; isa <= METRIC_ISA_NEON; isa++) {
        for (int k = 0; k < KINDS; k++) {
            const uint32_t dim = kinds[k].dim;
            struct support_block block;
            struct block_eye eye, other;
            double shown = 0, real = 0, third[METRIC_DIM_MAX];

            if (!metric_kernels_choose(METRIC_SQUARES, (enum metric_isa)isa)) continue;
            start(&block, &env, &kinds[k], ROWS, (uint64_t)k);
            block.metric.kernels = metric_kernels_choose(METRIC_SQUARES, (enum metric_isa)isa);
            support_ok(support_block_build(&block, ROWS, 64, &err), &err);
            assert_int_equal(block_has_views(&block.layout), kinds[k].views);
            for (uint32_t i = 0; i < 2000 && kinds[k].views; i++) {
                const uint32_t a = (uint32_t)base_random_below(&block.random, ROWS), b = (uint32_t)base_random_below(&block.random, ROWS);
                const double *x = block.place + (size_t)a * dim, *y = block.place + (size_t)b * dim;
                const double key = metric_key(&block.metric, x, y);
                double view;

                block_eye_open(&eye, &block.layout, x);
                block_eye_open_entry(&other, &block.layout, &block.source, b);
                view = key_of_views(eye.place, other.place, block.layout.dim);
                assert_true(view <= block_eye_limit(&eye, key) && view <= block_eye_limit(&other, key));
                assert_true(block_eye_least(&eye, view) <= key);
                assert_true(view <= block_reach_seen(&block.layout, a, key));
                assert_true(view <= block_views_limit(&block.layout, other.place, other.place, key));
                assert_true(block_eye_may_see(&eye, &block.layout, b, key) && block_eye_may_see(&other, &block.layout, a, key));
                if (eye.fine) assert_true(block_eye_least_fine(&eye, &block.layout, b, (double)FLT_MAX) <= key);
                if (eye.fine) { /* from so far off that fine views hardly go there, and from so near that they are but rounded differently */
                    for (uint32_t j = 0; j < dim; j++) third[j] = y[j] + (i % 2 ? 1e-4 : 101) * (x[j] - y[j]);
                    block_eye_open(&eye, &block.layout, third);
                    assert_true(block_eye_may_see(&eye, &block.layout, b, metric_key(&block.metric, third, y)));
                }
                shown += view;
                real += key;
            }
            assert_true(shown >= 0.5 * real);
            support_block_finish(&block);
        }
    }
    support_env_finish(&env);
}

/* ---- what is found ------------------------------------------------------------------------------------------------------------------------ */

static void answers_are_those_of_a_full_comparison(void **state)
{
    static const size_t ks[] = { 1, 7, 10, 65, 400 };
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (int k = 0; k < KINDS; k++) {
        struct support_block block;

        start(&block, &env, &kinds[k], ROWS, (uint64_t)k + 50);
        support_ok(support_block_build(&block, 1500, 64, &err), &err);
        assert_int_equal(block_has_views(&block.layout), kinds[k].views);
        support_block_check(&block);
        for (size_t i = 0; i < 5; i++) support_block_ask(&block, 12, ks[i]);
        for (int round = 0; round < 4; round++) {
            support_ok(support_block_insert(&block, 300, &err), &err);
            support_block_renew_reach(&block, 200);
            support_block_remove(&block, 250);
            support_block_check(&block);
            support_block_ask(&block, 8, 10);
        }
        support_ok(support_block_insert(&block, ROWS, &err), &err); /* which lays the whole out anew */
        support_block_check(&block);
        support_block_ask(&block, 8, 10);
        support_block_remove(&block, ROWS - 30);
        support_block_check(&block);
        support_block_ask(&block, 8, 40);
        support_block_remove(&block, ROWS);
        support_block_check(&block);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

static int note(void *ctx, uint32_t node, double key)
{
    unsigned char *met = ctx;

    (void)key;
    met[node]++;
    return 0;
}

/* How many are within a limit, whatever their rank; no more than are asked for. */
static void expect_count(const struct support_block *block, const struct block_query *query)
{
    struct block_query any = *query;
    struct block_work work = { 0 };
    uint64_t wanted = 0;

    any.sieve = NULL;
    for (uint32_t j = 0; j < ROWS; j++) {
        wanted += metric_key(&block->metric, any.q, block->place + (size_t)j * block->metric.dim) <= any.limit && j != any.self;
    }
    assert_int_equal(block_count(&block->layout, &block->source, &any, UINT64_MAX, &work), wanted);
    assert_int_equal(block_count(&block->layout, &block->source, &any, 3, &work), wanted < 3 ? wanted : 3);
}

/* Sieves, and limits that are keys of entries. */
static void only_what_is_asked_for_is_found(void **state)
{
    static uint32_t rank[ROWS];
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    for (int k = 0; k < KINDS; k++) {
        const uint32_t dim = kinds[k].dim;
        struct block_sieve sieve;
        struct support_block block;

        start(&block, &env, &kinds[k], ROWS, (uint64_t)k + 90);
        support_ok(support_block_build(&block, ROWS, 64, &err), &err);
        for (uint32_t i = 0; i < ROWS; i++) rank[i] = (uint32_t)base_random_below(&block.random, 100);
        support_ok(block_sieve_make(&sieve, &block.layout, rank, &env.env, &err), &err);
        for (uint32_t i = 0; i < 20; i++) {
            const uint32_t self = (uint32_t)base_random_below(&block.random, ROWS), far = (uint32_t)base_random_below(&block.random, ROWS);
            const double *q = block.place + (size_t)self * dim;
            const double limit = metric_key(&block.metric, q, block.place + (size_t)far * dim);
            const struct block_query query = { q, self, limit, &sieve, 1 + 20 * (i % 5) };
            struct base_topk_entry got[10], wanted[10];
            unsigned char met[ROWS] = { 0 };
            struct block_work work = { 0 };
            struct base_topk top, all;
            struct block_near near;

            base_topk_start(&all, wanted, 10);
            block_within(&block.layout, &block.source, &query, note, met, &work);
            for (uint32_t j = 0; j < ROWS; j++) {
                const double key = metric_key(&block.metric, q, block.place + (size_t)j * dim);
                const int in = key <= query.limit && j != self && rank[j] < query.below;

                assert_int_equal(met[j], in);
                if (in) base_topk_offer(&all, key, block.label[j]);
            }
            assert_int_equal(block_near_take(&near, &env.env, 10, NULL), 0);
            base_topk_start(&top, got, 10);
            block_knn_filter(&near, &block.layout, &block.source, &query, 10, &work);
            block_knn_decide(&top, &near, &block.layout, &block.source, &work);
            block_near_free(&near, &env.env);
            assert_int_equal(top.count, all.count);
            for (size_t j = 0; j < top.count; j++) assert_true(got[j].key == wanted[j].key && got[j].id == wanted[j].id);
            expect_count(&block, &query);
        }
        block_sieve_free(&sieve, &env.env);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

struct joined {
    uint64_t pairs[4];
    const struct block_layout *layout;
    const struct support_block *block;
};

static int meet(void *ctx, int thread, uint32_t a, uint32_t b, double key)
{
    struct joined *joined = ctx;
    const uint32_t *node = joined->layout->node.data, dim = joined->block->metric.dim;
    const double *place = joined->block->place;

    assert_true(a != b);
    assert_true(key == metric_key(&joined->block->metric, place + (size_t)node[a] * dim, place + (size_t)node[b] * dim));
    joined->pairs[thread]++;
    return 0;
}

static void joins_meet_all_pairs(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (int k = 0; k < KINDS; k++) {
        const uint32_t dim = kinds[k].dim, rows = 1100;
        struct block_work work[4] = { { 0, 0, 0, 0 } };
        struct support_block block;
        struct joined joined = { { 0 }, &block.layout, &block };
        uint64_t wanted = 0;
        double limit;

        start(&block, &env, &kinds[k], rows, (uint64_t)k + 70);
        support_ok(support_block_build(&block, rows, 64, &err), &err);
        limit = metric_key(&block.metric, block.place, block.place + dim) / 8;
        support_ok(block_join(&block.layout, &block.source, limit, meet, &joined, work, &err), &err);
        for (uint32_t a = 0; a < rows; a++) {
            const double *x = block.place + (size_t)a * dim;

            for (uint32_t b = a + 1; b < rows; b++) wanted += metric_key(&block.metric, x, block.place + (size_t)b * dim) <= limit;
        }
        assert_int_equal(joined.pairs[0] + joined.pairs[1] + joined.pairs[2] + joined.pairs[3], wanted);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* ---- the basis itself --------------------------------------------------------------------------------------------------------------------- */

/* The same for any number of threads; few entries, few dimensions, other metrics, layouts that were not asked to have none. */
static void who_has_views(void **state)
{
    struct support_env env[2];
    struct pcct_error err = { 0, "" };
    struct support_block block[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        support_env_start(&env[i], 1 + 3 * i);
        start(&block[i], &env[i], &kinds[7], ROWS, 9);
        support_ok(support_block_build(&block[i], ROWS, 64, &err), &err);
    }
    assert_true(block_has_views(&block[0].layout) && block[0].layout.fine > block[0].layout.dim);
    assert_true(support_block_same(&block[0].layout, &block[1].layout));
    support_ok(support_block_build(&block[0], 1023, 64, &err), &err);
    assert_false(block_has_views(&block[0].layout));
    block[0].layout.rotates = 0;
    support_ok(support_block_build(&block[0], ROWS, 64, &err), &err);
    assert_false(block_has_views(&block[0].layout));
    block_free(&block[1].layout);
    support_block_metric(&block[1], "manhattan");
    support_ok(support_block_build(&block[1], ROWS, 64, &err), &err);
    assert_false(block_has_views(&block[1].layout));
    for (int i = 0; i < 2; i++) {
        support_block_finish(&block[i]);
        support_env_finish(&env[i]);
    }
}

/* A layout that grew by small batches gets views in the end. */
static void growth_brings_views(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    int had = 0;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, &kinds[3], 9000, 8);
    for (int i = 0; i < 90; i++) {
        support_ok(support_block_insert(&block, 100, &err), &err);
        assert_true(!had || block_has_views(&block.layout));
        had = block_has_views(&block.layout);
    }
    assert_true(had);
    support_block_check(&block);
    support_block_ask(&block, 20, 10);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void renumbered_views_move(void **state)
{
    static uint32_t map[ROWS];
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    uint32_t next = 0;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, &kinds[7], ROWS, 12);
    support_ok(support_block_build(&block, 2000, 64, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        map[i] = block.reach[i] == -(double)INFINITY ? BLOCK_NONE : next++;
        if (map[i] == BLOCK_NONE) continue;
        memmove(block.place + (size_t)map[i] * kinds[7].dim, block.place + (size_t)i * kinds[7].dim, kinds[7].dim * sizeof(double));
        block.label[map[i]] = block.label[i];
        block.reach[map[i]] = block.reach[i];
        if (map[i] != i) block.reach[i] = -(double)INFINITY;
    }
    block.rows = block.source.rows = next;
    support_ok(block_renumber(&block.layout, map, next, &err), &err);
    support_block_check(&block);
    support_block_ask(&block, 20, 10);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void expect_damage(struct support_block *block)
{
    struct pcct_error err = { 0, "" };

    assert_int_equal(block_check(&block->layout, &block->source, support_block_has, &err), PCCT_E_DAMAGED);
    assert_true(err.message[0] != '\0');
}

static void damage_is_found(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    struct block_shape shape;
    double *basis, *view, kept;
    int16_t *fine;
    float *axis;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, &kinds[7], ROWS, 13);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    basis = block.layout.basis.data;
    axis = (float *)(basis + 2 + kinds[7].dim);
    view = (double *)block.layout.view.data + 70;
    fine = (int16_t *)block.layout.fine_view.data + 70;
    support_block_check(&block);
    for (int i = 0; i < 3; i++) {
        kept = basis[i];
        basis[i] = i == 0 ? 1 : i == 1 ? 3 : (double)NAN;
        expect_damage(&block);
        basis[i] = kept;
    }
    *axis += 0.01F;
    expect_damage(&block);
    *axis = (float)INFINITY;
    expect_damage(&block);
    *axis = NAN;
    expect_damage(&block);
    block.layout.basis.capacity -= block_basis_bytes(&block.layout);
    assert_int_equal(block_check_links(&block.layout, &err), PCCT_E_DAMAGED);
    block.layout.basis.capacity += block_basis_bytes(&block.layout);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    *view += 1e-3;
    expect_damage(&block);
    *view = NAN;
    expect_damage(&block);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    *fine = (int16_t)(*fine + 3);
    expect_damage(&block);
    *fine = METRIC_SHORT_MAX + 1;
    expect_damage(&block);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    support_block_check(&block);
    block_shape_get(&shape, &block.layout);
    assert_int_equal(block_shape_check(&shape, &block.metric, NULL), 0);
    shape.dim = 33;
    assert_int_equal(block_shape_check(&shape, &block.metric, NULL), PCCT_E_DAMAGED);
    shape.dim = 1;
    assert_int_equal(block_shape_check(&shape, &block.metric, NULL), PCCT_E_DAMAGED);
    shape.dim = 16;
    shape.fine = 16;
    assert_int_equal(block_shape_check(&shape, &block.metric, NULL), PCCT_E_DAMAGED);
    shape.fine = 33;
    assert_int_equal(block_shape_check(&shape, &block.metric, NULL), PCCT_E_DAMAGED);
    shape.fine = 272;
    assert_int_equal(block_shape_check(&shape, &block.metric, NULL), PCCT_E_DAMAGED);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Axes that are not of the length 1 are found although every view agrees with them. */
static void axes_of_another_length_are_found(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;
    double *basis;
    float *axis;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, &kinds[7], ROWS, 13);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    basis = block.layout.basis.data;
    axis = (float *)(basis + 2 + kinds[7].dim);
    support_ok(block_views_check_basis(&block.layout, &err), &err);
    for (uint32_t j = 0; j < kinds[7].dim; j++) axis[j] *= 1.001F;
    support_ok(block_views_make(&block.layout, &block.source, block.node, ROWS, &err), &err);
    assert_int_equal(block_views_check(&block.layout, &block.source, 7, &err), 0);
    assert_int_equal(block_views_check_basis(&block.layout, &err), PCCT_E_DAMAGED);
    basis[0] = 0x1p-17; /* told to be as far off as may be: it is further */
    assert_int_equal(block_views_check_basis(&block.layout, &err), PCCT_E_DAMAGED);
    support_block_finish(&block);
    support_env_finish(&env);
}

static int build_anew(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_block *block = ctx;
    struct block_layout layout;
    int status;

    block_init(&layout, env, &block->metric);
    layout.rotates = 1;
    status = block_build(&layout, &block->source, block->node, ROWS, 64, err);
    assert_int_equal(layout.entries, status == 0 ? ROWS : 0);
    assert_int_equal(block_check_links(&layout, NULL), 0);
    block_free(&layout);
    return status;
}

static void failures_leave_it_empty(void **state)
{
    struct support_env env;
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    start(&block, &env, &kinds[7], ROWS, 14);
    for (uint32_t i = 0; i < ROWS; i++) block.node[i] = i;
    assert_true(support_fail_each(&env, build_anew, &block) >= BLOCK_ARRAYS + 2 + 8); /* and the sample's, at least */
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_no_further_apart_than_points),
        cmocka_unit_test(answers_are_those_of_a_full_comparison),
        cmocka_unit_test(only_what_is_asked_for_is_found),
        cmocka_unit_test(joins_meet_all_pairs),
        cmocka_unit_test(who_has_views),
        cmocka_unit_test(growth_brings_views),
        cmocka_unit_test(renumbered_views_move),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(axes_of_another_length_are_found),
        cmocka_unit_test(failures_leave_it_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
