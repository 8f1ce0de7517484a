/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSIONS = 300, ANCHOR = 250, BYTES = 9000 }; /* three segments */

static struct support_env support;
static struct support_store s;
static struct store_version record[VERSIONS + 1];

static int set_up(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 2);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, ANCHOR, BYTES);
    support_anchor(store, ANCHOR);
    support_commit(store, VERSIONS - ANCHOR, BYTES);
    for (uint64_t v = 1; v <= VERSIONS; v++) support_ok(store_version(&record[v], NULL, store, v, &err), &err);
    store_close(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

/* Everything about every version is as it was, and more can be committed. */
static void check_all(uint64_t versions, uint64_t lost)
{
    struct store *store = NULL;
    struct store_version out;
    struct base_vector path = {.item_bytes = 8};
    struct pcct_error err;
    uint64_t head = 0, anchor = 0;
    int found = 0;

    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_head(&head, store, "main", &err), &err);
    assert_int_equal(head, versions);
    for (uint64_t v = 1; v <= versions; v++) {
        if (v == lost) continue;
        support_ok(support_check(store, v, BYTES, &err), &err);
        support_ok(store_version(&out, NULL, store, v, &err), &err);
        if (lost == 0) assert_memory_equal(&out, &record[v], sizeof(out));
        support_ok(store_write_id(&found, &out, store, record[v].write_id, &err), &err);
        assert_true(found && out.version == v);
    }
    support_ok(store_path(&anchor, &path, store, versions, &err), &err);
    assert_int_equal(anchor, versions > ANCHOR ? ANCHOR : 0);
    assert_int_equal(path.count, versions - anchor);
    for (uint64_t i = 0; i < path.count; i++) assert_int_equal(((uint64_t *)path.memory.data)[i], anchor + 1 + i);
    if (anchor && lost == 0) {
        store_anchor_reject(store, anchor);
        support_ok(store_path(&anchor, &path, store, versions, &err), &err);
        assert_int_equal(anchor, 0);
        assert_int_equal(path.count, versions);
    }
    support_ok(store_revision(&head, store, "main~100", &err), &err);
    assert_int_equal(head, versions - 100);
    base_vector_free(&path, &support.env);
    store_close(store);
}

static void move_catalogue_away(void)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/catalogue.mdb", s.path);
    assert_int_equal(unlink(path), 0);
}

/* Each old catalogue is kept under a name of its own; LOCK comes back too. */
static void test_rebuild(void **state)
{
    static const char *const kept[] = {"catalogue.mdb.damaged", "catalogue.mdb.damaged.2"};
    struct store_fsck fsck;
    char first[256], path[400];
    uint8_t *bytes;
    size_t n;

    (void)state;
    for (int i = 0; i < 3; i++) {
        if (i == 1) support_file_write(&s, "catalogue.mdb", "this is no catalogue", 20);
        if (i == 2) move_catalogue_away();
        snprintf(path, sizeof(path), "%s/LOCK", s.path);
        if (i == 1) assert_int_equal(unlink(path), 0);
        assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
        assert_string_equal(first, "");
        assert_int_equal(fsck.versions, VERSIONS);
        assert_int_equal(fsck.versions_readable, VERSIONS);
        assert_int_equal(fsck.anchors, 1);
        check_all(VERSIONS, 0);
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof(path), "%s/%s", s.path, kept[k]);
            assert_int_equal(access(path, F_OK) == 0, k <= i);
        }
        snprintf(path, sizeof(path), "%s/catalogue.mdb.damaged.3", s.path);
        assert_int_not_equal(access(path, F_OK), 0);
        snprintf(path, sizeof(path), "%s/catalogue.mdb.new", s.path);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    bytes = support_file_read(&n, &s, "catalogue.mdb.damaged.2");
    assert_int_equal(n, 20);
    free(bytes);
}

static void keep_note(void *ctx, int damaged, const char *text)
{
    if (!damaged && strstr(text, "acknowledged")) snprintf(ctx, 256, "%s", text);
}

