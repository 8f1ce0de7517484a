/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/ballast.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 3000 };

static struct support_env support;
static struct support_store s;

/* Bytes of BALLAST that have blocks; 0: it is not there. */
static uint64_t ballast(void)
{
    struct stat about;
    char path[400];

    snprintf(path, sizeof(path), "%s/BALLAST", s.path);
    if (stat(path, &about) != 0) return 0;
    assert_int_equal(about.st_size, STORE_BALLAST_BYTES);
    assert_int_equal(about.st_mode & 077, 0);
    return (uint64_t)about.st_blocks * 512;
}

static void refuse(uint64_t mask, uint64_t at, int forever, int error_number)
{
    support.os.fail_mask = mask;
    support.os.counted = 0;
    support.os.fail_at = at;
    support.os.fail_forever = forever;
    support.os.fail_errno = error_number;
}

static void refuse_nothing(void) { refuse(0, 0, 0, 0); }

static uint64_t bit(enum base_os_call call) { return UINT64_C(1) << call; }

static int create(struct pcct_error *err)
{
    struct store_super super = {.dim = 3, .metric = 1, .dtype = 1};

    return store_create(s.path, &super, &support.env, err);
}

static int prune(struct store *store, uint64_t keep_last, struct pcct_error *err)
{
    struct store_prune p = {.keep_last = keep_last, .none = keep_last == 0};
    int status;

    support_ok(store_lock(store, 1, err), err);
    status = store_prune(&p, store, err);
    store_unlock(store);
    return status;
}

static void start(void)
{
    support_env_start(&support, 1);
    s = (struct support_store){.support = &support, .folder = support_folder_new()};
    snprintf(s.path, sizeof(s.path), "%s/s.pcct", s.folder);
}

static void finish(void)
{
    support_store_finish(&s);
    support_env_finish(&support);
}

/* It has its blocks from the beginning, also where room cannot be had without writing. */
static void test_made(void **state)
{
    struct pcct_error err;

    (void)state;
    for (int written = 0; written < 2; written++) {
        start();
        if (written) refuse(bit(BASE_OS_FALLOCATE), 1, 1, EOPNOTSUPP);
        support_ok(create(&err), &err);
        assert_true(ballast() >= STORE_BALLAST_BYTES);
        refuse_nothing();
        finish();
    }
}

/* A store without it works, and gets it when it is pruned and there is room. */
static void test_none(void **state)
{
    struct pcct_error err = {0, ""};
    struct store *store = NULL;

    (void)state;
    start();
    refuse(bit(BASE_OS_STATVFS), 1, 0, EIO);
    assert_int_equal(create(&err), PCCT_E_IO);
    refuse(bit(BASE_OS_FALLOCATE), 3, 1, ENOSPC); /* the segment's and that of LMDB's lock file come before */
    support_ok(create(&err), &err);
    refuse_nothing();
    assert_int_equal(ballast(), 0);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 5, BYTES);
    support_ok(support_check(store, 5, BYTES, &err), &err);
    support_ok(prune(store, 0, &err), &err);
    assert_true(ballast() >= STORE_BALLAST_BYTES);
    store_close(store);
    finish();
}

/* On a full disk a commit says what helps; a pruning has the room of the ballast, and makes it anew behind itself. */
static void test_full(void **state)
{
    struct pcct_error err = {0, ""};
    struct store_version record;
    struct store *store = NULL;
    struct stat before, after;
    char path[400];

    (void)state;
    start();
    support_ok(create(&err), &err);
    snprintf(path, sizeof(path), "%s/BALLAST", s.path);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 20, BYTES);
    support_record(&record, 20, 21);
    support_ok(store_lock(store, 1, &err), &err);
    refuse(bit(BASE_OS_PWRITE), 1, 1, ENOSPC);
    assert_int_equal(store_commit(&record, store, "main", "", 0, path, 10, &err), PCCT_E_NOSPACE);
    assert_non_null(strstr(err.message, "pcct prune"));
    store_unlock(store);
    assert_true(ballast() > 0); /* it is not for commits */
    refuse(bit(BASE_OS_PWRITE) | bit(BASE_OS_FALLOCATE), 1, 1, ENOSPC);
    assert_int_equal(prune(store, 3, &err), PCCT_E_NOSPACE); /* nothing helps */
    assert_non_null(strstr(err.message, "other means"));
    assert_null(strstr(err.message, "pcct prune"));
    assert_int_equal(ballast(), 0);
    refuse_nothing();
    for (uint64_t v = 1; v <= 20; v++) support_ok(support_check(store, v, BYTES, &err), &err);
    support_ok(prune(store, 0, &err), &err);
    assert_int_equal(stat(path, &before), 0);
    refuse(bit(BASE_OS_PWRITE), 3, 0, ENOSPC); /* the frame, once: there is room when the ballast is gone */
    support_ok(prune(store, 3, &err), &err);
    assert_true(support.os.counted > 3);
    refuse_nothing();
    assert_true(ballast() >= STORE_BALLAST_BYTES);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ctim.tv_sec != after.st_ctim.tv_sec || before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
    for (uint64_t v = 18; v <= 20; v++) support_ok(support_check(store, v, BYTES, &err), &err);
    store_close(store);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_made), cmocka_unit_test(test_none), cmocka_unit_test(test_full)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
