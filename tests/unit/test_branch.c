/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 700, VERSIONS = 5 };

static struct support_live live;

static int set_up(void **state)
{
    (void)state;
    support_live_start(&live, STORE_FULL);
    support_commit(live.store, VERSIONS, BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_live_finish(&live);
    return 0;
}

static int change(enum store_operation operation, const char *name, uint64_t expect, uint64_t version, struct pcct_error *err)
{
    struct store_ref_change c = {operation, name, expect, version};
    uint64_t before = 0;
    int status;

    support_ok(store_lock(live.store, 1, err), err);
    *err = (struct pcct_error){0, ""};
    status = store_ref_change(&before, live.store, &c, err);
    store_unlock(live.store);
    if (status == 0 && expect != UINT64_MAX) assert_int_equal(before, expect);
    return status;
}

/* All refs as "name@version", tags with a star, one after the other. */
static void list(char text[512])
{
    struct base_vector refs = {.item_bytes = sizeof(struct store_ref)};
    struct pcct_error err;
    const struct store_ref *ref;
    size_t used = 0;

    text[0] = '\0';
    support_ok(store_refs(&refs, live.store, &err), &err);
    ref = refs.memory.data;
    for (size_t i = 0; i < refs.count; i++)
        used += (size_t)snprintf(text + used, 512 - used, "%s@%d%s ", ref[i].name, (int)ref[i].version, ref[i].kind == STORE_TAG ? "*" : "");
    base_vector_free(&refs, &live.support.env);
}

static void expect_refs(const char *expected)
{
    char text[512];

    list(text);
    assert_string_equal(text, expected);
}

static void reopen(void)
{
    struct pcct_error err;

    store_close(live.store);
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
}

/* The journal alone gives the same refs and the same reflog. */
static void rebuild(void)
{
    struct base_vector before = {.item_bytes = sizeof(struct store_reflog_entry)}, after = before;
    struct store_fsck fsck;
    struct pcct_error err;
    char path[400], first[256], refs[512];

    list(refs);
    support_ok(store_reflog(&before, live.store, 1, SIZE_MAX, &err), &err);
    store_close(live.store);
    snprintf(path, sizeof(path), "%s/catalogue.mdb", live.s.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(support_fsck(&fsck, &live.s, 1, first), 0);
    assert_string_equal(first, "");
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    expect_refs(refs);
    support_ok(store_reflog(&after, live.store, 1, SIZE_MAX, &err), &err);
    assert_int_equal(before.count, after.count);
    assert_memory_equal(before.memory.data, after.memory.data, before.count * before.item_bytes);
    base_vector_free(&before, &live.support.env);
    base_vector_free(&after, &live.support.env);
}

static void test_changes(void **state)
{
    struct store_fsck fsck;
    struct pcct_error err;
    char first[256];

    (void)state;
    support_ok(change(STORE_BRANCH_MADE, "dev", UINT64_MAX, 2, &err), &err);
    support_ok(change(STORE_TAG_MADE, "release/1.0", UINT64_MAX, 3, &err), &err);
    support_ok(change(STORE_BRANCH_MADE, "empty", UINT64_MAX, 0, &err), &err);
    expect_refs("dev@2 empty@0 main@5 release/1.0@3* ");
    support_commit_to(live.store, "dev", 2, BYTES);
    support_commit_to(live.store, "empty", 1, BYTES);
    support_ok(change(STORE_BRANCH_MOVED, "main", 5, 4, &err), &err);
    expect_refs("dev@7 empty@8 main@4 release/1.0@3* ");
    assert_int_equal(change(STORE_BRANCH_MOVED, "main", 5, 3, &err), PCCT_E_CONFLICT);
    assert_non_null(strstr(err.message, "stands at v4, not at v5"));
    rebuild();
    support_commit(live.store, 1, BYTES); /* goes on from where main was put */
    support_ok(change(STORE_BRANCH_DELETED, "dev", 7, 0, &err), &err);
    support_ok(change(STORE_TAG_DELETED, "release/1.0", UINT64_MAX, 0, &err), &err);
    support_ok(change(STORE_TAG_MADE, "dev", UINT64_MAX, 7, &err), &err);
    expect_refs("dev@7* empty@8 main@9 ");
    rebuild();
    expect_refs("dev@7* empty@8 main@9 ");
    store_close(live.store);
    assert_int_equal(support_fsck(&fsck, &live.s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions_readable, 9);
    assert_int_equal(fsck.frames, 9 + 7);
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
}

static void refuse(enum store_operation operation, const char *name, uint64_t version, int code, const char *word)
{
    struct pcct_error err;

    assert_int_equal(change(operation, name, UINT64_MAX, version, &err), code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" is not in \"%s\"", word, err.message);
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {"", "v17", "-x", ".x", "/x", "x/", "a..b", "a~1", "a b", "a:b", "a@b", "0123456789abcdef0123456789abcdef",
                                      "614d", "Beef5", "2026",
                                      "a-name-of-more-than-sixty-three-bytes-is-not-one-that-a-branch-can-have"};
    struct pcct_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) refuse(STORE_BRANCH_MADE, bad[i], 1, PCCT_E_INVALID, "cannot be the name");
    support_ok(change(STORE_BRANCH_MADE, "v17a", UINT64_MAX, 1, &err), &err);
    refuse(STORE_TAG_MADE, "614d", 1, PCCT_E_INVALID, "identity");
    refuse(STORE_TAG_DELETED, "614d", 1, PCCT_E_NOT_FOUND, "no tag"); /* what an older one made can be deleted */
    support_ok(change(STORE_TAG_MADE, "abc", UINT64_MAX, 1, &err), &err);
    support_ok(change(STORE_TAG_MADE, "614dx", UINT64_MAX, 1, &err), &err);
    support_ok(change(STORE_TAG_DELETED, "abc", UINT64_MAX, 0, &err), &err);
    support_ok(change(STORE_TAG_DELETED, "614dx", UINT64_MAX, 0, &err), &err);
    support_ok(change(STORE_TAG_MADE, "cafes", UINT64_MAX, 1, &err), &err);
    refuse(STORE_BRANCH_MADE, "main", 1, PCCT_E_EXISTS, "at v5");
    refuse(STORE_TAG_MADE, "main", 1, PCCT_E_EXISTS, "a branch");
    refuse(STORE_TAG_MADE, "cafes", 1, PCCT_E_EXISTS, "a tag");
    refuse(STORE_BRANCH_MADE, "new", 6, PCCT_E_NOT_FOUND, "no version v6");
    refuse(STORE_BRANCH_MOVED, "new", 1, PCCT_E_NOT_FOUND, "no branch \"new\"");
    refuse(STORE_BRANCH_MOVED, "cafes", 2, PCCT_E_INVALID, "is a tag");
    refuse(STORE_BRANCH_DELETED, "cafes", 0, PCCT_E_INVALID, "is a tag");
    refuse(STORE_TAG_DELETED, "main", 0, PCCT_E_INVALID, "is a branch");
    refuse(STORE_BRANCH_DELETED, "main", 0, PCCT_E_INVALID, "main stays");
    refuse(STORE_TAG_DELETED, "none", 0, PCCT_E_NOT_FOUND, "no tag");
    expect_refs("cafes@1* main@5 v17a@1 ");
}

/* The n-th system call fails: a change told as failed did not happen, also for the journal; one told as done did. */
static void fail_each_call(int error_number, int is_short)
{
    struct pcct_error err;
    uint64_t failures = 0;
    int status, more = 1;

    for (uint64_t n = 1; more; n++) {
        live.support.os.fail_mask = (UINT64_C(1) << BASE_OS_CALLS) - 1;
        live.support.os.counted = 0;
        live.support.os.fail_at = UINT64_MAX; /* taking the lock is no part of it */
        support_ok(store_lock(live.store, 1, &err), &err);
        live.support.os.fail_at = live.support.os.counted + n;
        live.support.os.fail_errno = error_number;
        live.support.os.fail_short = is_short;
        status = store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_MOVED, "main", 5, 3}, &err);
        more = live.support.os.counted >= live.support.os.fail_at;
        live.support.os.fail_mask = 0;
        store_unlock(live.store);
        reopen();
        if (status != 0) {
            failures++;
            assert_int_equal(status, error_number == ENOSPC ? PCCT_E_NOSPACE : PCCT_E_IO);
            expect_refs("main@5 ");
            rebuild();
            expect_refs("main@5 ");
        } else {
            expect_refs("main@3 ");
            rebuild();
            expect_refs("main@3 ");
            support_ok(change(STORE_BRANCH_MOVED, "main", 3, 5, &err), &err);
        }
    }
    assert_true(failures >= 3);
}

