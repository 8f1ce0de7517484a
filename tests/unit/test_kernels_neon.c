/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

static void the_bits_are_those_of_a_plain_loop(void **state)
{
    (void)state;
    if (!metric_kernels_choose(METRIC_SQUARES, METRIC_ISA_NEON)) skip(); /* another kind of processor */
    for (int sum = 0; sum < METRIC_SUMS; sum++) assert_string_equal(metric_kernels_choose((enum metric_sum)sum, METRIC_ISA_NEON)->name, "neon");
    support_kernels_check(METRIC_ISA_NEON);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_bits_are_those_of_a_plain_loop) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
