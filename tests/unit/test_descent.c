/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

/* Each bound does its part: how much is evaluated, of all pairs; the answers are compared in any case. */
static void expect_share(const struct support_gp_case *c, double most, int enveloped)
{
    struct support_gp s;
    struct gp_work work;

    support_gp_start(&s, c);
    work = support_gp_expect(&s, c);
    if ((double)work.pairs > most * (double)c->n * (double)c->n) {
        fail_msg("%.3f of all pairs were evaluated, at most %.3f wanted", (double)work.pairs / (double)(c->n * c->n), most);
    }
    if (enveloped) assert_true(work.enveloped > 0);
    support_gp_finish(&s);
}

static void smooth_kernels_by_pivots(void **test)
{
    const struct support_gp_case c = { .n = 8000, .m = 60, .dim = 2, .k = 20, .shape = GP_MATERN52, .lengthscale = 1, .gauss = 1, .seed = 1 };

    (void)test;
    expect_share(&c, 0.16, 0);
}

static void short_kernels_by_their_envelope(void **test)
{
    const struct support_gp_case c = { .n = 8000, .m = 60, .dim = 2, .k = 10, .shape = GP_MATERN12, .lengthscale = 0.05, .seed = 1 };

    (void)test;
    expect_share(&c, 0.2, 1);
}

static void from_outside(void **test)
{
    const struct support_gp_case c = { .n = 8000, .nq = 2000, .m = 60, .dim = 2, .k = 20, .shape = GP_MATERN32, .lengthscale = 0.5, .seed = 1 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    assert_true(support_gp_expect(&s, &c).pairs < 2000u * 8000u / 4);
    support_gp_finish(&s);
}

static void custom_kernels_by_pivots(void **test)
{
    const struct support_gp_case c = { .n = 3000, .m = 30, .dim = 1, .k = 5, .shape = GP_CUSTOM, .lengthscale = 1, .gauss = 1, .seed = 1 };

    (void)test;
    expect_share(&c, 0.5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_kernels_by_pivots),
        cmocka_unit_test(short_kernels_by_their_envelope),
        cmocka_unit_test(from_outside),
        cmocka_unit_test(custom_kernels_by_pivots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