/* A whole frame behind the tail: left out while the old catalogue can be read, kept and named when it cannot. */
static void test_unacknowledged(void **state)
{
    struct pcct_error err;
    struct store_fsck fsck;
    struct store *store = NULL;
    uint8_t *before;
    size_t n;
    uint64_t head = 0;
    char note[256];

    (void)state;
    before = support_file_read(&n, &s, "catalogue.mdb");
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, BYTES);
    store_close(store);
    support_file_write(&s, "catalogue.mdb", before, n); /* as if the commit had been killed before its end */
    free(before);
    for (int lost = 0; lost < 2; lost++) {
        if (lost) move_catalogue_away();
        note[0] = '\0';
        fsck = (struct store_fsck){.report = keep_note, .ctx = note, .rebuild = 1};
        support_ok(store_fsck(&fsck, s.path, &support.env, &err), &err);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        support_ok(store_head(&head, store, "main", &err), &err);
        assert_int_equal(head, VERSIONS + (lost ? 1 : 0));
        assert_int_equal(strncmp(note, "v301 was written whole", 22) == 0, lost);
        store_close(store);
    }
}

/* Fewer versions than a readable catalogue has: it stays, byte for byte, and nothing lies about. */
static void test_fewer(void **state)
{
    struct store_fsck fsck;
    struct store *store = NULL;
    struct pcct_error err;
    char path[400];
    size_t before, after;
    uint8_t *old = support_file_read(&before, &s, "catalogue.mdb"), *now;

    (void)state;
    snprintf(path, sizeof(path), "%s/journal/J00000001", s.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(support_fsck(&fsck, &s, 1, NULL), PCCT_E_DAMAGED);
    now = support_file_read(&after, &s, "catalogue.mdb");
    assert_int_equal(before, after);
    assert_memory_equal(old, now, before);
    snprintf(path, sizeof(path), "%s/catalogue.mdb.new", s.path);
    assert_int_not_equal(access(path, F_OK), 0);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(support_check(store, VERSIONS, BYTES, &err), &err);
    store_close(store);
    free(old);
    free(now);
}

/* A full disk, and a failure of any call: the store has a catalogue afterwards, and no half-made one. */
static void test_failures(void **state)
{
    static const int call[] = {BASE_OS_FALLOCATE, BASE_OS_RENAME, BASE_OS_UNLINK, BASE_OS_FSYNC};
    struct store_fsck fsck;
    char path[400];

    (void)state;
    for (size_t i = 0; i < sizeof(call) / sizeof(call[0]); i++) {
        for (uint64_t at = 1; at <= 3; at++) {
            int status;

            support.os.fail_mask = UINT64_C(1) << call[i];
            support.os.counted = 0;
            support.os.fail_at = at;
            support.os.fail_errno = ENOSPC;
            status = support_fsck(&fsck, &s, 1, NULL);
            support.os.fail_mask = 0;
            assert_true(status == 0 || status == PCCT_E_NOSPACE);
            if (at == 1) assert_true(status != 0 || call[i] == BASE_OS_UNLINK);
            check_all(VERSIONS, 0);
            snprintf(path, sizeof(path), "%s/catalogue.mdb.new", s.path);
            assert_int_not_equal(access(path, F_OK), 0);
            snprintf(path, sizeof(path), "%s/catalogue.mdb.new-lock", s.path);
            assert_int_not_equal(access(path, F_OK), 0);
        }
    }
}

/* Old and new catalogue change places in one step where the file system can do that; elsewhere one after the other. */
static void test_without_exchange(void **state)
{
    struct store_fsck fsck;
    char path[400];

    (void)state;
    for (int can = 0; can < 2; can++) {
        uint64_t before = support.os.calls[BASE_OS_RENAME];

        support.os.fail_mask = UINT64_C(1) << BASE_OS_RENAME;
        support.os.counted = 0;
        support.os.fail_at = can ? 0 : 1;
        support.os.fail_errno = EINVAL;
        snprintf(path, sizeof(path), "%s/catalogue.mdb.damaged", s.path);
        (void)unlink(path);
        assert_int_equal(support_fsck(&fsck, &s, 1, NULL), 0);
        support.os.fail_mask = 0;
        assert_int_equal(support.os.calls[BASE_OS_RENAME] - before, can ? 2 : 3);
        assert_int_equal(access(path, F_OK), 0);
        check_all(VERSIONS, 0);
        snprintf(path, sizeof(path), "%s/catalogue.mdb.new", s.path);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

/* A handle that was open meanwhile must not write to the file that was put aside; a lock that is held keeps the rebuilding out. */
static void test_open_handle(void **state)
{
    struct store *store = NULL;
    struct store_fsck fsck;
    struct pcct_error err;

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_lock(store, 0, &err), &err);
    assert_int_equal(support_fsck(&fsck, &s, 1, NULL), PCCT_E_BUSY);
    store_unlock(store);
    assert_int_equal(support_fsck(&fsck, &s, 1, NULL), 0);
    assert_int_equal(store_lock(store, 0, &err), PCCT_E_CONFLICT);
    assert_non_null(strstr(err.message, "open it again"));
    support_ok(support_check(store, 5, BYTES, &err), &err); /* reading goes on */
    store_close(store);
}

/* A damaged head of a frame loses that version, and no other: those behind it are found again. */
static void test_lost_head(void **state)
{
    struct store_fsck fsck;
    struct store *store = NULL;
    struct store_version out;
    struct pcct_error err;
    size_t bytes;
    uint8_t *journal = support_file_read(&bytes, &s, "journal/J00000001");
    char first[256];

    (void)state;
    journal[record[20].offset + 16] ^= 1;
    support_file_write(&s, "journal/J00000001", journal, bytes);
    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_int_equal(fsck.damaged, 1);
    assert_int_equal(fsck.versions_readable, 19 + VERSIONS - ANCHOR + 1);
    assert_int_equal(support_fsck(&fsck, &s, 1, first), PCCT_E_DAMAGED);
    move_catalogue_away();
    assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
    assert_true(fsck.damaged > 0);
    assert_int_equal(fsck.versions, VERSIONS - 1);
    assert_int_equal(fsck.versions_readable, 19 + VERSIONS - ANCHOR + 1);
    check_all(VERSIONS, 20);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    assert_int_equal(store_version(&out, NULL, store, 20, &err), PCCT_E_DAMAGED);
    store_close(store);
    journal[record[20].offset + 16] ^= 1;
    support_file_write(&s, "journal/J00000001", journal, bytes);
    free(journal);
    assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
    check_all(VERSIONS, 0);
}

/* The last frame is torn: left out, and overwritten by the next commit; frames before it stay. */
static void test_torn(void **state)
{
    struct store_fsck fsck;
    struct store *store = NULL;
    struct pcct_error err;
    char first[256], name[64];
    uint8_t *journal;
    size_t bytes;

    (void)state;
    snprintf(name, sizeof(name), "journal/J%08x", (unsigned)record[VERSIONS].segment);
    journal = support_file_read(&bytes, &s, name);
    memset(journal + record[VERSIONS].offset + 4096, 0, 4096);
    support_file_write(&s, name, journal, bytes);
    free(journal);
    assert_int_equal(support_fsck(&fsck, &s, 1, first), PCCT_E_DAMAGED);
    move_catalogue_away();
    assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions, VERSIONS - 1);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, BYTES);
    support_ok(support_check(store, VERSIONS, BYTES, &err), &err);
    store_close(store);
    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_string_equal(first, "");
}

static int rebuild_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_fsck *fsck = ctx;

    memset(fsck, 0, sizeof(*fsck));
    fsck->rebuild = 1;
    return store_fsck(fsck, s.path, env, err);
}

static void test_no_memory(void **state)
{
    struct store_fsck fsck;

    (void)state;
    for (uint64_t n = 1; n < 4000; n = n * 3 / 2 + 1) {
        struct pcct_error err = {0, ""};
        int status;

        support_env_fail(&support, n);
        status = rebuild_once(&fsck, &support.env, &err);
        support_env_fail(&support, 0);
        assert_true(status == 0 || status == PCCT_E_MEMORY);
        check_all(VERSIONS, VERSIONS + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rebuild, set_up, tear_down), cmocka_unit_test_setup_teardown(test_without_exchange, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_handle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_head, set_up, tear_down), cmocka_unit_test_setup_teardown(test_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down), cmocka_unit_test_setup_teardown(test_unacknowledged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fewer, set_up, tear_down), cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
