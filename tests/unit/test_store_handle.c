/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <string.h>

static void wrong_arguments(void **state)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_store *store = (pcct_store *)&err;

    (void)state;
    support_api_start(&s, "euclidean");
    assert_int_equal(pcct_store_create(NULL, &create, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_store_create("x", &create, &err), PCCT_E_INVALID); /* no dimension */
    create.dim = METRIC_DIM_MAX + 1;
    assert_true(pcct_store_create("x", &create, &err) < 0);
    create.dim = 2;
    create.metric = "taxi";
    assert_int_equal(pcct_store_create("x", &create, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "taxi"));
    create.metric = NULL;
    assert_int_equal(pcct_store_create(s.path, &create, &err), PCCT_E_EXISTS);
    assert_int_equal(pcct_store_open(NULL, s.path, NULL, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_store_open(&store, s.folder, NULL, &err), PCCT_E_NOT_A_STORE);
    assert_null(store);
    open.threads = -1;
    assert_int_equal(pcct_store_open(&store, s.path, &open, &err), PCCT_E_INVALID);
    pcct_store_close(NULL);
    support_api_finish(&s);
}

static void it_says_what_it_is(void **state)
{
    static const double point[2] = { 60, 25 };
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct support_api s;

    (void)state;
    support_api_start(&s, "haversine");
    support_ok(pcct_store_describe(&info, s.store, &err), &err);
    assert_int_equal(info.dim, 2);
    assert_string_equal(info.metric, "haversine");
    assert_int_equal(info.seed, 3);
    assert_int_equal(info.head, 0);
    assert_int_equal(support_api_commit(&s, point, NULL, 1, NULL, 0), 1);
    support_ok(pcct_store_describe(&info, s.store, &err), &err);
    assert_int_equal(info.head, 1);
    assert_true(info.journal_bytes > 0 && info.disk_bytes >= info.journal_bytes);
    info.size = 0;
    assert_int_equal(pcct_store_describe(&info, s.store, &err), PCCT_E_INVALID);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(wrong_arguments), cmocka_unit_test(it_says_what_it_is) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
