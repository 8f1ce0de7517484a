/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 1000 };

static struct support_env support;
static struct support_store s;

static int set_up(void **state)
{
    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static void test_open(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;
    uint64_t head = 9;

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    assert_int_equal(store_super(store)->dim, 3);
    assert_int_equal(store_super(store)->seed, 42);
    assert_int_equal(store_super(store)->format, STORE_FORMAT);
    support_ok(store_head(&head, store, "main", &err), &err);
    assert_int_equal(head, 0);
    assert_int_equal(store_head(&head, store, "nobody", &err), PCCT_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "nobody"));
    store_close(store);
    store_close(NULL);
}

static void expect(const char *path, int code, const char *word)
{
    struct store *store = (void *)1;
    struct pcct_error err = {0, ""};

    assert_int_equal(store_open(&store, path, &support.env, &err), code);
    assert_null(store);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" is not in \"%s\"", word, err.message);
}

static void test_not_a_store(void **state)
{
    char path[400];
    size_t bytes;
    uint8_t *super = support_file_read(&bytes, &s, "SUPER");

    (void)state;
    snprintf(path, sizeof(path), "%s/none", s.folder);
    expect(path, PCCT_E_NOT_FOUND, "no store");
    expect(s.folder, PCCT_E_NOT_A_STORE, "SUPER");
    snprintf(path, sizeof(path), "%s/SUPER", s.path);
    expect(path, PCCT_E_NOT_A_STORE, "not a folder");
    snprintf(path, sizeof(path), "%s/link", s.folder);
    assert_int_equal(symlink(s.path, path), 0);
    expect(path, PCCT_E_NOT_A_STORE, "link");
    memset(super, 'x', bytes);
    support_file_write(&s, "SUPER", super, bytes);
    expect(s.path, PCCT_E_NOT_A_STORE, "SUPER");
    free(super);
}

static void test_missing_parts(void **state)
{
    static const char *const part[] = {"LOCK", "catalogue.mdb", "journal"};
    static const int code[] = {PCCT_E_DAMAGED, PCCT_E_DAMAGED, PCCT_E_NOT_A_STORE};

    (void)state;
    for (int i = 0; i < 3; i++) {
        char path[400], away[420];

        snprintf(path, sizeof(path), "%s/%s", s.path, part[i]);
        snprintf(away, sizeof(away), "%s.away", path);
        assert_int_equal(rename(path, away), 0);
        expect(s.path, code[i], part[i]);
        assert_int_equal(rename(away, path), 0);
    }
}

/* Two handles of one process: both read what either wrote; one writes at a time. */
static void test_two_handles(void **state)
{
    struct store *a = NULL, *b = NULL;
    struct pcct_error err;
    char other[300];

    (void)state;
    snprintf(other, sizeof(other), "%s///", s.path);
    support_ok(store_open(&a, s.path, &support.env, &err), &err);
    support_ok(store_open(&b, other, &support.env, &err), &err);
    support_commit(a, 2, BYTES);
    support_commit(b, 2, BYTES);
    for (uint64_t v = 1; v <= 4; v++) support_ok(support_check(a, v, BYTES, &err), &err);
    support_ok(store_lock(a, 0, &err), &err);
    assert_int_equal(store_lock(b, 0, &err), PCCT_E_BUSY);
    assert_int_equal(store_lock(a, 0, &err), PCCT_E_BUSY);
    store_unlock(a);
    support_ok(store_lock(b, 0, &err), &err);
    store_close(a);
    support_ok(support_check(b, 4, BYTES, &err), &err);
    store_unlock(b);
    store_close(b);
}

static int child_of(int (*job)(struct store *store), struct store *store)
{
    int how = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) _exit(job(store));
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 99;
}

/* In the child: the parent's handle is refused, closing it harms nobody, a new one works and meets the parent's lock. */
static int use_in_child(struct store *store)
{
    struct store_version record;
    struct store *own = NULL;
    struct pcct_error err;
    uint64_t version;
    int status;

    if (store_head(&version, store, "main", &err) != PCCT_E_FORKED) return 1;
    if (store_version(&record, NULL, store, 1, &err) != PCCT_E_FORKED) return 2;
    if (store_lock(store, 0, &err) != PCCT_E_FORKED) return 3;
    if (store_revision(&version, store, "main", &err) != PCCT_E_FORKED) return 4;
    store_unlock(store);
    if (store_open(&own, s.path, &support.env, &err) != 0) return 5;
    store_close(store);
    if (store_head(&version, own, "main", &err) != 0 || version != 2) return 6;
    status = store_lock(own, 0, &err);
    if (status != PCCT_E_BUSY) return 7;
    store_close(own);
    return 0;
}

