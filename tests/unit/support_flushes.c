/* SPDX-License-Identifier: Apache-2.0 */
#include "support_flushes.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Stand between the program, LMDB included, and the C library: every flush of this process is counted, a write to a file that was opened to be
 * written through (LMDB's meta page) as one.
 */
int support_flushes;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    __atomic_add_fetch(&support_flushes, 1, __ATOMIC_RELAXED);
    return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    __atomic_add_fetch(&support_flushes, 1, __ATOMIC_RELAXED);
    return (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    if (fcntl(fd, F_GETFL) & O_DSYNC) __atomic_add_fetch(&support_flushes, 1, __ATOMIC_RELAXED);
    return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    return pwrite64(fd, data, bytes, offset);
}
