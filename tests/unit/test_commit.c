/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 5000 };

/* n commits, reopened every few, each version read back; the redo distance counts up from version 0. */
static void test_many(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 2);
    support_store_start(&s, &support);
    for (int round = 0; round < 5; round++) {
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        support_commit(store, 40, BYTES);
        for (uint64_t v = 1; v <= (uint64_t)(round + 1) * 40; v++) support_ok(support_check(store, v, BYTES, &err), &err);
        store_close(store);
    }
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_version(&record, NULL, store, 200, &err), &err);
    assert_int_equal(record.redo_frames, 200);
    assert_int_equal(record.redo_bytes, 200 * record.bytes);
    assert_int_equal(record.generation, 200);
    assert_int_equal(record.segment, 2); /* 1 MiB does not hold them */
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* Frames larger than any segment, and frames that just do not fit: sizes are such that several segments come into being. */
static void test_big(void **state)
{
    static const size_t sizes[] = {900000, 200000, 3000000, 0, 1, 100000000, 64, 63};
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record;
    struct store_fsck fsck;
    struct pcct_error err;
    char first[256];

    (void)state;
    support_env_start(&support, 2);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) support_commit(store, 1, sizes[i]);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) support_ok(support_check(store, i + 1, sizes[i], &err), &err);
    support_ok(store_version(&record, NULL, store, 8, &err), &err);
    assert_true(record.segment > 2);
    store_close(store);
    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions_readable, 8);
    support_store_finish(&s);
    support_env_finish(&support);
}

static void test_compare_and_swap(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record, out;
    struct pcct_error err;
    int found = 0;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 2, BYTES);
    support_ok(store_lock(store, 1, &err), &err);
    support_record(&record, 1, 3);
    assert_int_equal(store_commit(&record, store, "main", "", 0, "x", 1, &err), PCCT_E_CONFLICT);
    assert_non_null(strstr(err.message, "v2"));
    support_record(&record, 2, 3);
    assert_int_equal(store_commit(&record, store, "other", "", 0, "x", 1, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(store_version(&out, NULL, store, 3, &err), PCCT_E_NOT_FOUND);
    support_ok(store_commit(&record, store, "main", "", 0, "x", 1, &err), &err);
    store_unlock(store);
    support_ok(store_write_id(&found, &out, store, record.write_id, &err), &err);
    assert_true(found);
    assert_int_equal(out.version, 3);
    record.write_id[3] = 77;
    support_ok(store_write_id(&found, &out, store, record.write_id, &err), &err);
    assert_false(found);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* The n-th system call of a commit fails, for every n until there are no more (a close, or a first attempt at a segment, may fail): a version told as
 * failed is not there, before and after opening anew, and also after the catalogue was lost and made anew; a version told as committed is there.
 * `bytes` decides whether a new segment is needed. */
static void fail_each_call(int error_number, int is_short, int forever, size_t bytes)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_fsck fsck;
    struct pcct_error err;
    uint8_t *payload = malloc(bytes);
    uint64_t failures = 0;
    int status, more = 1;

    support_env_start(&support, 1);
    for (uint64_t n = 1; more; n++) {
        struct store_version record, out;
        char first[256], path[400];

        support_store_start(&s, &support);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        support_commit(store, 3, BYTES);
        support_payload(payload, bytes, 4);
        support_record(&record, 3, 4);
        support_ok(store_lock(store, 1, &err), &err);
        support.os.fail_mask = (UINT64_C(1) << BASE_OS_CALLS) - 1;
        support.os.counted = 0;
        support.os.fail_at = n;
        support.os.fail_errno = error_number;
        support.os.fail_short = is_short;
        support.os.fail_forever = forever;
        err = (struct pcct_error){0, ""};
        status = store_commit(&record, store, "main", "note of 4", 9, payload, bytes, &err);
        support.os.fail_mask = 0;
        more = support.os.counted >= n;
        assert_true(more || status == 0);
        store_unlock(store);
        if (status != 0) {
            failures++;
            assert_true(strlen(err.message) > 0);
            assert_int_equal(status, error_number == ENOSPC ? PCCT_E_NOSPACE : PCCT_E_IO);
            assert_int_equal(store_version(&out, NULL, store, 4, &err), PCCT_E_NOT_FOUND);
        }
        store_close(store);
        support_ok(store_open(&store, s.path, &support.env, &err), &err);
        if (status != 0) {
            assert_int_equal(store_version(&out, NULL, store, 4, &err), PCCT_E_NOT_FOUND);
            store_close(store);
            snprintf(path, sizeof(path), "%s/catalogue.mdb", s.path);
            assert_int_equal(unlink(path), 0); /* so that the journal alone decides */
            /* with all later calls failing too, the frame could not be wiped: then it may come back */
            assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
            assert_int_equal(fsck.damaged, 0);
            if (!forever) assert_int_equal(fsck.versions, 3);
            support_ok(store_open(&store, s.path, &support.env, &err), &err);
            if (fsck.versions == 3) support_commit(store, 1, bytes);
        }
        support_ok(support_check(store, 4, bytes, &err), &err);
        support_commit(store, 2, BYTES);
        for (uint64_t v = 1; v <= 3; v++) support_ok(support_check(store, v, BYTES, &err), &err);
        for (uint64_t v = 5; v <= 6; v++) support_ok(support_check(store, v, BYTES, &err), &err);
        store_close(store);
        assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
        assert_string_equal(first, "");
        assert_int_equal(fsck.versions_readable, 6);
        support_store_finish(&s);
    }
    assert_true(failures >= (bytes > 1 << 20 && error_number != ENOSPC ? 10 : 3));
    support_env_finish(&support);
    free(payload);
}

static void test_eio(void **state) { (void)state; fail_each_call(EIO, 0, 0, BYTES); }
static void test_enospc(void **state) { (void)state; fail_each_call(ENOSPC, 0, 0, BYTES); }
static void test_short_write(void **state) { (void)state; fail_each_call(ENOSPC, 1, 0, BYTES); }
static void test_eio_forever(void **state) { (void)state; fail_each_call(EIO, 1, 1, BYTES); }
static void test_eio_segment(void **state) { (void)state; fail_each_call(EIO, 0, 0, 1200000); }
static void test_enospc_segment(void **state) { (void)state; fail_each_call(ENOSPC, 1, 0, 1200000); }

/* After fdatasync failed nobody knows what the disk holds: no more commits with this handle. */
static void test_poisoned(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_lock(store, 1, &err), &err);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_FDATASYNC;
    support.os.fail_at = 1;
    support.os.fail_errno = EIO;
    support_record(&record, 0, 1);
    assert_int_equal(store_commit(&record, store, "main", "", 0, "x", 1, &err), PCCT_E_IO);
    support.os.fail_mask = 0;
    assert_int_equal(store_commit(&record, store, "main", "", 0, "x", 1, &err), PCCT_E_IO);
    assert_non_null(strstr(err.message, "earlier"));
    store_unlock(store);
    store_close(store);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, BYTES);
    support_ok(support_check(store, 1, BYTES, &err), &err);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* LMDB's own writes fail: files may not grow, so once the catalogue's room is used up a commit cannot be written. What failed leaves nothing. */
