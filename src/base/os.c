/* SPDX-License-Identifier: Apache-2.0 */
#include "base/os.h"

#include "base/par.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESTART(result, call)                    \
    do {                                         \
        (result) = (call);                       \
    } while ((result) == -1 && errno == EINTR)

void base_os_init(struct base_os *os)
{
    memset(os, 0, sizeof(*os));
}

/* Counts a call; 1, with errno set, when it is one that shall fail. */
static int fails(struct base_os *os, enum base_os_call call)
{
    uint64_t number;

    base_par_add(&os->calls[call], 1);
    if (!(os->fail_mask >> call & 1)) return 0;
    number = base_par_add(&os->counted, 1);
    if (os->fail_at == 0 || number < os->fail_at || (number > os->fail_at && !os->fail_forever)) return 0;
    errno = os->fail_errno;
    return 1;
}

int base_os_open(struct base_os *os, int folder, const char *path, int flags, mode_t mode)
{
    int fd;

    if (fails(os, BASE_OS_OPEN)) return -1;
    RESTART(fd, openat(folder, path, flags | O_CLOEXEC | O_NOFOLLOW, mode));
    return fd;
}

/* Never restarted: Linux frees the descriptor whatever close() returns, and so does a close that is made to fail. */
int base_os_close(struct base_os *os, int fd)
{
    if (!fails(os, BASE_OS_CLOSE)) return close(fd);
    close(fd);
    errno = os->fail_errno;
    return -1;
}

ssize_t base_os_pread(struct base_os *os, int fd, void *data, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    assert(bytes <= SSIZE_MAX && offset <= INT64_MAX);
    if (fails(os, BASE_OS_PREAD)) return -1;
    while (done < bytes) {
        ssize_t got;

        RESTART(got, pread(fd, (char *)data + done, bytes - done, (off_t)(offset + done)));
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static ssize_t write_all(int fd, const void *data, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t put;

        RESTART(put, pwrite(fd, (const char *)data + done, bytes - done, (off_t)(offset + done)));
        if (put < 0) return -1;
        if (put == 0) { /* no file system does it for a regular file; looping for ever would be worse than an error */
            errno = EIO;
            return -1;
        }
        done += (size_t)put;
    }
    return (ssize_t)done;
}

ssize_t base_os_pwrite(struct base_os *os, int fd, const void *data, size_t bytes, uint64_t offset)
{
    assert(bytes <= SSIZE_MAX && offset <= INT64_MAX);
    if (fails(os, BASE_OS_PWRITE)) {
        if (os->fail_short) (void)write_all(fd, data, bytes / 2, offset);
        errno = os->fail_errno;
        return -1;
    }
    return write_all(fd, data, bytes, offset);
}

int base_os_fdatasync(struct base_os *os, int fd)
{
    int result;

    if (fails(os, BASE_OS_FDATASYNC)) return -1;
    RESTART(result, fdatasync(fd));
    return result;
}

int base_os_fsync(struct base_os *os, int fd)
{
    int result;

    if (fails(os, BASE_OS_FSYNC)) return -1;
    RESTART(result, fsync(fd));
    return result;
}

int base_os_ftruncate(struct base_os *os, int fd, uint64_t bytes)
{
    int result;

    assert(bytes <= INT64_MAX);
    if (fails(os, BASE_OS_FTRUNCATE)) return -1;
    RESTART(result, ftruncate(fd, (off_t)bytes));
    return result;
}

int base_os_fallocate(struct base_os *os, int fd, uint64_t offset, uint64_t bytes)
{
    int result;

    assert(offset <= INT64_MAX && bytes <= INT64_MAX);
    if (fails(os, BASE_OS_FALLOCATE)) return -1;
    RESTART(result, fallocate(fd, 0, (off_t)offset, (off_t)bytes));
    return result;
}

int base_os_punch(struct base_os *os, int fd, uint64_t offset, uint64_t bytes)
{
    int result;

    assert(offset <= INT64_MAX && bytes <= INT64_MAX);
    if (fails(os, BASE_OS_FALLOCATE)) return -1;
    RESTART(result, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes));
    return result;
}

