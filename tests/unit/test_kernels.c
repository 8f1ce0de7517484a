/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

/* The best that the processor has; the plain one is always there. */
static void the_best_is_chosen(void **state)
{
    (void)state;
    for (int i = 0; i < METRIC_SUMS; i++) {
        const enum metric_sum sum = (enum metric_sum)i;
        const struct metric_kernels *widest = metric_kernels_choose(sum, METRIC_ISA_AVX512);

        assert_non_null(metric_kernels_choose(sum, METRIC_ISA_SCALAR));
        if (!widest) widest = metric_kernels_choose(sum, METRIC_ISA_AVX2);
        if (!widest) widest = metric_kernels_choose(sum, METRIC_ISA_NEON);
        if (!widest) widest = metric_kernels_choose(sum, METRIC_ISA_SCALAR);
        assert_ptr_equal(metric_kernels_choose(sum, METRIC_ISA_BEST), widest);
        for (int other = 0; other < i; other++) assert_ptr_not_equal(metric_kernels_choose((enum metric_sum)other, METRIC_ISA_BEST), widest);
    }
    support_kernels_check(METRIC_ISA_BEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_best_is_chosen) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
