/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void any_problem(void **test)
{
    (void)test;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const struct support_gp_case c = support_gp_any(seed);
        struct support_gp s;

        support_gp_start(&s, &c);
        (void)support_gp_expect(&s, &c);
        support_gp_finish(&s);
    }
}

/* Features from elsewhere: with noise of each point's own, of kernels that are not the same everywhere; of no kernel, by brute force. */
static void any_features(void **test)
{
    (void)test;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const struct support_gp_case c = support_gp_brought(seed, SUPPORT_GP_ALL);
        struct support_gp s;

        support_gp_start(&s, &c);
        (void)support_gp_expect(&s, &c);
        support_gp_finish(&s);
    }
}

/* Features of no kernel may hide points from a search. What it finds is there, at the distances that are told, in order, and as many as there are. */
static void features_of_no_kernel(void **test)
{
    enum { N = 700, K = 8 };
    int64_t *labels = malloc(sizeof *labels * N * K);
    double *distances = malloc(sizeof *distances * N * K);

    (void)test;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const struct support_gp_case c = { .n = N, .m = 30, .dim = 1 + (uint32_t)seed % 4, .k = K, .shape = (enum gp_shape)(seed % 4),
                                           .lengthscale = 0.5, .given = SUPPORT_GP_SHORT + seed % 3, .seed = seed };
        struct support_gp s;

        support_gp_start(&s, &c);
        {
            const struct gp_ask ask = { .points = &s.points, .member = s.member, .members = N, .label = s.label, .k = K };
            struct pcct_error err = { 0, "" };

            support_ok(gp_residual(labels, distances, NULL, &ask, NULL, &s.env.env, &err), &err);
        }
        for (size_t i = 0; i < (size_t)N * K; i++) {
            const size_t point = N - (size_t)labels[i] / 3;

            assert_true(labels[i] > 0 && point != i / K);
            assert_true(distances[i] == sqrt(gp_key(support_gp_rho(&s.points, i / K, &s.points, point))));
            if (i % K > 0) assert_true(distances[i] > distances[i - 1] || (distances[i] == distances[i - 1] && labels[i] > labels[i - 1]));
        }
        support_gp_finish(&s);
    }
    free(labels);
    free(distances);
}