int base_os_rename(struct base_os *os, int folder, const char *from, const char *to)
{
    struct stat there;

    if (fails(os, BASE_OS_RENAME)) return -1;
    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    /* The file system (or an old kernel) does not know the flag. Looking first leaves a gap in which somebody else may put something at `to`;
     * a folder with files in it is not replaced even then. */
    if (fstatat(folder, to, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return errno == ENOENT ? renameat(folder, from, folder, to) : -1;
}

int base_os_rename_over(struct base_os *os, int folder, const char *from, const char *to)
{
    return fails(os, BASE_OS_RENAME) ? -1 : renameat(folder, from, folder, to);
}

int base_os_exchange(struct base_os *os, int folder, const char *a, const char *b)
{
    return fails(os, BASE_OS_RENAME) ? -1 : renameat2(folder, a, folder, b, RENAME_EXCHANGE);
}

int base_os_unlink(struct base_os *os, int folder, const char *path)
{
    return fails(os, BASE_OS_UNLINK) ? -1 : unlinkat(folder, path, 0);
}

int base_os_mkdir(struct base_os *os, int folder, const char *path, mode_t mode)
{
    return fails(os, BASE_OS_MKDIR) ? -1 : mkdirat(folder, path, mode);
}

int base_os_rmdir(struct base_os *os, int folder, const char *path)
{
    return fails(os, BASE_OS_RMDIR) ? -1 : unlinkat(folder, path, AT_REMOVEDIR);
}

int base_os_fstat(struct base_os *os, int fd, struct stat *out)
{
    return fails(os, BASE_OS_STAT) ? -1 : fstat(fd, out);
}

int base_os_fstatat(struct base_os *os, int folder, const char *path, struct stat *out)
{
    return fails(os, BASE_OS_STAT) ? -1 : fstatat(folder, path, out, AT_SYMLINK_NOFOLLOW);
}

int base_os_fstatvfs(struct base_os *os, int fd, struct statvfs *out)
{
    int result;

    if (fails(os, BASE_OS_STATVFS)) return -1;
    RESTART(result, fstatvfs(fd, out));
    return result;
}

void *base_os_mmap(struct base_os *os, void *address, size_t bytes, int protection, int flags, int fd, uint64_t offset)
{
    assert(offset <= INT64_MAX);
    return fails(os, BASE_OS_MMAP) ? MAP_FAILED : mmap(address, bytes, protection, flags, fd, (off_t)offset);
}

int base_os_munmap(struct base_os *os, void *address, size_t bytes)
{
    return fails(os, BASE_OS_MUNMAP) ? -1 : munmap(address, bytes);
}

static int set_lock(int fd, uint64_t byte, short type, int command)
{
    struct flock range;
    int result;

    assert(byte < INT64_MAX);
    memset(&range, 0, sizeof(range)); /* l_pid must be 0 */
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = (off_t)byte;
    range.l_len = 1;
    RESTART(result, fcntl(fd, command, &range));
    return result;
}

int base_os_lock(struct base_os *os, int fd, uint64_t byte, int exclusive, int wait)
{
    if (fails(os, BASE_OS_LOCK)) return -1;
    if (set_lock(fd, byte, exclusive ? F_WRLCK : F_RDLCK, wait ? F_OFD_SETLKW : F_OFD_SETLK) == 0) return 0;
    return !wait && (errno == EAGAIN || errno == EACCES) ? 1 : -1;
}

int base_os_unlock(struct base_os *os, int fd, uint64_t byte)
{
    return fails(os, BASE_OS_LOCK) ? -1 : set_lock(fd, byte, F_UNLCK, F_OFD_SETLK);
}

int base_os_locked(struct base_os *os, int fd, uint64_t byte)
{
    struct flock range;
    int result;

    assert(byte < INT64_MAX);
    if (fails(os, BASE_OS_LOCK)) return -1;
    memset(&range, 0, sizeof(range));
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = (off_t)byte;
    range.l_len = 1;
    RESTART(result, fcntl(fd, F_OFD_GETLK, &range));
    return result < 0 ? -1 : range.l_type != F_UNLCK;
}

void base_os_wait(struct base_os *os, const uint32_t *word, uint32_t seen, uint64_t timeout_ns)
{
    const struct timespec timeout = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};

    if (!fails(os, BASE_OS_WAIT)) (void)syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, NULL, 0);
}

