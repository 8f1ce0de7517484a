/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

static void as_plain_loops_give(void **test)
{
    (void)test;
    support_gp_tiles(gp_tiles_choose(METRIC_ISA_AVX512));
}

/* Some processors cannot add up four products of bytes at once. */
static void without_four_products_at_once(void **test)
{
    (void)test;
#if defined(__x86_64__)
    support_gp_tiles(gp_tiles_choose(METRIC_ISA_AVX512) ? &gp_tiles_avx512 : NULL);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_plain_loops_give), cmocka_unit_test(without_four_products_at_once) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
