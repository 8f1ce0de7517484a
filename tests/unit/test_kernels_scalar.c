/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

static void the_bits_are_those_of_a_plain_loop(void **state)
{
    (void)state;
    if (!metric_kernels_choose(METRIC_SQUARES, METRIC_ISA_SCALAR)) skip(); /* the processor lacks them */
    for (int sum = 0; sum < METRIC_SUMS; sum++) assert_string_equal(metric_kernels_choose((enum metric_sum)sum, METRIC_ISA_SCALAR)->name, "scalar");
    support_kernels_check(METRIC_ISA_SCALAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_bits_are_those_of_a_plain_loop) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