static void test_catalogue_cannot_grow(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_fsck fsck;
    struct store_version record;
    struct pcct_error err;
    char first[256];
    uint64_t *done;
    pid_t child;
    int how = 0;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    child = fork();
    if (child == 0) {
        const struct rlimit limit = {1200000, 1200000};
        int status = 0;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        if (store_open(&store, s.path, &support.env, &err) != 0 || store_lock(store, 1, &err) != 0) _exit(2);
        while (status == 0) {
            char note[2000] = "note";

            support_record(&record, *done, *done + 1);
            status = store_commit(&record, store, "main", note, sizeof(note), "", 0, &err);
            if (status == 0) ++*done;
        }
        if (store_version(&record, NULL, store, *done + 1, &err) != PCCT_E_NOT_FOUND) _exit(3);
        _exit(status == PCCT_E_IO ? 0 : 4);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    assert_true(*done > 100);
    assert_int_equal(support_fsck(&fsck, &s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions_readable, *done);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 3, BYTES);
    store_close(store);
    munmap(done, 4096);
    support_store_finish(&s);
    support_env_finish(&support);
}

struct one_commit {
    struct store *store;
    uint64_t parent;
};

static int commit_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct one_commit *c = ctx;
    struct store_version record;

    (void)env;
    support_record(&record, c->parent, c->parent + 1);
    return store_commit(&record, c->store, "main", "note", 4, "payload", 7, err);
}

static void test_no_memory(void **state)
{
    struct support_env support;
    struct support_store s;
    struct one_commit c = {NULL, 0};
    struct pcct_error err;
    uint64_t head = 9;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&c.store, s.path, &support.env, &err), &err);
    support_ok(store_lock(c.store, 1, &err), &err);
    assert_true(support_fail_each(&support, commit_once, &c) >= 2);
    store_unlock(c.store);
    support_ok(store_head(&head, c.store, "main", &err), &err);
    assert_int_equal(head, 1);
    store_close(c.store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* A crash leaves anything behind the tail: it is overwritten. */
static void test_torn_tail(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record;
    struct pcct_error err;
    uint8_t *journal;
    size_t bytes;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 3, BYTES);
    support_ok(store_version(&record, NULL, store, 3, &err), &err);
    store_close(store);
    journal = support_file_read(&bytes, &s, "journal/J00000001");
    memcpy(journal + record.offset + record.bytes, journal + record.offset, record.bytes - 1000); /* a frame that breaks off */
    support_file_write(&s, "journal/J00000001", journal, bytes);
    free(journal);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, 100);
    support_ok(support_check(store, 3, BYTES, &err), &err);
    support_ok(support_check(store, 4, 100, &err), &err);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many), cmocka_unit_test(test_big), cmocka_unit_test(test_compare_and_swap), cmocka_unit_test(test_eio),
        cmocka_unit_test(test_enospc), cmocka_unit_test(test_short_write), cmocka_unit_test(test_eio_forever), cmocka_unit_test(test_eio_segment),
        cmocka_unit_test(test_enospc_segment), cmocka_unit_test(test_poisoned), cmocka_unit_test(test_catalogue_cannot_grow),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_torn_tail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
