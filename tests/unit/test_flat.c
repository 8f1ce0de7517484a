/* SPDX-License-Identifier: Apache-2.0 */
#include "support_flat.h"

/* Whatever is asked for, a table is chosen that this processor can run; plain kernels where these are asked for, by itself the best. */
static void every_choice_can_be_run(void **state)
{
    static const enum metric_isa isas[] = { METRIC_ISA_SCALAR, METRIC_ISA_AVX2, METRIC_ISA_AVX512, METRIC_ISA_NEON, METRIC_ISA_BEST };

    (void)state;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) support_flat_check(metric_flat_choose(isas[i]));
    assert_string_equal(metric_flat_choose(METRIC_ISA_SCALAR)->name, "plain");
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) assert_string_equal(metric_flat_choose(METRIC_ISA_AVX2)->name, "avx2");
    assert_ptr_equal(metric_flat_choose(METRIC_ISA_BEST), metric_flat_choose(METRIC_ISA_AVX512));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_choice_can_be_run) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
