/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

/* Hundreds of points at equal distance, more than are held: labels decide, whatever comes first. */
static void crowds(void **test)
{
    (void)test;
    for (int i = 0; i < 6; i++) {
        const struct support_gp_case c = { .n = 1500, .m = 3, .dim = 1, .k = (size_t)(i % 3 == 0 ? 1 : i % 3 == 1 ? 40 : 300),
                                           .shape = i < 3 ? GP_MATERN52 : GP_RBF, .lengthscale = i < 3 ? 1 : 0.01, .points = SUPPORT_GRID,
                                           .nugget = 0.1, .seed = 6 };
        struct support_gp s;

        support_gp_start(&s, &c);
        for (size_t j = 0; j < c.n; j++) s.points.x[j] = (double)(j % 3);
        for (size_t j = 3; j < c.n * 3; j++) s.points.v[j] = s.points.v[j % 9];
        for (size_t j = 0; j < c.n; j++) {
            s.points.p[j] = s.points.p[j % 3];
            s.points.isp[j] = s.points.isp[j % 3];
        }
        (void)support_gp_expect(&s, &c);
        support_gp_finish(&s);
    }
}

/* k as large as there are points, and larger. */
static void all_of_them(void **test)
{
    (void)test;
    for (size_t k = 198; k <= 202; k++) {
        const struct support_gp_case c = { .n = 200, .m = 5, .dim = 2, .k = k, .shape = GP_MATERN12, .lengthscale = 0.4, .seed = k };
        struct support_gp s;

        support_gp_start(&s, &c);
        (void)support_gp_expect(&s, &c);
        support_gp_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crowds),
        cmocka_unit_test(all_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
