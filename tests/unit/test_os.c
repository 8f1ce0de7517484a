/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* An empty folder, an open file in it and a table. */
struct place {
    struct base_os os;
    char *path;
    int folder, file;
};

static void open_place(struct place *place)
{
    base_os_init(&place->os);
    place->path = support_folder_new();
    place->folder = base_os_open(&place->os, AT_FDCWD, place->path, O_RDONLY | O_DIRECTORY, 0);
    assert_true(place->folder >= 0);
    place->file = base_os_open(&place->os, place->folder, "file", O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(place->file >= 0);
}

static void close_place(struct place *place)
{
    base_os_init(&place->os);
    assert_int_equal(base_os_close(&place->os, place->file), 0);
    assert_int_equal(base_os_close(&place->os, place->folder), 0);
    support_folder_free(place->path);
}

static void create(struct place *place, const char *name, const char *text)
{
    int fd = base_os_open(&place->os, place->folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_int_equal(base_os_pwrite(&place->os, fd, text, strlen(text), 0), strlen(text));
    assert_int_equal(base_os_close(&place->os, fd), 0);
}

static int holds(struct place *place, const char *name, const char *text)
{
    char data[100] = "";
    int fd = base_os_open(&place->os, place->folder, name, O_RDONLY, 0);

    if (fd < 0) return 0;
    assert_true(base_os_pread(&place->os, fd, data, sizeof(data) - 1, 0) >= 0);
    assert_int_equal(base_os_close(&place->os, fd), 0);
    return strcmp(data, text) == 0;
}

static void test_read_and_write(void **state)
{
    struct place place;
    struct stat stat;
    char data[32];

    (void)state;
    open_place(&place);
    assert_int_equal(base_os_pwrite(&place.os, place.file, "0123456789", 10, 5), 10);
    assert_int_equal(base_os_pread(&place.os, place.file, data, 32, 0), 15); /* short: the end of the file */
    assert_memory_equal(data, "\0\0\0\0\0" "0123456789", 15);
    assert_int_equal(base_os_pread(&place.os, place.file, data, 4, 7), 4);
    assert_memory_equal(data, "2345", 4);
    assert_int_equal(base_os_pread(&place.os, place.file, data, 4, 100), 0);
    assert_int_equal(base_os_ftruncate(&place.os, place.file, 8), 0);
    assert_int_equal(base_os_fstat(&place.os, place.file, &stat), 0);
    assert_int_equal(stat.st_size, 8);
    assert_int_equal(base_os_fallocate(&place.os, place.file, 0, 100), 0);
    assert_int_equal(base_os_fstatat(&place.os, place.folder, "file", &stat), 0);
    assert_int_equal(stat.st_size, 100);
    assert_int_equal(base_os_fsync(&place.os, place.file), 0);
    assert_int_equal(base_os_fdatasync(&place.os, place.file), 0);
    assert_int_equal(place.os.calls[BASE_OS_PREAD], 3);
    assert_int_equal(place.os.calls[BASE_OS_STAT], 2);
    close_place(&place);
}

static void test_links_are_not_followed(void **state)
{
    struct place place;
    struct stat stat;

    (void)state;
    open_place(&place);
    assert_int_equal(symlinkat("file", place.folder, "link"), 0);
    assert_int_equal(base_os_open(&place.os, place.folder, "link", O_RDONLY, 0), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(base_os_fstatat(&place.os, place.folder, "link", &stat), 0);
    assert_true(S_ISLNK(stat.st_mode));
    assert_true(fcntl(place.file, F_GETFD) & FD_CLOEXEC);
    close_place(&place);
}

static void test_names(void **state)
{
    struct place place;

    (void)state;
    open_place(&place);
    create(&place, "a", "first");
    create(&place, "b", "second");
    assert_int_equal(base_os_rename(&place.os, place.folder, "a", "b"), -1);
    assert_int_equal(errno, EEXIST);
    assert_true(holds(&place, "a", "first") && holds(&place, "b", "second"));
    assert_int_equal(base_os_rename(&place.os, place.folder, "a", "c"), 0);
    assert_true(!holds(&place, "a", "first") && holds(&place, "c", "first"));
    assert_int_equal(base_os_exchange(&place.os, place.folder, "b", "c"), 0);
    assert_true(holds(&place, "b", "first") && holds(&place, "c", "second"));
    assert_int_equal(base_os_exchange(&place.os, place.folder, "b", "none"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(base_os_exchange(&place.os, place.folder, "b", "c"), 0);
    assert_int_equal(base_os_rename_over(&place.os, place.folder, "b", "c"), 0);
    assert_true(holds(&place, "c", "second"));
    assert_int_equal(base_os_rename(&place.os, place.folder, "none", "d"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(base_os_mkdir(&place.os, place.folder, "room", 0700), 0);
    assert_int_equal(base_os_rename(&place.os, place.folder, "c", "room"), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(base_os_rmdir(&place.os, place.folder, "room"), 0);
    assert_int_equal(base_os_unlink(&place.os, place.folder, "c"), 0);
    assert_false(holds(&place, "c", "second"));
    close_place(&place);
}

/* The calls in mask are made to fail from the second on; what comes of four writes is told by the file. */
static void test_nth_write_fails(void **state)
{
    struct place place;
    char data[8];

    (void)state;
    open_place(&place);
    place.os.fail_mask = 1u << BASE_OS_PWRITE | 1u << BASE_OS_FSYNC;
    place.os.fail_at = 2;
    place.os.fail_errno = ENOSPC;
    assert_int_equal(base_os_pwrite(&place.os, place.file, "aaaa", 4, 0), 4);
    assert_int_equal(base_os_fdatasync(&place.os, place.file), 0); /* not in the mask: neither counted nor failing */
    errno = 0;
    assert_int_equal(base_os_pwrite(&place.os, place.file, "bbbb", 4, 0), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(base_os_fsync(&place.os, place.file), 0); /* only the second */
    assert_int_equal(place.os.counted, 3);
    assert_int_equal(base_os_pread(&place.os, place.file, data, 8, 0), 4);
    assert_memory_equal(data, "aaaa", 4); /* nothing of the failed write */
    place.os.counted = 0;
    place.os.fail_short = 1;
    assert_int_equal(base_os_pwrite(&place.os, place.file, "cccc", 4, 0), 4);
    assert_int_equal(base_os_pwrite(&place.os, place.file, "dddd", 4, 0), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(base_os_pread(&place.os, place.file, data, 8, 0), 4);
    assert_memory_equal(data, "ddcc", 4); /* half of it */
    place.os.counted = 0;
    place.os.fail_forever = 1;
    assert_int_equal(base_os_fsync(&place.os, place.file), 0);
    assert_int_equal(base_os_fsync(&place.os, place.file), -1);
    assert_int_equal(base_os_pwrite(&place.os, place.file, "eeee", 4, 0), -1);
    assert_int_equal(base_os_fsync(&place.os, place.file), -1);
    close_place(&place);
}

typedef int any_call(struct place *place);

static int call_open(struct place *place) { return base_os_open(&place->os, place->folder, "other", O_RDWR | O_CREAT, 0600); }
static int call_pread(struct place *place) { return (int)base_os_pread(&place->os, place->file, (char[1]){0}, 1, 0); }
static int call_fdatasync(struct place *place) { return base_os_fdatasync(&place->os, place->file); }
static int call_ftruncate(struct place *place) { return base_os_ftruncate(&place->os, place->file, 9); }
static int call_punch(struct place *place) { return base_os_punch(&place->os, place->file, 0, 9); }
static int call_fallocate(struct place *place) { return base_os_fallocate(&place->os, place->file, 0, 9); }
static int call_rename(struct place *place) { return base_os_rename(&place->os, place->folder, "file", "other"); }
static int call_exchange(struct place *place) { return base_os_exchange(&place->os, place->folder, "file", "other"); }
static int call_rename_over(struct place *place) { return base_os_rename_over(&place->os, place->folder, "file", "other"); }
static int call_unlink(struct place *place) { return base_os_unlink(&place->os, place->folder, "file"); }
static int call_mkdir(struct place *place) { return base_os_mkdir(&place->os, place->folder, "other", 0700); }
static int call_rmdir(struct place *place) { return base_os_rmdir(&place->os, place->folder, "room"); }
static int call_fstat(struct place *place) { return base_os_fstat(&place->os, place->file, &(struct stat){0}); }
static int call_fstatat(struct place *place) { return base_os_fstatat(&place->os, place->folder, "file", &(struct stat){0}); }
static int call_fstatvfs(struct place *place) { return base_os_fstatvfs(&place->os, place->file, &(struct statvfs){0}); }
static int call_lock(struct place *place) { return base_os_lock(&place->os, place->file, 0, 1, 0); }
static int call_unlock(struct place *place) { return base_os_unlock(&place->os, place->file, 0); }
static int call_random(struct place *place) { return base_os_random(&place->os, (char[1]){0}, 1); }

static int call_mmap(struct place *place)
{
    return base_os_mmap(&place->os, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

/* Every call fails when told so, is counted under its name, and then has done nothing. */
static void test_every_call_can_fail(void **state)
{
    static const struct {
        enum base_os_call number;
        any_call *call;
    } calls[] = {
        {BASE_OS_OPEN, call_open},           {BASE_OS_PREAD, call_pread},         {BASE_OS_FDATASYNC, call_fdatasync},
        {BASE_OS_FTRUNCATE, call_ftruncate}, {BASE_OS_FALLOCATE, call_fallocate}, {BASE_OS_FALLOCATE, call_punch},
        {BASE_OS_RENAME, call_rename},       {BASE_OS_RENAME, call_exchange},     {BASE_OS_RENAME, call_rename_over},
        {BASE_OS_UNLINK, call_unlink},       {BASE_OS_MKDIR, call_mkdir},
        {BASE_OS_RMDIR, call_rmdir},         {BASE_OS_STAT, call_fstat},          {BASE_OS_STAT, call_fstatat},
        {BASE_OS_STATVFS, call_fstatvfs},    {BASE_OS_MMAP, call_mmap},           {BASE_OS_LOCK, call_lock},
        {BASE_OS_LOCK, call_unlock},         {BASE_OS_RANDOM, call_random},
    };
    struct place place;
    struct stat stat;

    (void)state;
    open_place(&place);
    assert_int_equal(base_os_mkdir(&place.os, place.folder, "room", 0700), 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        base_os_init(&place.os);
        place.os.fail_mask = (uint64_t)1 << calls[i].number;
        place.os.fail_at = 1;
        place.os.fail_errno = ENOLCK;
        errno = 0;
        assert_int_equal(calls[i].call(&place), -1);
        assert_int_equal(errno, ENOLCK);
        assert_int_equal(place.os.calls[calls[i].number], 1);
    }
    base_os_init(&place.os);
    assert_int_equal(base_os_fstatat(&place.os, place.folder, "file", &stat), 0);
    assert_int_equal(stat.st_size, 0);
    assert_int_equal(base_os_fstatat(&place.os, place.folder, "room", &stat), 0);
    assert_int_equal(base_os_fstatat(&place.os, place.folder, "other", &stat), -1);
    close_place(&place);
}

static void test_failing_close_closes(void **state)
{
    struct place place;
    int fd;

    (void)state;
    open_place(&place);
    fd = base_os_open(&place.os, place.folder, "file", O_RDONLY, 0);
    place.os.fail_mask = 1u << BASE_OS_CLOSE;
    place.os.fail_at = 1;
    place.os.fail_errno = EIO;
    assert_int_equal(base_os_close(&place.os, fd), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    close_place(&place);
}

static void test_mapping(void **state)
{
    struct place place;
    char *data;

    (void)state;
    open_place(&place);
    assert_int_equal(base_os_pwrite(&place.os, place.file, "mapped", 6, 4096), 6);
    data = base_os_mmap(&place.os, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, place.file, 4096);
    assert_true(data != MAP_FAILED);
    assert_memory_equal(data, "mapped", 6);
    assert_int_equal(base_os_munmap(&place.os, data, 4096), 0);
    close_place(&place);
}

static void test_locks_between_descriptors(void **state)
{
    struct place place;
    int other;

    (void)state;
    open_place(&place);
    other = base_os_open(&place.os, place.folder, "file", O_RDWR, 0);
    assert_int_equal(base_os_lock(&place.os, place.file, 0, 1, 0), 0);
    assert_int_equal(base_os_lock(&place.os, other, 0, 1, 0), 1);  /* held, by this very process: by description, not by process */
    assert_int_equal(base_os_lock(&place.os, other, 0, 0, 0), 1);
    assert_int_equal(base_os_lock(&place.os, other, 1, 1, 0), 0);  /* another byte */
    assert_int_equal(base_os_unlock(&place.os, place.file, 0), 0);
    assert_int_equal(base_os_lock(&place.os, place.file, 0, 0, 0), 0);
    assert_int_equal(base_os_lock(&place.os, other, 0, 0, 0), 0);  /* shared by two */
    assert_int_equal(base_os_lock(&place.os, other, 0, 1, 0), 1);
    assert_int_equal(base_os_close(&place.os, other), 0);
    assert_int_equal(base_os_lock(&place.os, place.file, 0, 1, 0), 0); /* freed by the close */
    assert_int_equal(base_os_lock(&place.os, place.file, 1, 1, 0), 0);
    close_place(&place);
}

/* A waiting lock is granted when the holder, another process, dies. */
static void test_lock_waits(void **state)
{
    struct place place;
    int ready[2], status, other;
    pid_t child;
    char byte;

    (void)state;
    open_place(&place);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        int fd = base_os_open(&place.os, place.folder, "file", O_RDWR, 0);

        byte = (char)base_os_lock(&place.os, fd, 7, 1, 1);
        if (write(ready[1], &byte, 1) == 1) usleep(100000);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 0);
    other = base_os_open(&place.os, place.folder, "file", O_RDWR, 0);
    assert_int_equal(base_os_lock(&place.os, other, 7, 1, 0), 1);
    assert_int_equal(base_os_lock(&place.os, other, 7, 1, 1), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(base_os_close(&place.os, other), 0);
    close(ready[0]);
    close(ready[1]);
    close_place(&place);
}

static uint64_t constant_clock(void *ctx) { return *(uint64_t *)ctx; }

static void test_clock_and_random(void **state)
{
    struct base_os os;
    uint64_t given = 12345, ticks, first[4] = {0, 0, 0, 0}, second[4] = {0, 0, 0, 0};

    (void)state;
    base_os_init(&os);
    os.fail_mask = UINT64_MAX;
    os.fail_at = 2;
    assert_true(base_os_time_ns(&os) > (int64_t)1700000000 * 1000000000);
    ticks = base_os_ticks_ns(&os);
    usleep(2000);
    assert_in_range(base_os_ticks_ns(&os) - ticks, 2000000, (uint64_t)60 * 1000000000);
    assert_int_equal(os.calls[BASE_OS_TIME], 1);
    assert_int_equal(os.calls[BASE_OS_TICKS], 2);
    os.ticks = constant_clock;
    os.ticks_ctx = &given;
    assert_int_equal(base_os_ticks_ns(&os), 12345);
    assert_int_equal(os.counted, 0); /* clocks cannot fail, so they do not count towards failures */
    assert_int_equal(base_os_random(&os, first, sizeof(first)), 0);
    base_os_init(&os);
    assert_int_equal(base_os_random(&os, second, sizeof(second)), 0);
    for (int i = 0; i < 4; i++) assert_true(first[i] != second[i] && first[i] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_write),
        cmocka_unit_test(test_links_are_not_followed),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nth_write_fails),
        cmocka_unit_test(test_every_call_can_fail),
        cmocka_unit_test(test_failing_close_closes),
        cmocka_unit_test(test_mapping),
        cmocka_unit_test(test_locks_between_descriptors),
        cmocka_unit_test(test_lock_waits),
        cmocka_unit_test(test_clock_and_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
