/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <string.h>

static void the_best_there_is_is_chosen(void **test)
{
    const struct gp_tiles *best = gp_tiles_choose(METRIC_ISA_BEST), *avx2 = gp_tiles_choose(METRIC_ISA_AVX2),
                          *avx512 = gp_tiles_choose(METRIC_ISA_AVX512);

    (void)test;
    assert_non_null(best);
    assert_string_equal(gp_tiles_choose(METRIC_ISA_SCALAR)->name, "scalar");
    if (avx512) assert_ptr_equal(best, avx512);
    else if (avx2) assert_ptr_equal(best, avx2);
    if (avx2) assert_string_equal(avx2->name, "avx2");
    if (avx512) assert_true(strcmp(avx512->name, "avx512") == 0 || strcmp(avx512->name, "avx512vnni") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_best_there_is_is_chosen) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
