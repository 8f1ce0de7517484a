/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <string.h>

static const double four[8] = { 0, 0, 1, 0, 0, 1, 1, 1 };
static const int64_t labels[4] = { 7, -5, INT64_MIN, 1000 };

static void start(struct support_api *s)
{
    static const int64_t gone[1] = { 1000 };

    support_api_start(s, "euclidean");
    support_api_commit(s, four, labels, 4, NULL, 0);
    support_api_commit(s, NULL, NULL, 0, gone, 1);
}

static void labels_ascend_with_their_points(void **state)
{
    int64_t got[4] = { 0 };
    double points[8] = { 0 };
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_view *view = NULL;

    (void)state;
    start(&s);
    support_ok(pcct_view_open(&view, s.store, "v1", &err), &err);
    support_ok(pcct_view_read(got, points, view, &err), &err);
    assert_memory_equal(got, ((int64_t[]){ INT64_MIN, -5, 7, 1000 }), sizeof got);
    assert_memory_equal(points, ((double[]){ 0, 1, 1, 0, 0, 0, 1, 1 }), sizeof points);
    pcct_view_close(view);
    support_ok(pcct_view_open(&view, s.store, NULL, &err), &err); /* the head, without 1000 */
    got[3] = 4;
    support_ok(pcct_view_read(got, NULL, view, &err), &err);
    assert_memory_equal(got, ((int64_t[]){ INT64_MIN, -5, 7, 4 }), sizeof got);
    pcct_view_close(view);
    pcct_view_close(NULL);
    support_api_finish(&s);
}

static void points_are_found_by_label(void **state)
{
    static const int64_t asked[2] = { -5, 7 }, dead[2] = { 7, 1000 };
    double points[4] = { 0 };
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_view *view = NULL;

    (void)state;
    start(&s);
    support_ok(pcct_view_open(&view, s.store, "main", &err), &err);
    support_ok(pcct_view_find(points, view, asked, 2, &err), &err);
    assert_memory_equal(points, ((double[]){ 1, 0, 0, 0 }), sizeof points);
    assert_int_equal(pcct_view_find(points, view, dead, 2, &err), PCCT_E_UNKNOWN);
    assert_non_null(strstr(err.message, "1000"));
    assert_non_null(strstr(err.message, "v2"));
    pcct_view_close(view);
    support_api_finish(&s);
}

static void it_says_what_it_is(void **state)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_view *view = NULL;

    (void)state;
    start(&s);
    support_ok(pcct_view_open(&view, s.store, "main", &err), &err);
    assert_int_equal(pcct_view_describe(&info, view), 0);
    assert_int_equal(info.version, 2);
    assert_int_equal(info.n_live, 3);
    assert_int_equal(info.n_rows, 4);
    assert_int_equal(info.dim, 2);
    assert_true(info.levels >= 2 && info.level_max > info.level_min && info.blocks == 1 && info.layout_bytes < info.memory_bytes);
    pcct_view_close(view);
    support_ok(pcct_view_open(&view, s.store, "v0", &err), &err);
    assert_int_equal(pcct_view_describe(&info, view), 0);
    assert_int_equal(info.n_live, 0);
    assert_int_equal(info.levels, 0);
    assert_true(info.root_label == -1);
    pcct_view_close(view);
    view = (pcct_view *)&info;
    assert_int_equal(pcct_view_open(&view, s.store, "v9", &err), PCCT_E_NOT_FOUND);
    assert_null(view);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_ascend_with_their_points), cmocka_unit_test(points_are_found_by_label), cmocka_unit_test(it_says_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