/* Queries that their block's pivots say little about: what they have beside them counts when a panel is passed over. */
static void queries_beside_their_pivots(void **test)
{
    const struct support_gp_case c = { .n = 3467, .nq = 300, .m = 28, .k = 8, .dim = 3, .shape = GP_MATERN52, .lengthscale = 0.2, .threads = 1,
                                       .seed = 4 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    (void)support_gp_expect(&s, &c);
    support_gp_finish(&s);
}

/* The early points of an order are searched for by themselves: three segments. */
static void predecessors_in_segments(void **test)
{
    const struct support_gp_case c = { .n = 9000, .m = 30, .dim = 2, .k = 12, .shape = GP_MATERN32, .lengthscale = 0.2, .seed = 5,
                                       .predecessors = 1 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    assert_true(support_gp_expect(&s, &c).pairs < 9000u * 1500u); /* a third of all pairs that precede one another would be 9000 * 1500 */
    support_gp_finish(&s);
}

static void ask_all(int64_t *labels, double *distances, int32_t *counts, struct support_gp *s, size_t k, int brute)
{
    const struct gp_ask ask = { .points = &s->points, .member = s->member, .members = s->n, .label = s->label, .k = k, .brute = brute };
    struct pcct_error err = { 0, "" };

    support_ok(gp_residual(labels, distances, counts, &ask, NULL, &s->env.env, &err), &err);
}

static void the_same_for_all_threads_and_by_brute_force(void **test)
{
    enum { N = 2500, K = 9 };
    struct support_gp_case c = { .n = N, .m = 60, .dim = 3, .k = K, .shape = GP_MATERN52, .lengthscale = 0.7, .gauss = 1, .seed = 8 };
    int64_t *labels = malloc(sizeof *labels * N * K), *first = malloc(sizeof *first * N * K);
    double *distances = malloc(sizeof *distances * N * K), *first_distances = malloc(sizeof *first_distances * N * K);
    int32_t *counts = malloc(sizeof *counts * N);

    (void)test;
    for (int i = 0; i < 5; i++) {
        struct support_gp s;

        c.threads = i + 1;
        support_gp_start(&s, &c);
        ask_all(i ? labels : first, i ? distances : first_distances, counts, &s, K, i == 4);
        if (i > 0) {
            assert_memory_equal(labels, first, sizeof *labels * N * K);
            assert_memory_equal(distances, first_distances, sizeof *distances * N * K);
        }
        support_gp_finish(&s);
    }
    free(labels);
    free(first);
    free(distances);
    free(first_distances);
    free(counts);
}

/* What was near before is looked at first, and changes nothing: true lists, those of other points, lists with holes; with predecessors too. */
static void lists_of_before(void **test)
{
    enum { N = 2500, K = 9 };
    const struct support_gp_case c = { .n = N, .m = 60, .dim = 3, .k = K, .shape = GP_MATERN52, .lengthscale = 0.7, .gauss = 1, .threads = 1,
                                       .seed = 8 };
    int64_t *labels = malloc(sizeof *labels * N * K), *first = malloc(sizeof *first * N * K);
    double *distances = malloc(sizeof *distances * N * K);
    uint32_t *before = malloc(sizeof *before * N * K);
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    for (int i = 0; i < 8; i++) {
        struct gp_ask ask = { .points = &s.points, .member = s.member, .members = N, .label = s.label, .k = K, .rank = i < 4 ? NULL : s.rank };
        struct pcct_error err = { 0, "" };
        struct gp_work work = { 0 }, cold = { 0 };

        support_ok(gp_residual(first, distances, NULL, &ask, &cold, &s.env.env, &err), &err);
        for (size_t j = 0; j < (size_t)N * K; j++) {
            const uint32_t point = first[j] < 0 ? GP_NOBODY : (uint32_t)(N - (size_t)first[j] / 3);

            before[j] = i % 4 == 1 ? (uint32_t)((j / K * 7 + j % K) % N) : i % 4 == 2 && j % 4 == 0 ? GP_NOBODY : point;
        }
        ask.before = before;
        support_ok(gp_residual(labels, distances, NULL, &ask, &work, &s.env.env, &err), &err);
        assert_memory_equal(labels, first, sizeof *labels * N * K);
        if (i == 0) assert_true(work.pairs < cold.pairs);
    }
    support_gp_finish(&s);
    free(labels);
    free(first);
    free(distances);
    free(before);
}

/* Queries that are points leave themselves out where they are told to. */
static void left_out(void **test)
{
    const struct support_gp_case c = { .n = 200, .nq = 200, .m = 10, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 0.3, .seed = 3 };
    struct support_gp s;
    uint32_t self[200];
    int64_t label[200];
    double distance[200];
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    for (uint32_t i = 0; i < 200; i++) self[i] = i < 100 ? i : GP_NOBODY;
    {
        const struct gp_ask ask = { .points = &s.points, .member = s.member, .members = 200, .label = s.label, .queries = &s.points,
                                    .self = self, .k = 1 };

        support_ok(gp_residual(label, distance, NULL, &ask, NULL, &s.env.env, &err), &err);
    }
    for (uint32_t i = 10; i < 200; i++) assert_true(i < 100 ? label[i] != s.label[i] : label[i] == s.label[i]); /* the first 10 are mostly noise */
    support_gp_finish(&s);
}

static void no_points_at_all(void **test)
{
    const struct support_gp_case c = { .n = 5, .nq = 3, .m = 2, .dim = 2, .k = 4, .shape = GP_RBF, .lengthscale = 0.3, .seed = 3 };
    struct support_gp s;
    int64_t label[12];
    double distance[12];
    int32_t counts[3];
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    {
        const struct gp_ask ask = { .points = &s.points, .member = s.member, .members = 0, .label = s.label, .queries = &s.queries, .k = 4 };

        support_ok(gp_residual(label, distance, counts, &ask, NULL, &s.env.env, &err), &err);
    }
    for (int i = 0; i < 12; i++) assert_true(label[i] == -1 && isinf(distance[i]));
    for (int i = 0; i < 3; i++) assert_int_equal(counts[i], 0);
    support_gp_finish(&s);
}

struct calling {
    struct support_gp *s;
    int64_t label[300 * 3];
    double distance[300 * 3];
};

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct calling *calling = ctx;
    const struct support_gp *s = calling->s;
    const struct gp_ask ask = { .points = &s->points, .member = s->member, .members = s->n, .label = s->label, .k = 3 };

    return gp_residual(calling->label, calling->distance, NULL, &ask, NULL, env, err);
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 4, .dim = 2, .k = 3, .shape = GP_MATERN52, .lengthscale = 1, .seed = 2, .threads = 1 };
    struct support_gp s;
    struct calling calling = { .s = &s };

    (void)test;
    support_gp_start(&s, &c);
    assert_true(support_fail_each(&s.env, call, &calling) > 40);
    support_gp_finish(&s);
}

static void bad_later(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    support_gp_tile(ctx, out, a, na, b, nb);
    for (size_t i = 0; i < na * nb; i++) {
        if (a[i / nb][0] > 0.9 && b[i % nb][0] < 0.1) out[i] = (double)NAN;
    }
}

static void a_kernel_that_gives_no_numbers(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 0, .dim = 1, .k = 3, .shape = GP_CUSTOM, .lengthscale = 1, .seed = 2 };
    struct support_gp s;
    struct calling calling = { .s = &s };
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    s.kernel.tile = bad_later;
    assert_int_equal(call(&calling, &s.env.env, &err), PCCT_E_INVALID);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_problem),
        cmocka_unit_test(any_features),
        cmocka_unit_test(features_of_no_kernel),
        cmocka_unit_test(queries_beside_their_pivots),
        cmocka_unit_test(predecessors_in_segments),
        cmocka_unit_test(the_same_for_all_threads_and_by_brute_force),
        cmocka_unit_test(lists_of_before),
        cmocka_unit_test(left_out),
        cmocka_unit_test(no_points_at_all),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(a_kernel_that_gives_no_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
