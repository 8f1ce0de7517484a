/* SPDX-License-Identifier: Apache-2.0 */
#include "support_flat.h"

#include <string.h>

static void the_sums_are_those_of_a_plain_loop(void **state)
{
    (void)state;
    if (strcmp(metric_flat_choose(METRIC_ISA_AVX512)->name, "avx512vnni") != 0) skip(); /* the processor lacks them */
    support_flat_check(metric_flat_choose(METRIC_ISA_AVX512));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_sums_are_those_of_a_plain_loop) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
