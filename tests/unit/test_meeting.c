/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

/*
 * Each point is looked at for the queries that its own coordinates leave, and for no others: of 8000 in three dimensions a few per cent, in single
 * precision and, where p is too small for it, in double. Inducing points leave lanes without a point in many blocks: those are nobody's.
 */
static void points_have_their_own_queries(void **test)
{
    struct support_gp_case c = { .n = 8000, .m = 60, .dim = 3, .k = 10, .shape = GP_MATERN52, .lengthscale = 1, .gauss = 1, .seed = 3 };

    (void)test;
    for (int i = 0; i < 4; i++) {
        struct support_gp s;
        struct gp_work work;

        c.shape = i % 2 == 0 ? GP_MATERN52 : GP_RBF;
        c.m = i % 2 == 0 ? 60 : 200;
        c.predecessors = i / 2;
        support_gp_start(&s, &c);
        work = support_gp_expect(&s, &c);
        assert_int_equal(work.filtered, i % 2 == 0);
        if ((double)work.pairs > (c.predecessors ? 0.14 : 0.11) * (double)c.n * (double)c.n) {
            fail_msg("case %d: %.3f of all pairs were evaluated", i, (double)work.pairs / (double)(c.n * c.n));
        }
        support_gp_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(points_have_their_own_queries) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
