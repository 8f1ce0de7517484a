/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <pcct/prune.h>

#include <pthread.h>
#include <stdatomic.h>
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

static atomic_int done;

/* Every version but the newest goes at once. */
static void *replace_versions(void *ctx)
{
    struct pcct_prune_options prune = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    prune.keep_last = 1;
    for (int i = 0; i < 80; i++) {
        support_api_commit(ctx, NULL, NULL, 0, NULL, 0);
        support_ok(pcct_prune(NULL, ((struct support_api *)ctx)->store, &prune, &err), &err);
    }
    done = 1;
    return NULL;
}

static void *open_main(void *ctx)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    pcct_view *view = NULL;

    options.threads = 1;
    support_ok(pcct_store_open(&store, ((struct support_api *)ctx)->path, &options, &err), &err);
    while (!done) {
        const int status = pcct_view_open(&view, store, "main", &err);

        if (status != 0) fail_msg("%d: %s", status, err.message);
        pcct_view_close(view);
    }
    pcct_store_close(store);
    return NULL;
}

/* Whoever asks for a name gets what it leads to, although versions that it led to a moment ago are gone. More threads than processors: so some have
 * to wait between the two. */
static void a_name_is_there_though_versions_go(void **state)
{
    enum { READERS = 8 };
    struct support_api s;
    pthread_t thread[READERS + 1];

    (void)state;
    start(&s);
    done = 0;
    for (int i = 0; i <= READERS; i++) assert_int_equal(pthread_create(&thread[i], NULL, i == 0 ? replace_versions : open_main, &s), 0);
    for (int i = 0; i <= READERS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_ascend_with_their_points), cmocka_unit_test(points_are_found_by_label), cmocka_unit_test(it_says_what_it_is),
        cmocka_unit_test(a_name_is_there_though_versions_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
