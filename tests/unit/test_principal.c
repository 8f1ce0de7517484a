/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/principal.h"

#include <math.h>
#include <stdlib.h>

static double left_outside(const struct gp_principal *p, const struct gp_features *f, uint32_t size)
{
    double sum = 0;

    for (size_t i = 0; i < f->n; i++) {
        for (uint32_t l = 0; l < f->form.m; l++) sum += f->v[i * f->form.m + l] * f->v[i * f->form.m + l];
        for (uint32_t chunk = 0; chunk < size / GP_LANES; chunk++) {
            const double *row = f->v + i * f->form.m;
            _Alignas(64) double out[GP_LANES];

            gp_principal_coordinates(out, p, &row, 1, chunk, f->tiles);
            for (int j = 0; j < GP_LANES; j++) sum -= out[j] * out[j];
        }
    }
    return sum / (double)f->n;
}

/* Orthonormal; as few vectors as will do; and the first of them tell most. */
static void few_that_tell_most(void **test)
{
    const struct support_gp_case c = { .n = 1500, .m = 90, .dim = 4, .k = 1, .shape = GP_RBF, .lengthscale = 2.5, .gauss = 1, .seed = 9 };
    struct support_gp s;
    struct gp_space space;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    for (int i = 0; i < 3; i++) {
        const double left = i == 0 ? 0.1 : i == 1 ? 0.01 : 1e-300;
        struct gp_principal p;

        support_ok(gp_principal_make(&p, &space, left, left, &s.env.env, &err), &err);
        assert_int_equal(p.size % GP_LANES, 0);
        assert_true(i < 2 ? p.size > 0 : p.size == 0); /* half of the coordinates at most */
        for (uint32_t a = 0; a < p.size; a++) {
            for (uint32_t b = 0; b < p.size; b++) {
                double sum = 0;

                for (uint32_t l = 0; l < p.m; l++) {
                    sum += p.basis[(a / GP_LANES * p.m + l) * GP_LANES + a % GP_LANES] * p.basis[(b / GP_LANES * p.m + l) * GP_LANES + b % GP_LANES];
                }
                assert_true(fabs(sum - (a == b)) < GP_PRINCIPAL_TRUST);
            }
        }
        if (i == 2) continue;
        assert_true(left_outside(&p, &s.points, p.size) < 1.3 * left);
        assert_true(p.size == GP_LANES || left_outside(&p, &s.points, p.size - GP_LANES) > 0.7 * left);
        gp_principal_free(&p);
    }
    gp_space_free(&space);
    support_gp_finish(&s);
}

/* Features that are all alike span one direction: no basis of more is made, and nothing fails. */
static void all_alike(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 40, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 1, .nugget = 0.5, .seed = 9 };
    struct support_gp s;
    struct gp_space space;
    struct gp_principal p;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    for (size_t i = 40; i < c.n * 40; i++) s.points.v[i] = s.points.v[i % 40];
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    support_ok(gp_principal_make(&p, &space, 0.01, 0.01, &s.env.env, &err), &err);
    if (p.size > 0) assert_true(left_outside(&p, &s.points, p.size) < 0.01);
    gp_principal_free(&p);
    gp_principal_free(&p);
    gp_space_free(&space);
    support_gp_finish(&s);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct gp_principal p;
    const int status = gp_principal_make(&p, ctx, 0.1, 0.1, env, err);

    gp_principal_free(&p);
    return status;
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 40, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 1, .seed = 2, .threads = 1 };
    struct support_gp s;
    struct gp_space space;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    assert_true(support_fail_each(&s.env, call, &space) >= 9);
    gp_space_free(&space);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_that_tell_most),
        cmocka_unit_test(all_alike),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