static void test_eio(void **state) { (void)state; fail_each_call(EIO, 0); }
static void test_short_write(void **state) { (void)state; fail_each_call(ENOSPC, 1); }

static int move_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    (void)ctx;
    (void)env;
    return store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_MOVED, "main", 5, 3}, err);
}

static void test_no_memory(void **state)
{
    struct pcct_error err;

    (void)state;
    support_ok(store_lock(live.store, 1, &err), &err);
    assert_true(support_fail_each(&live.support, move_once, NULL) >= 1);
    store_unlock(live.store);
    expect_refs("main@3 ");
}

/* A process is killed between any two of its instructions: what it was told is so, and at most one change more. */
static void test_killed(void **state)
{
    volatile uint64_t *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct store_fsck fsck;
    struct pcct_error err;
    char first[256];

    (void)state;
    for (int round = 0; round < 30; round++) {
        uint64_t version = 0;
        pid_t child;

        store_close(live.store);
        live.store = NULL;
        child = fork();
        if (child == 0) {
            if (store_open(&live.store, live.s.path, &live.support.env, &err) != 0 || store_lock(live.store, 1, &err) != 0) _exit(1);
            for (uint64_t i = *told + 1;; i++) {
                struct store_ref_change c = {STORE_BRANCH_MOVED, "main", UINT64_MAX, i % VERSIONS + 1};

                if (store_ref_change(NULL, live.store, &c, &err) != 0) _exit(2);
                *told = i;
            }
        }
        usleep((useconds_t)(2000 + 700 * round));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(support_fsck(&fsck, &live.s, 0, first), 0);
        assert_string_equal(first, "");
        support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
        support_ok(store_head(&version, live.store, "main", &err), &err);
        if (*told == 0 && version == VERSIONS) continue; /* not one change yet */
        if (version != *told % VERSIONS + 1) ++*told;
        assert_int_equal(version, *told % VERSIONS + 1);
    }
    assert_true(*told > 0);
    support_commit(live.store, 1, BYTES); /* a change that nobody was told of may stand behind the end of the journal */
    rebuild();
    munmap((void *)(uintptr_t)told, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down), cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_eio, set_up, tear_down), cmocka_unit_test_setup_teardown(test_short_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down), cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
