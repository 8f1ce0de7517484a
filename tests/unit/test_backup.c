/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS = 4, BYTES = 3000 };

static struct support_env support;
static struct support_store s;
static struct store *store;
static char path[300];
static struct index_image image;
static struct base_vector head;

static int set_up(void **state)
{
    struct pcct_error err;
    uint64_t written = 0;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, VERSIONS, BYTES);
    support_image(&image, &head, &support.env, 3, 0);
    support_ok(store_anchor_write(&written, store, 3, &image, head.memory.data, head.count, 0, &err), &err);
    snprintf(path, sizeof(path), "%s/copy", s.folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_image_free(&image, &head, &support.env);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static int entries(void)
{
    DIR *folder = opendir(s.folder);
    int n = 0;

    assert_non_null(folder);
    while (readdir(folder)) n++;
    closedir(folder);
    return n - 2;
}

static void remove_copy(void)
{
    char command[800];

    snprintf(command, sizeof(command), "rm -r '%s'", path);
    assert_int_equal(system(command), 0);
}

/* What stands behind the tail is not copied: a frame that came after the moment of the copy must not come back. */
static void up_to_the_tail(void **state)
{
    struct store *copy = NULL;
    struct store_version last;
    struct pcct_error err;
    uint64_t versions = 0, bytes = 0;
    uint8_t *journal, *theirs;
    size_t n = 0, m = 0;

    (void)state;
    support_ok(store_version(&last, NULL, store, VERSIONS, &err), &err);
    journal = support_file_read(&n, &s, "journal/J00000001");
    memset(journal + last.offset + last.bytes, 0x55, 5000);
    support_file_write(&s, "journal/J00000001", journal, n);
    support_ok(store_backup(&versions, &bytes, store, path, &support.env, &err), &err);
    assert_int_equal(versions, VERSIONS);
    assert_true(bytes >= n);
    theirs = support_file_read(&m, &s, "../copy/journal/J00000001");
    assert_int_equal(m, n);
    assert_memory_equal(theirs, journal, last.offset + last.bytes);
    for (size_t i = last.offset + last.bytes; i < m; i++) assert_int_equal(theirs[i], 0);
    free(theirs);
    free(journal);
    support_ok(store_open(&copy, path, &support.env, &err), &err);
    for (uint64_t v = 1; v <= VERSIONS; v++) support_ok(support_check(copy, v, BYTES, &err), &err);
    support_commit(copy, 60, 40000); /* into the next segment */
    for (uint64_t v = VERSIONS + 1; v <= VERSIONS + 60; v++) support_ok(support_check(copy, v, 40000, &err), &err);
    store_close(copy);
}

/* Segments and versions enough for several transactions and pieces; pruned, with holes. */
static void a_large_one(void **state)
{
    struct store_fsck fsck = {.report = NULL};
    struct store *copy = NULL;
    struct pcct_error err;
    uint64_t versions = 0, bytes = 0;

    (void)state;
    support_commit(store, 90, 40000);
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_prune(&(struct store_prune){.keep_every = 5}, store, &err), &err);
    store_unlock(store);
    support_ok(store_backup(&versions, &bytes, store, path, &support.env, &err), &err);
    support_ok(store_fsck(&fsck, path, &support.env, &err), &err);
    assert_true(fsck.damaged == 0 && fsck.versions == versions && fsck.versions_readable == versions);
    support_ok(store_open(&copy, path, &support.env, &err), &err);
    support_ok(support_check(copy, 90, 40000, &err), &err);
    assert_int_equal(support_check(copy, 41, 40000, &err), support_check(store, 41, 40000, &err));
    store_close(copy);
}

/* Damage of the store's does not get into a copy unseen. */
static void damage(void **state)
{
    struct store_version record;
    struct pcct_error err;
    uint64_t versions = 0, bytes = 0;
    uint8_t *journal;
    size_t n = 0;

    (void)state;
    support_ok(store_version(&record, NULL, store, 2, &err), &err);
    journal = support_file_read(&n, &s, "journal/J00000001");
    journal[record.offset + 1000] ^= 1;
    support_file_write(&s, "journal/J00000001", journal, n);
    assert_int_equal(store_backup(&versions, &bytes, store, path, &support.env, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "v2"));
    assert_int_equal(entries(), 1);
    journal[record.offset + 1000] ^= 1;
    support_file_write(&s, "journal/J00000001", journal, n - 4096 * 200);
    assert_int_equal(store_backup(&versions, &bytes, store, path, &support.env, &err), PCCT_E_DAMAGED);
    assert_int_equal(entries(), 1);
    free(journal);
}

