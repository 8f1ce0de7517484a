/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/making.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const uint8_t uuid[16] = {1, 2, 3};

static int entries(const char *path)
{
    DIR *folder = opendir(path);
    int n = 0;

    assert_non_null(folder);
    while (readdir(folder)) n++;
    closedir(folder);
    return n - 2;
}

/* Many files in all three folders; then what *ctx says. */
static int fill(void *ctx, const struct store_folder *folder, struct pcct_error *err)
{
    const int in[3] = {folder->top, folder->journal, folder->data};

    assert_memory_equal(folder->uuid, uuid, 16);
    assert_non_null(strstr(folder->path, "made.new-"));
    for (int i = 0; i < 600; i++) {
        char name[16];
        int fd;

        snprintf(name, sizeof(name), "f%d", i);
        fd = base_os_open(folder->env->os, in[i % 3], name, O_RDWR | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        base_os_close(folder->env->os, fd);
    }
    return *(int *)ctx == 0 ? 0 : base_fail(err, *(int *)ctx, "not to be");
}

static void test_all(void **state)
{
    struct support_env support;
    struct pcct_error err;
    char *folder = support_folder_new(), path[300];
    int answer = PCCT_E_NOSPACE;

    (void)state;
    support_env_start(&support, 1);
    snprintf(path, sizeof(path), "%s/made", folder);
    assert_int_equal(store_make(path, uuid, fill, &answer, &support.env, &err), PCCT_E_NOSPACE);
    assert_string_equal(err.message, "not to be");
    assert_int_equal(entries(folder), 0);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_RENAME;
    support.os.fail_at = 1;
    support.os.fail_errno = EIO;
    answer = 0;
    assert_int_equal(store_make(path, uuid, fill, &answer, &support.env, &err), PCCT_E_IO);
    support.os.fail_at = 0;
    assert_int_equal(entries(folder), 0);
    support_ok(store_make(path, uuid, fill, &answer, &support.env, &err), &err);
    assert_int_equal(entries(folder), 1);
    assert_int_equal(entries(path), 202);
    assert_int_equal(store_make(path, uuid, fill, &answer, &support.env, &err), PCCT_E_EXISTS);
    assert_int_equal(entries(path), 202);
    support_env_finish(&support);
    support_folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
