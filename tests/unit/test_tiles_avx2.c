/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

static void as_plain_loops_give(void **test)
{
    (void)test;
    support_gp_tiles(gp_tiles_choose(METRIC_ISA_AVX2));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_plain_loops_give) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
