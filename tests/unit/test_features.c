/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* v and p by L v = K(Z, x) and the definition of p, in plain loops. */
static void as_defined(void **test)
{
    (void)test;
    for (int shape = 0; shape <= GP_CUSTOM; shape++) {
        const struct support_gp_case c = { .n = 333, .m = 29, .dim = 3, .k = 1, .shape = (enum gp_shape)shape, .lengthscale = 0.8, .gauss = 1,
                                           .variance = shape == GP_CUSTOM ? 1 : 2.5, .nugget = 0.01, .seed = 4 };
        struct support_gp s;

        support_gp_start(&s, &c);
        assert_true(s.inducing.jitter == GP_JITTER);
        for (size_t i = 0; i < c.n; i++) {
            const double *v = s.points.v + i * c.m;
            double p = s.kernel.variance + s.kernel.nugget;

            for (size_t j = 0; j < c.m; j++) {
                struct gp_features none = s.points;
                double sum = 0, one = 1;

                none.form.m = 0;
                none.isp = &one;
                none.x = s.points.x + i * c.dim;
                none.point = s.points.point + i * c.dim;
                struct gp_features z = none;
                z.x = s.inducing.x + j * c.dim;
                z.point = s.inducing.point + j * c.dim;
                for (size_t l = 0; l <= j; l++) sum += s.inducing.factor[j * c.m + l] * v[l];
                assert_true(fabs(sum - support_gp_rho(&none, 0, &z, 0)) < 1e-13 * s.kernel.variance);
                p -= v[j] * v[j];
            }
            assert_true(fabs(s.points.p[i] - p) < 1e-13 * s.kernel.variance);
            assert_true(s.points.isp[i] == 1 / sqrt(s.points.p[i]));
        }
        assert_int_equal(s.points.floored, 0);
        support_gp_finish(&s);
    }
}

static void the_same_bits_everywhere(void **test)
{
    struct support_gp_case c = { .n = 500, .m = 40, .dim = 2, .k = 1, .shape = GP_MATERN52, .lengthscale = 0.3, .seed = 9, .threads = 1,
                                 .isa = METRIC_ISA_SCALAR };
    struct support_gp one, other;

    (void)test;
    support_gp_start(&one, &c);
    for (int threads = 2; threads < 4; threads++) {
        c.threads = threads;
        c.isa = METRIC_ISA_BEST;
        support_gp_start(&other, &c);
        assert_memory_equal(one.points.v, other.points.v, sizeof(double) * c.n * c.m);
        assert_memory_equal(one.points.p, other.points.p, sizeof(double) * c.n);
        support_gp_finish(&other);
    }
    support_gp_finish(&one);
}

static void no_covariance(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    (void)ctx;
    for (size_t i = 0; i < na * nb; i++) out[i] = fabs(*a[i / nb] - *b[i % nb]);
}

/* Points on inducing points without jitter to speak of: p is at the floor. A smooth kernel of long range needs more jitter than was asked for. */
static void floors_and_jitter(void **test)
{
    const struct support_gp_case c = { .n = 100, .m = 100, .dim = 1, .k = 1, .shape = GP_RBF, .lengthscale = 100, .seed = 2 };
    struct support_gp s;
    struct gp_inducing z;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_inducing_make(&z, &s.kernel, s.point, 100, 1e-17, gp_tiles_choose(METRIC_ISA_BEST), &s.env.env, &err), &err);
    assert_true(z.jitter > 1e-17 && z.jitter < 1e-10);
    gp_features_free(&s.points);
    support_ok(gp_features_make(&s.points, &z, s.point, 100, &s.env.env, &err), &err);
    assert_true(s.points.floored > 50);
    for (size_t i = 0; i < 100; i++) assert_true(s.points.p[i] >= GP_FLOOR);
    gp_inducing_free(&z);
    assert_int_equal(gp_inducing_make(&z, &s.kernel, s.point, 100, 0, gp_tiles_choose(METRIC_ISA_BEST), &s.env.env, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "not positive definite"));
    gp_inducing_free(&z);
    s.kernel.shape = GP_CUSTOM; /* the size of a difference is no covariance: the greatest jitter is tried, and none above it */
    s.kernel.tile = no_covariance;
    assert_int_equal(gp_inducing_make(&z, &s.kernel, s.point, 100, 0.003, gp_tiles_choose(METRIC_ISA_BEST), &s.env.env, &err), PCCT_E_INVALID);
    assert_true(z.jitter == GP_JITTER_MAX);
    gp_inducing_free(&z);
    support_gp_finish(&s);
}

static void bad_tile(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb)
{
    (void)ctx;
    (void)a;
    (void)b;
    for (size_t i = 0; i < na * nb; i++) out[i] = (double)NAN;
}

static void what_is_given_is_checked(void **test)
{
    const struct support_gp_case c = { .n = 10, .m = 2, .dim = 1, .k = 1, .shape = GP_RBF, .lengthscale = 1, .seed = 2 };
    struct support_gp s;
    struct gp_features f;
    struct gp_inducing z;
    struct pcct_error err = { 0, "" };
    const struct gp_tiles *tiles = gp_tiles_choose(METRIC_ISA_BEST);

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_features_given(&f, &s.kernel, s.point, s.points.v, s.points.p, 10, 2, tiles, &s.env.env, &err), &err);
    assert_memory_equal(f.isp, s.points.isp, sizeof(double) * 10);
    gp_features_free(&f);
    s.points.p[3] = 0;
    assert_int_equal(gp_features_given(&f, &s.kernel, s.point, s.points.v, s.points.p, 10, 2, tiles, &s.env.env, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "point 3"));
    gp_features_free(&f);
    s.points.p[3] = 1;
    s.points.v[15] = (double)INFINITY;
    assert_int_equal(gp_features_given(&f, &s.kernel, s.point, s.points.v, s.points.p, 10, 2, tiles, &s.env.env, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "feature 1 of point 7"));
    gp_features_free(&f);
    s.lengthscale[0] = 0x1p-199;
    s.point[4] = 0x1p400;
    assert_int_equal(gp_features_make(&f, &s.inducing, s.point, 10, &s.env.env, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "of point 4"));
    gp_features_free(&f);
    assert_int_equal(gp_inducing_make(&z, &s.kernel, s.point, 5, 0, tiles, &s.env.env, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "of inducing point 4"));
    gp_inducing_free(&z);
    s.kernel.shape = GP_CUSTOM;
    s.kernel.tile = bad_tile;
    assert_int_equal(gp_inducing_make(&z, &s.kernel, s.point, 2, 0, tiles, &s.env.env, &err), PCCT_E_INVALID);
    gp_inducing_free(&z);
    support_gp_finish(&s);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct support_gp *s = ctx;
    struct gp_inducing z;
    struct gp_features f = { .env = NULL };
    int status = gp_inducing_make(&z, &s->kernel, s->point, 3, 1e-6, gp_tiles_choose(METRIC_ISA_BEST), env, err);

    if (status == 0) status = gp_features_make(&f, &z, s->point, 20, env, err);
    gp_features_free(&f);
    gp_inducing_free(&z);
    return status;
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 20, .m = 2, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 1, .seed = 2, .threads = 1 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    assert_int_equal(support_fail_each(&s.env, call, &s), 12);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_defined),
        cmocka_unit_test(the_same_bits_everywhere),
        cmocka_unit_test(floors_and_jitter),
        cmocka_unit_test(what_is_given_is_checked),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
