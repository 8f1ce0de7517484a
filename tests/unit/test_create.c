/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int entries(const char *path)
{
    DIR *folder = opendir(path);
    int n = 0;

    assert_non_null(folder);
    while (readdir(folder)) n++;
    closedir(folder);
    return n - 2;
}

static void test_create(void **state)
{
    static const char *const file[] = {"", "SUPER", "LOCK", "catalogue.mdb", "journal", "journal/J00000001", "data", "BALLAST"};
    struct support_env support;
    struct support_store s;
    struct store_super super = {.dim = 2, .metric = 1, .dtype = 1};
    struct pcct_error err;
    char path[400];

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    assert_int_equal(entries(s.folder), 1);
    for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
        struct stat about;

        snprintf(path, sizeof(path), "%s/%s", s.path, file[i]);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 077, 0);
    }
    assert_int_equal(store_create(s.path, &super, &support.env, &err), PCCT_E_EXISTS);
    snprintf(path, sizeof(path), "%s/none/s", s.folder);
    assert_int_equal(store_create(path, &super, &support.env, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(store_create("", &super, &support.env, &err), PCCT_E_INVALID);
    assert_int_equal(store_create("/", &super, &support.env, &err), PCCT_E_INVALID);
    assert_int_equal(entries(s.folder), 1);
    /* relative, and with a slash behind */
    assert_int_equal(chdir(s.folder), 0);
    support_ok(store_create("other/", &super, &support.env, &err), &err);
    assert_int_equal(store_create("other", &super, &support.env, &err), PCCT_E_EXISTS);
    assert_int_equal(entries("."), 2);
    assert_int_equal(chdir("/"), 0);
    support_store_finish(&s);
    support_env_finish(&support);
}

static int remove_store(const char *path)
{
    char command[500];

    snprintf(command, sizeof(command), "rm -r '%s'", path);
    return system(command);
}

/* Every system call and every block of memory of a creation fails once: an error, and nothing left behind. */
static void test_failures(void **state)
{
    static const int error_number[] = {EIO, ENOSPC, EACCES};
    struct support_env support;
    struct store_super super = {.dim = 2, .metric = 1, .dtype = 1};
    struct pcct_error err;
    char *folder = support_folder_new(), path[400];

    (void)state;
    support_env_start(&support, 1);
    for (int kind = 0; kind < 4; kind++) {
        int status = -1, failed = 1;
        uint64_t n;

        for (n = 1; failed; n++) {
            snprintf(path, sizeof(path), "%s/s%d", folder, kind);
            err = (struct pcct_error){0, ""};
            if (kind < 3) {
                support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE);
                support.os.counted = 0;
                support.os.fail_at = n;
                support.os.fail_errno = error_number[kind];
            } else support_env_fail(&support, n);
            status = store_create(path, &super, &support.env, &err);
            failed = kind < 3 ? support.os.counted >= n : status != 0;
            support.os.fail_mask = 0;
            support_env_fail(&support, 0);
            if (status == 0 && failed) { /* only the ballast may be left out, and only for want of room */
                assert_int_equal(kind, 1);
                assert_int_not_equal(access(strcat(path, "/BALLAST"), F_OK), 0);
                path[strlen(path) - strlen("/BALLAST")] = '\0';
                assert_int_equal(remove_store(path), 0);
            }
            assert_int_equal(entries(folder), kind + !failed);
            if (status != 0) assert_true(strlen(err.message) > 0 && err.code == status);
        }
        assert_true(n > (kind < 3 ? 30 : 8));
    }
    support_folder_free(folder);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_create), cmocka_unit_test(test_failures)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
