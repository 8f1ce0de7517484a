/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/flats.h"

#include <math.h>

/* Of each flat point and each leaf: at least the greatest |rho|, and next to it. */
static void the_greatest(void **test)
{
    const struct support_gp_case c = { .n = 1200, .m = 150, .dim = 2, .k = 1, .shape = GP_MATERN32, .lengthscale = 0.3, .seed = 4 };
    struct support_gp s;
    struct gp_space space;
    struct gp_flats flats;
    struct pcct_error err = { 0, "" };
    uint32_t points = 0;

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    assert_true(space.flats >= 2);
    support_ok(gp_flats_make(&flats, &space, &s.env.env, &err), &err);
    assert_int_equal(flats.lanes, space.flats * GP_BLOCK);
    for (uint32_t lane = 0; lane < flats.lanes; lane++) {
        const uint32_t id = space.id[(size_t)space.blocks * GP_BLOCK + lane];

        points += id != GP_NONE;
        for (uint32_t block = 0; block < space.blocks; block++) {
            const double most = (double)flats.most[(size_t)block * flats.lanes + lane];
            double greatest = 0;

            for (size_t i = (size_t)block * GP_BLOCK; i < ((size_t)block + 1) * GP_BLOCK && id != GP_NONE; i++) {
                if (space.id[i] != GP_NONE) greatest = fmax(greatest, fabs(support_gp_rho(&s.points, id, &s.points, space.id[i])));
            }
            assert_true(most >= greatest && most <= greatest * (1 + 1e-5));
        }
    }
    assert_true(points >= 100 && points % GP_ROWS != 0);
    gp_flats_free(&flats);
    gp_flats_free(&flats);
    gp_space_free(&space);
    support_gp_finish(&s);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct gp_flats flats;
    const int status = gp_flats_make(&flats, ctx, env, err);

    gp_flats_free(&flats);
    return status;
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 20, .dim = 2, .k = 1, .shape = GP_MATERN32, .lengthscale = 0.3, .seed = 4 };
    struct support_gp s;
    struct gp_space space;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    assert_int_equal(support_fail_each(&s.env, call, &space), 1);
    gp_space_free(&space);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greatest),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
