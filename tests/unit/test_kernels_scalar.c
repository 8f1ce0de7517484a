/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

static void the_bits_are_those_of_a_plain_loop(void **state)
{
    const struct metric_kernels *kernels = metric_kernels_choose(METRIC_ISA_SCALAR);

    (void)state;
    if (!kernels) skip(); /* the processor lacks them */
    assert_string_equal(kernels->name, "scalar");
    support_kernels_check(kernels);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_bits_are_those_of_a_plain_loop) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
