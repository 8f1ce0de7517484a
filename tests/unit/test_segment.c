/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_size(void **state)
{
    (void)state;
    assert_int_equal(store_segment_size(0, 0), 1 << 20);
    assert_int_equal(store_segment_size(1 << 20, 100), 2 << 20);
    assert_int_equal(store_segment_size(32 << 20, 100), 64 << 20);
    assert_int_equal(store_segment_size(64 << 20, 100), 64 << 20);
    assert_int_equal(store_segment_size(0, (1 << 20) - 256), 1 << 20);
    assert_int_equal(store_segment_size(0, (1 << 20) - 255), (1 << 20) + 65536);
    assert_int_equal(store_segment_size(7 << 20, UINT64_C(1) << 32), (UINT64_C(1) << 32) + 65536);
}

static void test_make(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store_folder folder;
    struct store_segment made = {7, 3 << 20, 12345, STORE_SEGMENT_BASE}, read;
    struct pcct_error err;
    struct stat about;
    uint64_t bytes = 0;
    uint8_t *file;
    size_t n;
    int fd = -1;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
    memcpy(folder.uuid, "sixteen bytes...", 16);
    assert_int_equal(store_segment_open(&fd, &bytes, &folder, 7, O_RDONLY, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "J00000007 is missing"));
    for (int round = 0; round < 2; round++) { /* the second takes the place of the first */
        made.link += (uint64_t)round;
        support_ok(store_segment_make(&folder, &made, &err), &err);
        support_ok(store_segment_open(&fd, &bytes, &folder, 7, O_RDONLY, &err), &err);
        support_ok(store_segment_read(&read, fd, bytes, &folder, 7, &err), &err);
        assert_true(read.number == made.number && read.bytes == made.bytes && read.link == made.link && read.flags == made.flags);
        assert_int_equal(fstat(fd, &about), 0);
        assert_true(about.st_blocks * 512 >= (blkcnt_t)made.bytes); /* no holes */
        close(fd);
    }
    file = support_file_read(&n, &s, "journal/J00000007");
    assert_int_equal(n, made.bytes);
    assert_true(store_zero(file, 256, n));
    /* under another number, of another store, cut off, and with any bit of its head flipped */
    support_file_write(&s, "journal/J00000008", file, n);
    support_ok(store_segment_open(&fd, &bytes, &folder, 8, O_RDONLY, &err), &err);
    assert_int_equal(store_segment_read(&read, fd, bytes, &folder, 8, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "J00000008"));
    assert_int_equal(store_segment_read(&read, fd, bytes - 1, &folder, 7, &err), PCCT_E_DAMAGED);
    folder.uuid[0] ^= 1;
    assert_int_equal(store_segment_read(&read, fd, bytes, &folder, 7, &err), PCCT_E_DAMAGED);
    folder.uuid[0] ^= 1;
    close(fd);
    for (size_t at = 0; at < 256; at++) {
        file[at] ^= 8;
        support_file_write(&s, "journal/J00000007", file, 256);
        support_ok(store_segment_open(&fd, &bytes, &folder, 7, O_RDONLY, &err), &err);
        assert_int_equal(store_segment_read(&read, fd, made.bytes, &folder, 7, &err), PCCT_E_DAMAGED);
        close(fd);
        file[at] ^= 8;
    }
    free(file);
    /* a full disk is told, and leaves no file */
    support.os.fail_mask = UINT64_C(1) << BASE_OS_FALLOCATE;
    support.os.fail_at = 1;
    support.os.fail_errno = ENOSPC;
    made.number = 9;
    assert_int_equal(store_segment_make(&folder, &made, &err), PCCT_E_NOSPACE);
    support.os.fail_mask = 0;
    assert_int_equal(faccessat(folder.journal, "J00000009.new", F_OK, 0), -1);
    assert_int_equal(faccessat(folder.journal, "J00000009", F_OK, 0), -1);
    store_folder_close(&folder);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size), cmocka_unit_test(test_make)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
