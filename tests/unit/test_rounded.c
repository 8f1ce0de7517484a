/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/rounded.h"

#include <math.h>
#include <stdlib.h>

/* The filter's rho of all pairs differ from rho by no more than is said, far from the origin too. */
static void within_what_is_said(void **test)
{
    (void)test;
    for (int shape = 0; shape < GP_SHAPES; shape++) {
        const struct support_gp_case c = { .n = 260, .m = 12, .dim = 3, .k = 1, .shape = (enum gp_shape)shape, .lengthscale = 0.3, .gauss = shape & 1,
                                           .variance = 37, .seed = (uint64_t)shape + 1 };
        struct support_gp s;
        struct gp_space space;
        struct gp_rounded rounded;
        struct pcct_error err = { 0, "" };
        double centre[3], worst = 0;
        struct gp_rounded_frame frame;

        support_gp_start(&s, &c);
        for (size_t i = 0; i < c.n * 3; i++) s.points.x[i] += 1000;
        support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
        gp_rounded_frame(&frame, centre, &space);
        assert_true(fabs(centre[0] - 1000) < 10 && frame.bound < 1e-4);
        support_ok(gp_rounded_make(&rounded, &space, &frame, GP_ROUNDED_PANELS_TOO, &s.env.env, &err), &err);
        for (size_t q = 0; q < (size_t)space.blocks * GP_BLOCK; q++) {
            const struct gp_rounded_row row = gp_rounded_row_at(&rounded, q);

            for (size_t panel = 0; panel < (size_t)space.blocks * GP_ROUNDED_PANELS && space.id[q] != GP_NONE; panel++) {
                const struct gp_rounded_panel at = gp_rounded_panel_at(&rounded, panel);
                _Alignas(64) float rho[GP_ROUNDED_LANES];

                s.points.tiles->filter(rho, &row, 1, &at, &s.points.form);
                for (size_t i = 0; i < GP_ROUNDED_LANES; i++) {
                    const uint32_t id = space.id[panel * GP_ROUNDED_LANES + i];

                    if (id == GP_NONE) {
                        assert_true(isnan(rho[i]));
                        continue;
                    }
                    worst = fmax(worst, fabs((double)rho[i] - support_gp_rho(&s.points, space.id[q], &s.points, id))
                                            / (double)(row.error * at.error[i] + GP_ROUNDED_MARGIN));
                }
            }
        }
        assert_true(worst <= 1 && worst > 1e-3);
        gp_rounded_free(&rounded);
        gp_space_free(&space);
        support_gp_finish(&s);
    }
}

/* Rounding does more to points that reach further: a frame does not hold for the same features at coordinates that are a thousand times as far. */
static void far_points_are_not_covered(void **test)
{
    const struct support_gp_case c = { .n = 260, .m = 12, .dim = 3, .k = 1, .shape = GP_MATERN32, .lengthscale = 0.3, .seed = 3 };
    struct support_gp s;
    struct gp_space space, far;
    struct gp_rounded_frame frame;
    struct pcct_error err = { 0, "" };
    double centre[3];

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    gp_rounded_frame(&frame, centre, &space);
    assert_true(gp_rounded_covers(&frame, &space));
    gp_space_free(&space);
    for (size_t i = 0; i < c.n * 3; i++) s.points.x[i] *= 1000;
    support_ok(gp_space_make(&far, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    assert_false(gp_rounded_covers(&frame, &far));
    gp_space_free(&far);
    support_gp_finish(&s);
}

/* A frame has room for queries somewhat outside, not for those far off. */
static void covers(void **test)
{
    const struct support_gp_case c = { .n = 300, .nq = 70, .m = 20, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 0.3, .seed = 1 };
    struct support_gp s;
    struct gp_rounded_frame frame;
    double centre[2];

    (void)test;
    support_gp_start(&s, &c);
    for (int far = 0; far < 2; far++) {
        struct gp_space space, queries;
        struct pcct_error err = { 0, "" };

        for (size_t i = 0; i < c.nq * 2; i++) s.queries.x[i] += far * 1e4;
        support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
        support_ok(gp_space_make(&queries, &s.queries, s.member, c.nq, NULL, &s.env.env, &err), &err);
        gp_rounded_frame(&frame, centre, &space);
        assert_int_equal(gp_rounded_covers(&frame, &queries), !far);
        gp_space_free(&queries);
        gp_space_free(&space);
    }
    support_gp_finish(&s);
}

static void used_where_rounding_is_small(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 20, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 0.3, .seed = 1 };
    struct support_gp s;
    struct gp_space space;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    assert_true(gp_rounded_fits(&space, 1e-9));
    assert_false(gp_rounded_fits(&space, 0.1));
    assert_false(gp_rounded_fits(&space, (double)NAN));
    s.points.form.shape = GP_CUSTOM;
    assert_false(gp_rounded_fits(&space, 1e-9));
    gp_space_free(&space);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_what_is_said),
        cmocka_unit_test(far_points_are_not_covered),
        cmocka_unit_test(covers),
        cmocka_unit_test(used_where_rounding_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