static int commit_in_child(struct store *store)
{
    struct store *own = NULL;
    struct pcct_error err;

    (void)store;
    if (store_open(&own, s.path, &support.env, &err) != 0) return 1;
    support_commit(own, 3, BYTES);
    store_close(own);
    return 0;
}

static int lock_and_die(struct store *store)
{
    struct store *own = NULL;
    struct pcct_error err;

    (void)store;
    if (store_open(&own, s.path, &support.env, &err) != 0) return 1;
    return store_lock(own, 1, &err) == 0 ? 0 : 2; /* never unlocked: the system does it */
}

static void test_fork(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;
    uint64_t head = 0;

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 2, BYTES);
    support_ok(store_lock(store, 0, &err), &err);
    assert_int_equal(child_of(use_in_child, store), 0);
    assert_int_equal(child_of(use_in_child, store), 0); /* the lock still stands */
    store_unlock(store);
    assert_int_equal(child_of(commit_in_child, store), 0);
    support_ok(store_head(&head, store, "main", &err), &err);
    assert_int_equal(head, 5);
    support_ok(support_check(store, 5, BYTES, &err), &err);
    assert_int_equal(child_of(lock_and_die, store), 0);
    support_commit(store, 1, BYTES);
    store_close(store);
}

static void test_wait_for_lock(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;
    int ready[2], how = 0;
    pid_t child;
    char byte = 0;

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct store *own = NULL;

        if (store_open(&own, s.path, &support.env, &err) != 0 || store_lock(own, 0, &err) != 0) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(2);
        usleep(100000);
        store_unlock(own);
        support_commit(own, 1, BYTES);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(store_lock(store, 0, &err), PCCT_E_BUSY);
    assert_non_null(strstr(err.message, "another process"));
    support_ok(store_lock(store, 1, &err), &err); /* waits */
    store_unlock(store);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    support_ok(support_check(store, 1, BYTES, &err), &err);
    store_close(store);
}

static void test_sizes(void **state)
{
    struct store *store = NULL;
    struct store_sizes sizes;
    struct store_version record;
    struct pcct_error err;
    uint64_t written = 0;

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 3, BYTES);
    support_ok(store_version(&record, NULL, store, 3, &err), &err);
    support_ok(store_sizes(&sizes, store, &err), &err);
    assert_int_equal(sizes.journal_bytes, 3 * record.bytes);
    assert_int_equal(sizes.anchors, 0);
    assert_true(sizes.disk_bytes >= 2 << 20);
    written = support_anchor(store, 3);
    support_ok(store_sizes(&sizes, store, &err), &err);
    assert_int_equal(sizes.anchors, 1);
    assert_int_equal(sizes.anchor_bytes, written);
    store_close(store);
}

static int open_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store *store = NULL;
    int status = store_open(&store, s.path, env, err);

    (void)ctx;
    assert_true((status == 0) == (store != NULL));
    store_close(store);
    return status;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_true(support_fail_each(&support, open_once, NULL) >= 4);
}

/* Every system call of opening and reading fails once: an error each time, and nothing is left open. */
static void test_failing_calls(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;
    uint64_t failures = 0;
    int status = -1, more = 1;

    (void)state;
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, BYTES);
    store_close(store);
    for (uint64_t n = 1; more; n++) { /* some of them do without: those of the pins */
        int fd = open("/dev/null", O_RDONLY), after;

        close(fd);
        support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE) & ~(UINT64_C(1) << BASE_OS_MUNMAP);
        support.os.counted = 0;
        support.os.fail_at = n;
        support.os.fail_errno = EIO;
        store = NULL;
        status = store_open(&store, s.path, &support.env, &err);
        if (status == 0) status = support_check(store, 1, BYTES, &err);
        support.os.fail_mask = 0;
        more = support.os.counted >= n;
        store_close(store);
        after = open("/dev/null", O_RDONLY);
        close(after);
        assert_int_equal(after, fd);
        if (status != 0) {
            assert_true(status == PCCT_E_IO);
            failures++;
        }
    }
    assert_int_equal(status, 0);
    assert_true(failures > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, set_up, tear_down), cmocka_unit_test_setup_teardown(test_not_a_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_parts, set_up, tear_down), cmocka_unit_test_setup_teardown(test_two_handles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fork, set_up, tear_down), cmocka_unit_test_setup_teardown(test_wait_for_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down), cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_calls, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
