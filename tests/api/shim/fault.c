/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded before the C library: counts the calls that change files, and fails the one that it is told to. LMDB's calls pass here too. Off until
 * fault_arm() is called.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SHORT_WRITE = -1, DEATH = -2 };

static long counted, fail_at;
static int fault, on, failed, dying;

/* fault: an errno, or -1: the call writes half of its bytes (a call that writes none fails with ENOSPC), or -2: the process is killed just after the
 * call, if it writes, else before the next one. */
__attribute__((visibility("default"))) void fault_arm(long at, int kind)
{
    counted = 0;
    failed = 0;
    fail_at = at;
    fault = kind;
    on = 1;
}

/* Returns how many calls were counted; *hit: one of them failed. */
__attribute__((visibility("default"))) long fault_disarm(int *hit)
{
    on = 0;
    *hit = failed;
    return counted;
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;) pause();
}

static ssize_t over(ssize_t written)
{
    if (dying) die();
    return written;
}

static int turn(void)
{
    if (dying) die();
    if (!on || __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED) != fail_at) return 0;
    failed = 1;
    dying = fault == DEATH;
    if (dying) return 0;
    errno = fault == SHORT_WRITE ? ENOSPC : fault;
    return 1;
}

#define REAL(result, name, parameters)                                        \
    static result (*real) parameters;                                         \
    if (!real) real = (result (*) parameters)(size_t)dlsym(RTLD_NEXT, name)

#define SHOWN __attribute__((visibility("default")))

SHOWN ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    REAL(ssize_t, "pwrite", (int, const void *, size_t, off_t));
    if (turn()) return fault == SHORT_WRITE ? real(fd, data, bytes / 2, offset) : -1;
    return over(real(fd, data, bytes, offset));
}

SHOWN ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    REAL(ssize_t, "pwrite64", (int, const void *, size_t, off64_t));
    if (turn()) return fault == SHORT_WRITE ? real(fd, data, bytes / 2, offset) : -1;
    return over(real(fd, data, bytes, offset));
}

SHOWN ssize_t write(int fd, const void *data, size_t bytes)
{
    REAL(ssize_t, "write", (int, const void *, size_t));
    if (turn()) return fault == SHORT_WRITE ? real(fd, data, bytes / 2) : -1;
    return over(real(fd, data, bytes));
}

SHOWN ssize_t pwritev(int fd, const struct iovec *part, int parts, off_t offset)
{
    REAL(ssize_t, "pwritev", (int, const struct iovec *, int, off_t));
    if (turn()) return fault == SHORT_WRITE ? real(fd, part, parts / 2, offset) : -1;
    return over(real(fd, part, parts, offset));
}

SHOWN ssize_t writev(int fd, const struct iovec *part, int parts)
{
    REAL(ssize_t, "writev", (int, const struct iovec *, int));
    if (turn()) return fault == SHORT_WRITE ? real(fd, part, parts / 2) : -1;
    return over(real(fd, part, parts));
}

SHOWN ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
    REAL(ssize_t, "pread", (int, void *, size_t, off_t));
    return turn() ? -1 : real(fd, data, bytes, offset);
}

SHOWN int fdatasync(int fd)
{
    REAL(int, "fdatasync", (int));
    return turn() ? -1 : real(fd);
}

SHOWN int fsync(int fd)
{
    REAL(int, "fsync", (int));
    return turn() ? -1 : real(fd);
}

SHOWN int msync(void *address, size_t bytes, int flags)
{
    REAL(int, "msync", (void *, size_t, int));
    return turn() ? -1 : real(address, bytes, flags);
}

SHOWN int ftruncate(int fd, off_t bytes)
{
    REAL(int, "ftruncate", (int, off_t));
    return turn() ? -1 : real(fd, bytes);
}

SHOWN int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    REAL(int, "fallocate", (int, int, off_t, off_t));
    return turn() ? -1 : real(fd, mode, offset, bytes);
}

SHOWN int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    REAL(int, "posix_fallocate", (int, off_t, off_t));
    return turn() ? errno : real(fd, offset, bytes);
}

SHOWN int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list rest;
    REAL(int, "openat", (int, const char *, int, ...));

    va_start(rest, flags);
    if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t);
    va_end(rest);
    return turn() ? -1 : real(folder, path, flags, mode);
}

SHOWN int fstat(int fd, struct stat *out)
{
    REAL(int, "fstat", (int, struct stat *));
    return turn() ? -1 : real(fd, out);
}

SHOWN int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    REAL(int, "renameat2", (int, const char *, int, const char *, unsigned));
    return turn() ? -1 : real(from_folder, from, to_folder, to, flags);
}

SHOWN int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    REAL(int, "renameat", (int, const char *, int, const char *));
    return turn() ? -1 : real(from_folder, from, to_folder, to);
}

SHOWN int unlinkat(int folder, const char *path, int flags)
{
    REAL(int, "unlinkat", (int, const char *, int));
    return turn() ? -1 : real(folder, path, flags);
}

SHOWN void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    REAL(void *, "mmap", (void *, size_t, int, int, int, off_t));
    if (fd >= 0 && turn()) return MAP_FAILED;
    return real(address, bytes, protection, flags, fd, offset);
}