static int copy_all(struct pcct_error *err)
{
    uint64_t versions = 0, bytes = 0;

    return store_backup(&versions, &bytes, store, path, &support.env, err);
}

static int copy_one(struct pcct_error *err)
{
    uint64_t bytes = 0;

    return store_backup_version(&bytes, store, 3, &image, head.memory.data, head.count, path, &support.env, err);
}

/* Every call and every block of memory fails once: an error in words, and nothing is left; the store is as it was. */
static void failures(void **state)
{
    static int (*const job[])(struct pcct_error *err) = {copy_all, copy_one};
    struct pcct_error err;

    (void)state;
    for (int i = 0; i < 4; i++) {
        int status = -1;
        uint64_t n;

        for (n = 1; status != 0; n++) {
            err = (struct pcct_error){0, ""};
            if (i & 1) support_env_fail(&support, n);
            else {
                support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE | UINT64_C(1) << BASE_OS_UNLINK |
                                                                                 UINT64_C(1) << BASE_OS_RMDIR | UINT64_C(1) << BASE_OS_TICKS);
                support.os.counted = 0;
                support.os.fail_at = n;
                support.os.fail_errno = EIO;
            }
            status = job[i / 2](&err);
            support_env_fail(&support, 0);
            support.os.fail_at = 0;
            if (status != 0) assert_true(err.message[0]);
            if (status != 0 && entries() != 1) { /* what removes it needs calls too: these once more */
                char command[800];

                assert_false(i & 1);
                snprintf(command, sizeof(command), "test ! -e '%s' && rm -r '%s'.new-*", path, path);
                assert_int_equal(system(command), 0);
            }
        }
        assert_true(n > 20);
        remove_copy();
    }
    support_ok(support_check(store, VERSIONS, BYTES, &err), &err);
}

static void one_version(void **state)
{
    struct store *copy = NULL;
    struct store_version was, is;
    struct store_fsck fsck = {.report = NULL};
    struct base_vector note = {.item_bytes = 1}, theirs = {.item_bytes = 1};
    struct pcct_error err;
    uint64_t head_is = 0, bytes = 0;
    int found = 0;

    (void)state;
    support_ok(store_backup_version(&bytes, store, 3, &image, head.memory.data, head.count, path, &support.env, &err), &err);
    support_ok(store_fsck(&fsck, path, &support.env, &err), &err);
    assert_true(fsck.damaged == 0 && fsck.versions == 1 && fsck.versions_readable == 1 && fsck.anchors == 1);
    support_ok(store_open(&copy, path, &support.env, &err), &err);
    support_ok(store_head(&head_is, copy, "main", &err), &err);
    assert_int_equal(head_is, 3);
    support_ok(store_version(&was, &note, store, 3, &err), &err);
    support_ok(store_version(&is, &theirs, copy, 3, &err), &err);
    assert_memory_equal(&was.identity, &is.identity, 16);
    assert_memory_equal(was.write_id, is.write_id, 16);
    assert_true(was.time_ns == is.time_ns && was.generation == is.generation && is.kept == 0 && is.flags == STORE_DROPPED);
    assert_true(note.count == theirs.count && memcmp(note.memory.data, theirs.memory.data, note.count) == 0);
    support_ok(store_write_id(&found, &is, copy, was.write_id, &err), &err);
    assert_true(found && is.version == 3);
    base_vector_free(&note, &support.env);
    base_vector_free(&theirs, &support.env);
    support_commit(copy, 2, BYTES);
    support_ok(support_check(copy, 5, BYTES, &err), &err);
    assert_int_equal(store_version(&is, NULL, copy, 2, &err), PCCT_E_NOT_FOUND);
    store_close(copy);
    assert_int_equal(store_backup_version(&bytes, store, 9, &image, head.memory.data, head.count, path, &support.env, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(copy_one(&err), PCCT_E_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(up_to_the_tail, set_up, tear_down), cmocka_unit_test_setup_teardown(a_large_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage, set_up, tear_down),         cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_version, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
