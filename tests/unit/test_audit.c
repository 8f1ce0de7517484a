/* SPDX-License-Identifier: Apache-2.0 */
/* Built with the search's sources once more, which here evaluate every pair that they pass over and abort at one that belongs to an answer. */
#include "support_gp.h"

enum { PROBLEMS = 300, BROUGHT = 40, WIDE = 8 };

static void nothing_is_passed_over_wrongly(void **test)
{
    (void)test;
    for (uint64_t seed = 1; seed <= PROBLEMS; seed++) {
        const struct support_gp_case c = support_gp_any(seed * 7919);
        struct support_gp s;

        support_gp_start(&s, &c);
        (void)support_gp_expect(&s, &c);
        support_gp_finish(&s);
    }
}

static void nor_with_features_that_were_brought(void **test)
{
    (void)test;
    for (uint64_t seed = 1; seed <= BROUGHT; seed++) {
        const struct support_gp_case c = support_gp_brought(seed, SUPPORT_GP_KERNELS);
        struct support_gp s;

        support_gp_start(&s, &c);
        (void)support_gp_expect(&s, &c);
        support_gp_finish(&s);
    }
}

static void nor_by_principal_coordinates(void **test)
{
    int cascaded = 0;

    (void)test;
    for (uint64_t seed = 1; seed <= WIDE; seed++) {
        const struct support_gp_case c = support_gp_wide(seed * 104729);
        struct support_gp s;

        support_gp_start(&s, &c);
        cascaded += support_gp_expect(&s, &c).cascaded;
        support_gp_finish(&s);
    }
    assert_true(cascaded > WIDE / 2);
}

/* Enough points for groups of blocks to exclude each other. */
static void nor_by_groups(void **test)
{
    (void)test;
    for (int predecessors = 0; predecessors < 2; predecessors++) {
        const struct support_gp_case c = { .n = 12000, .m = 30, .dim = 2, .k = 60, .shape = GP_MATERN32, .lengthscale = 0.15,
                                           .predecessors = predecessors, .seed = 1 };
        struct support_gp s;

        support_gp_start(&s, &c);
        assert_true(support_gp_expect(&s, &c).nodes < 188 * 188 / 2); /* of 188 blocks */
        support_gp_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_passed_over_wrongly),
        cmocka_unit_test(nor_with_features_that_were_brought),
        cmocka_unit_test(nor_by_principal_coordinates),
        cmocka_unit_test(nor_by_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
