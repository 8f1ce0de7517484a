/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fill(void *ctx, int fd, struct pcct_error *err)
{
    (void)err;
    return write(fd, ctx, 4) == 4 ? 0 : PCCT_E_IO;
}

static int refuse(void *ctx, int fd, struct pcct_error *err)
{
    return fill(ctx, fd, err) ? PCCT_E_IO : base_fail(err, PCCT_E_LIMIT, "no");
}

/* A file is there whole or not at all, whichever call fails. */
static void test_make(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store_folder folder;
    struct pcct_error err;
    uint64_t bytes = 0, n;
    int fd = -1, status = -1;
    char link[300];

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
    assert_int_equal(store_file_make(&folder, folder.data, "data/", "F", refuse, "abcd", &err), PCCT_E_LIMIT);
    for (n = 1; status != 0; n++) {
        assert_int_equal(faccessat(folder.data, "F", F_OK, 0), -1);
        assert_int_equal(faccessat(folder.data, "F.new", F_OK, 0), -1);
        support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE);
        support.os.counted = 0;
        support.os.fail_at = n;
        support.os.fail_errno = EIO;
        status = store_file_make(&folder, folder.data, "data/", "F", fill, "abcd", &err);
        support.os.fail_mask = 0;
        if (status != 0) assert_non_null(strstr(err.message, "data/"));
    }
    assert_true(n > 4); /* open, fsync, rename, fsync of the folder */
    support_ok(store_file_open(&fd, &bytes, &folder, folder.data, "data/", "F", O_RDONLY, &err), &err);
    assert_int_equal(bytes, 4);
    close(fd);
    assert_int_equal(symlinkat("F", folder.data, "L"), 0);
    assert_int_equal(store_file_open(&fd, &bytes, &folder, folder.data, "data/", "L", O_RDONLY, &err), PCCT_E_DAMAGED);
    assert_int_equal(store_file_open(&fd, &bytes, &folder, folder.data, "data/", "none", O_RDONLY, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(store_file_open(&fd, &bytes, &folder, folder.top, "", "data", O_RDONLY, &err), PCCT_E_DAMAGED);
    assert_int_equal(fd, -1);
    snprintf(link, sizeof(link), "%s/link", s.folder);
    assert_int_equal(symlink(s.path, link), 0);
    store_folder_close(&folder);
    assert_int_equal(store_folder_open(&folder, link, 0, &support.env, &err), PCCT_E_NOT_A_STORE);
    assert_non_null(strstr(err.message, "symbolic link"));
    strcat(link, "/."); /* the way out that the message names */
    support_ok(store_folder_open(&folder, link, 0, &support.env, &err), &err);
    store_folder_close(&folder);
    store_folder_close(&folder);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* /proc is no place for a store either, but only file systems whose locks cannot be trusted are refused. */
static void test_file_system(void **state)
{
    struct support_env support;
    struct pcct_error err;
    int fd = open("/proc", O_RDONLY | O_DIRECTORY);

    (void)state;
    support_env_start(&support, 1);
    support_ok(store_folder_check(&support.env, fd, "/proc", &err), &err);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_STATFS;
    support.os.fail_at = 1;
    support.os.fail_errno = EIO;
    assert_int_equal(store_folder_check(&support.env, fd, "/proc", &err), PCCT_E_IO);
    close(fd);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_make), cmocka_unit_test(test_file_system)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
