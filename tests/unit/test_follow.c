/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <pthread.h>
#include <unistd.h>

static const double point[2] = { 1, 2 };

static void it_returns_when_there_is_something(void **state)
{
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t version = 99, began;

    (void)state;
    support_api_start(&s, "euclidean");
    support_ok(pcct_follow(&version, s.store, NULL, 0, 0, &err), &err);
    assert_int_equal(version, 0);
    began = base_os_ticks_ns(&s.env.os);
    support_ok(pcct_follow(&version, s.store, "main", 0, 120, &err), &err);
    assert_true(base_os_ticks_ns(&s.env.os) - began >= 120000000);
    assert_int_equal(version, 0);
    support_api_commit(&s, point, NULL, 1, NULL, 0);
    support_ok(pcct_follow(&version, s.store, "main", 0, -1, &err), &err);
    assert_int_equal(version, 1);
    support_ok(pcct_follow(&version, s.store, "main", 7, -1, &err), &err); /* elsewhere is elsewhere */
    assert_int_equal(version, 1);
    assert_int_equal(pcct_follow(&version, s.store, "twig", 0, -1, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(pcct_follow(NULL, s.store, "main", 0, -1, &err), PCCT_E_INVALID);
    assert_int_equal(pcct_readers(s.store, NULL, NULL, &err), PCCT_E_INVALID);
    support_api_finish(&s);
}

static void *commit_ten(void *ctx)
{
    for (int i = 0; i < 10; i++) {
        usleep(3000);
        support_api_commit(ctx, point, NULL, 1, NULL, 0);
    }
    return NULL;
}

/* Another handle sees each commit, in order, without missing the last. */
static void another_handle_is_woken(void **state)
{
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_store *other = NULL;
    pthread_t thread;
    uint64_t version = 0;

    (void)state;
    support_api_start(&s, "euclidean");
    support_ok(pcct_store_open(&other, s.path, NULL, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, commit_ten, &s), 0);
    while (version < 10) {
        uint64_t after = version;

        support_ok(pcct_follow(&version, other, NULL, after, -1, &err), &err);
        assert_true(version > after && version <= 10);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    pcct_store_close(other);
    support_api_finish(&s);
}

struct seen {
    uint64_t versions;
    int readers, stop_at;
};

static int see(void *ctx, const struct pcct_reader *reader)
{
    struct seen *seen = ctx;

    assert_int_equal(reader->pid, getpid());
    assert_true(reader->since_ns > 0);
    seen->versions |= UINT64_C(1) << reader->version;
    return ++seen->readers == seen->stop_at;
}

static void open_views_are_told(void **state)
{
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_view *old = NULL, *same = NULL;
    struct seen seen = { 0, 0, 0 };

    (void)state;
    support_api_start(&s, "euclidean");
    for (int i = 0; i < 3; i++) support_api_commit(&s, point, NULL, 1, NULL, 0);
    support_ok(pcct_view_open(&old, s.store, "v1", &err), &err);
    support_ok(pcct_view_open(&same, s.store, "v1", &err), &err);
    support_ok(pcct_readers(s.store, see, &seen, &err), &err);
    assert_int_equal(seen.versions, 1 << 1 | 1 << 3); /* and the head, which is at hand */
    assert_int_equal(seen.readers, 2);
    pcct_view_close(old);
    seen = (struct seen){ 0, 0, 1 };
    support_ok(pcct_readers(s.store, see, &seen, &err), &err);
    assert_int_equal(seen.readers, 1);
    pcct_view_close(same);
    seen = (struct seen){ 0, 0, 0 };
    support_ok(pcct_readers(s.store, see, &seen, &err), &err);
    assert_int_equal(seen.versions, 1 << 3);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_returns_when_there_is_something), cmocka_unit_test(another_handle_is_woken), cmocka_unit_test(open_views_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
