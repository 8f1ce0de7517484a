/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

/* The best that the processor has; the plain one is always there. */
static void the_best_is_chosen(void **state)
{
    const struct metric_kernels *best = metric_kernels_choose(METRIC_ISA_BEST), *widest = metric_kernels_choose(METRIC_ISA_AVX512);

    (void)state;
    assert_non_null(metric_kernels_choose(METRIC_ISA_SCALAR));
    if (!widest) widest = metric_kernels_choose(METRIC_ISA_AVX2);
    if (!widest) widest = metric_kernels_choose(METRIC_ISA_SCALAR);
    assert_ptr_equal(best, widest);
    support_kernels_check(best);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_best_is_chosen) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
