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

/* What ascends goes in at once, and others find it as if it had been offered. */
static void test_sorted_at_once(void **state)
{
    enum { MOST = 70 };
    struct base_topk_entry once[BASE_TOPK_SORTED], single[BASE_TOPK_SORTED];
    double key[MOST];
    int64_t id[MOST];

    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        key[i] = (double)i / 4;
        id[i] = 1000 - (int64_t)(7 * i);
    }
    for (size_t k = 1; k <= BASE_TOPK_SORTED; k++) {
        for (size_t n = 1; n <= MOST; n += 3) {
            struct base_topk a, b;

            base_topk_start(&a, once, k);
            base_topk_start(&b, single, k);
            base_topk_offer_sorted(&a, key, id, n);
            for (size_t i = 0; i < n; i++) base_topk_offer(&b, key[i], id[i]);
            base_topk_offer(&a, key[0], 0);
            base_topk_offer(&b, key[0], 0);
            assert_int_equal(a.count, b.count);
            assert_int_equal(a.limit_id, b.limit_id);
            assert_true(a.limit == b.limit);
            base_topk_finish(&a);
            for (size_t i = 0; i < a.count; i++) {
                assert_true(once[i].key == single[i].key);
                assert_int_equal(once[i].id, single[i].id);
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
        cmocka_unit_test(test_sorted_at_once),
        cmocka_unit_test(test_ties_by_id),
        cmocka_unit_test(test_infinite_keys_enter),
        cmocka_unit_test(test_plain_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
