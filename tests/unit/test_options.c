/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <string.h>

struct wanted {
    size_t size;
    int number, other;
};

static void nothing_is_all_zero(void **state)
{
    struct wanted w = { 9, 9, 9 };
    struct pcct_error err = { 0, "" };

    (void)state;
    support_ok(api_options_read(&w, sizeof w, NULL, "x", &err), &err);
    assert_int_equal(w.number, 0);
    assert_int_equal(w.other, 0);
}

/* A caller built against an older header gives fewer bytes; one against a newer header more, which must be zero. */
static void sizes_of_other_times(void **state)
{
    struct {
        struct wanted w;
        int later;
    } longer = { { sizeof longer, 7, 8 }, 0 };
    struct wanted shorter = { offsetof(struct wanted, other), 5, 6 }, w;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_ok(api_options_read(&w, sizeof w, &shorter, "x", &err), &err);
    assert_int_equal(w.number, 5);
    assert_int_equal(w.other, 0);
    support_ok(api_options_read(&w, sizeof w, &longer, "x", &err), &err);
    assert_int_equal(w.number, 7);
    assert_int_equal(w.other, 8);
    longer.later = 1;
    assert_int_equal(api_options_read(&w, sizeof w, &longer, "the options of x", &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "the options of x"));
    for (size_t size = 0; size < sizeof(size_t); size++) {
        shorter.size = size;
        assert_int_equal(api_options_read(&w, sizeof w, &shorter, "x", &err), PCCT_E_INVALID);
    }
    shorter.size = SIZE_MAX;
    assert_int_equal(api_options_read(&w, sizeof w, &shorter, "x", &err), PCCT_E_INVALID);
}

static void results_stay_within_the_callers_size(void **state)
{
    struct wanted ours = { 0, 1, 2 }, theirs = { offsetof(struct wanted, other), 0, 77 };

    (void)state;
    assert_int_equal(api_result_write(&theirs, &ours, sizeof ours), 0);
    assert_int_equal(theirs.number, 1);
    assert_int_equal(theirs.other, 77);
    assert_int_equal(theirs.size, offsetof(struct wanted, other));
    theirs.size = 0;
    assert_int_equal(api_result_write(&theirs, &ours, sizeof ours), PCCT_E_INVALID);
    assert_int_equal(api_result_write(NULL, &ours, sizeof ours), PCCT_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_all_zero), cmocka_unit_test(sizes_of_other_times), cmocka_unit_test(results_stay_within_the_callers_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