void base_os_wake(struct base_os *os, const uint32_t *word)
{
    if (!fails(os, BASE_OS_WAKE)) (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* These clocks cannot fail, so reading them is counted but never among the calls that shall. */
static uint64_t read_clock(struct base_os *os, enum base_os_call call, clockid_t clock)
{
    struct timespec now = {0, 0};

    base_par_add(&os->calls[call], 1);
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t base_os_time_ns(struct base_os *os)
{
    return (int64_t)read_clock(os, BASE_OS_TIME, CLOCK_REALTIME);
}

uint64_t base_os_ticks_ns(struct base_os *os)
{
    uint64_t now = read_clock(os, BASE_OS_TICKS, CLOCK_MONOTONIC);

    return os->ticks ? os->ticks(os->ticks_ctx) : now;
}

int base_os_random(struct base_os *os, void *data, size_t bytes)
{
    size_t done = 0;

    if (fails(os, BASE_OS_RANDOM)) return -1;
    while (done < bytes) {
        ssize_t got;

        RESTART(got, getrandom((char *)data + done, bytes - done, 0));
        if (got < 0) return -1;
        done += (size_t)got;
    }
    return 0;
}

int base_os_filesystem(struct base_os *os, int fd, uint32_t *type)
{
    struct statfs about;
    int result;

    if (fails(os, BASE_OS_STATFS)) return -1;
    RESTART(result, fstatfs(fd, &about));
    if (result == 0) *type = (uint32_t)about.f_type;
    return result;
}

int base_os_list(struct base_os *os, int folder, int (*each)(void *ctx, const char *name), void *ctx)
{
    struct dirent *entry;
    DIR *list = NULL;
    int fd, result = 0;

    if (fails(os, BASE_OS_LIST)) return -1;
    /* opened anew: a copy would share its position with `folder` */
    RESTART(fd, openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0) return -1;
    list = fdopendir(fd);
    if (!list) {
        close(fd);
        return -1;
    }
    for (;;) {
        errno = 0;
        entry = readdir(list);
        if (!entry) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        result = each(ctx, entry->d_name);
        if (result != 0) break;
    }
    if (!entry && errno != 0) result = -1;
    closedir(list);
    return result;
}

void base_os_boot(struct base_os *os, uint8_t boot[BASE_OS_BOOT_BYTES])
{
    int fd = base_os_open(os, AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0);

    memset(boot, 0, BASE_OS_BOOT_BYTES);
    if (fd < 0) return;
    if (base_os_pread(os, fd, boot, BASE_OS_BOOT_BYTES, 0) != BASE_OS_BOOT_BYTES) memset(boot, 0, BASE_OS_BOOT_BYTES);
    base_os_close(os, fd);
}

pid_t base_os_pid(void)
{
    return getpid();
}

enum { MARK_BYTES = 4096 };

const uint32_t *base_os_mark_new(struct base_os *os)
{
    uint32_t *mark = base_os_mmap(os, NULL, MARK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mark == MAP_FAILED) return NULL;
    if (madvise(mark, MARK_BYTES, MADV_WIPEONFORK) == 0) {
        *mark = 1;
        return mark;
    }
    base_os_mark_free(os, mark);
    return NULL;
}

void base_os_mark_free(struct base_os *os, const uint32_t *mark)
{
    if (mark) base_os_munmap(os, (void *)(uintptr_t)mark, MARK_BYTES);
}

int base_os_try(struct base_os *os, int *result, int (*job)(void *ctx), void *ctx)
{
    const struct rlimit no_core = {0, 0};
    pid_t child, ended;
    int how = 0;

    if (fails(os, BASE_OS_FORK)) return -1;
    child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core); /* a crash is an expected answer */
        _exit(job(ctx) & 0xff);
    }
    RESTART(ended, waitpid(child, &how, 0));
    if (ended < 0) return -1;
    *result = WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
    return 0;
}
