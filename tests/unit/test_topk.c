/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    return base_topk_less(a, b) ? -1 : base_topk_less(b, a);
}

/* All counts of entries against all k around them, keys with many ties, against a full sort. */
static void test_against_sort(void **state)
{
    enum { MOST = 150 };
    struct base_topk_entry all[MOST], entry[MOST + 2];
    struct base_random random;

    (void)state;
    base_random_seed(&random, 1);
    for (size_t n = 0; n < MOST; n += 1 + n / 8) {
        for (size_t k = 1; k <= n + 2; k++) {
            struct base_topk top;

            base_topk_start(&top, entry, k);
            for (size_t i = 0; i < n; i++) {
                all[i] = (struct base_topk_entry){(double)base_random_below(&random, 7), (int64_t)base_random_below(&random, 1000) - 500};
                base_topk_offer(&top, all[i].key, all[i].id);
            }
            qsort(all, n, sizeof(all[0]), compare);
            assert_int_equal(top.count, n < k ? n : k);
            if (n >= k) {
                assert_true(top.limit == all[k - 1].key);
                assert_int_equal(top.limit_id, all[k - 1].id);
            } else {
                assert_true(isinf(top.limit) && top.limit > 0);
                assert_int_equal(top.limit_id, INT64_MAX);
            }
            base_topk_finish(&top);
            for (size_t i = 0; i < top.count; i++) {
                assert_true(entry[i].key == all[i].key);
                assert_int_equal(entry[i].id, all[i].id);
            }
        }
    }
}

static void test_ties_by_id(void **state)
{
    struct base_topk_entry entry[2];
    struct base_topk top;

    (void)state;
    base_topk_start(&top, entry, 2);
    base_topk_offer(&top, 1, 30);
    base_topk_offer(&top, 1, 20);
    base_topk_offer(&top, 1, 40); /* stays out: greater than both */
    assert_int_equal(top.limit_id, 30);
    base_topk_offer(&top, 1, 10);
    assert_int_equal(top.limit_id, 20);
    base_topk_finish(&top);
    assert_int_equal(entry[0].id, 10);
    assert_int_equal(entry[1].id, 20);
}

static void test_infinite_keys_enter(void **state)
{
    struct base_topk_entry entry[2];
    struct base_topk top;

    (void)state;
    base_topk_start(&top, entry, 2);
    base_topk_offer(&top, (double)INFINITY, 2);
    base_topk_offer(&top, (double)INFINITY, 1);
    base_topk_offer(&top, 5, 3);
    base_topk_finish(&top);
    assert_int_equal(entry[0].id, 3);
    assert_int_equal(entry[1].id, 1);
}

static void test_plain_sort(void **state)
{
    enum { MOST = 300 };
    struct base_topk_entry all[MOST + 1], entry[MOST + 1];
    struct base_random random;

    (void)state;
    base_random_seed(&random, 2);
    for (size_t n = 0; n <= MOST; n += 1 + n / 8) {
        for (size_t i = 0; i < n; i++) {
            all[i] = entry[i] = (struct base_topk_entry){(double)base_random_below(&random, 20), (int64_t)base_random_below(&random, 1000) - 500};
        }
        qsort(all, n, sizeof(all[0]), compare);
        base_topk_sort(entry, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(entry[i].key == all[i].key);
            assert_int_equal(entry[i].id, all[i].id);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_sort),
        cmocka_unit_test(test_ties_by_id),
        cmocka_unit_test(test_infinite_keys_enter),
        cmocka_unit_test(test_plain_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
