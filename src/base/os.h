/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

/*
 * Every system call of the library goes through this table (LMDB makes its own). The calls return what the system's return: -1 and errno, or a
 * result. read and write calls are restarted after EINTR and finish short transfers, so a result below `bytes` from base_os_pread means the end
 * of the file, and from base_os_pwrite cannot be.
 */
enum base_os_call {
    BASE_OS_OPEN, BASE_OS_CLOSE, BASE_OS_PREAD, BASE_OS_PWRITE, BASE_OS_FDATASYNC, BASE_OS_FSYNC, BASE_OS_FTRUNCATE, BASE_OS_FALLOCATE,
    BASE_OS_RENAME, BASE_OS_UNLINK, BASE_OS_MKDIR, BASE_OS_RMDIR, BASE_OS_STAT, BASE_OS_STATVFS, BASE_OS_MMAP, BASE_OS_MUNMAP, BASE_OS_LOCK,
    BASE_OS_TIME, BASE_OS_RANDOM, BASE_OS_STATFS, BASE_OS_LIST, BASE_OS_FORK,
    BASE_OS_TICKS, BASE_OS_WAIT, BASE_OS_WAKE, BASE_OS_CALLS
};

/*
 * The state of the table: how often each call was made, and, for tests, the calls that shall fail. Counters are atomic; everything else is set
 * before use. `fail_mask` has a bit for each call that counts towards `fail_at`; the fail_at-th such call (from 1; 0: none) fails with
 * `fail_errno`, and all later ones too if `fail_forever`. A failing BASE_OS_PWRITE with `fail_short` set writes half of its bytes first.
 */
struct base_os {
    uint64_t calls[BASE_OS_CALLS];
    uint64_t counted;
    uint64_t fail_mask;
    uint64_t fail_at;
    int fail_errno;
    int fail_forever;
    int fail_short;
    uint64_t (*ticks)(void *ctx); /* a clock instead of the system's for base_os_ticks_ns(); NULL: none */
    void *ticks_ctx;
};

void base_os_init(struct base_os *os);

int base_os_open(struct base_os *os, int folder, const char *path, int flags, mode_t mode); /* O_CLOEXEC and O_NOFOLLOW are added */
int base_os_close(struct base_os *os, int fd);
ssize_t base_os_pread(struct base_os *os, int fd, void *data, size_t bytes, uint64_t offset);
ssize_t base_os_pwrite(struct base_os *os, int fd, const void *data, size_t bytes, uint64_t offset);
int base_os_fdatasync(struct base_os *os, int fd);
int base_os_fsync(struct base_os *os, int fd);
int base_os_ftruncate(struct base_os *os, int fd, uint64_t bytes);
int base_os_fallocate(struct base_os *os, int fd, uint64_t offset, uint64_t bytes);
int base_os_punch(struct base_os *os, int fd, uint64_t offset, uint64_t bytes); /* gives the blocks back; zeros are read there, the size stays */
int base_os_rename(struct base_os *os, int folder, const char *from, const char *to); /* fails with EEXIST when `to` exists (RENAME_NOREPLACE) */
int base_os_rename_over(struct base_os *os, int folder, const char *from, const char *to); /* takes the place of `to` */
int base_os_exchange(struct base_os *os, int folder, const char *a, const char *b); /* in one step; EINVAL or ENOSYS: not on this file system */
int base_os_unlink(struct base_os *os, int folder, const char *path);
int base_os_mkdir(struct base_os *os, int folder, const char *path, mode_t mode);
int base_os_rmdir(struct base_os *os, int folder, const char *path);
int base_os_fstat(struct base_os *os, int fd, struct stat *out);
int base_os_fstatat(struct base_os *os, int folder, const char *path, struct stat *out); /* does not follow links */
int base_os_fstatvfs(struct base_os *os, int fd, struct statvfs *out);
void *base_os_mmap(struct base_os *os, void *address, size_t bytes, int protection, int flags, int fd, uint64_t offset);
int base_os_munmap(struct base_os *os, void *address, size_t bytes);

/* Open-file-description lock on one byte: freed by the kernel when the last copy of fd closes. Returns 0; 1 when somebody else holds it and
 * wait is 0; -1 on error. */
int base_os_lock(struct base_os *os, int fd, uint64_t byte, int exclusive, int wait);
int base_os_unlock(struct base_os *os, int fd, uint64_t byte);
/* Whether somebody else holds a lock on the byte: 1, or 0; -1 on error. Locks that fd itself has do not count. */
int base_os_locked(struct base_os *os, int fd, uint64_t byte);

/* Sleeps while *word is `seen`, which processes may share through a mapping, until it is woken, a signal comes or the time is over; also returns at
 * once for no reason. Whoever changes the word wakes all. Both only save time: callers look for themselves what has changed. */
void base_os_wait(struct base_os *os, const uint32_t *word, uint32_t seen, uint64_t timeout_ns);
void base_os_wake(struct base_os *os, const uint32_t *word);

int64_t base_os_time_ns(struct base_os *os);                      /* since 1970, UTC */
uint64_t base_os_ticks_ns(struct base_os *os);                    /* monotonic, for durations */
int base_os_random(struct base_os *os, void *data, size_t bytes); /* from the kernel */

int base_os_filesystem(struct base_os *os, int fd, uint32_t *type);    /* statfs f_type: which kind of file system fd lives on */

/* Calls each(ctx, name) for the entries of a folder but "." and "..", in no order, until one returns other than 0. That value, or -1 and errno. */
int base_os_list(struct base_os *os, int folder, int (*each)(void *ctx, const char *name), void *ctx);

pid_t base_os_pid(void);
/* Which boot of the machine this is; zeros where the system does not tell. */
enum { BASE_OS_BOOT_BYTES = 36 };
void base_os_boot(struct base_os *os, uint8_t boot[BASE_OS_BOOT_BYTES]);
/* A word that is 1 in this process and 0 in every child that it forks: tells, without a system call, who is the child. NULL: the system cannot do
 * that, compare pids. */
const uint32_t *base_os_mark_new(struct base_os *os);
void base_os_mark_free(struct base_os *os, const uint32_t *mark); /* NULL is fine */
/* Runs job(ctx) in a child process, which may crash, and waits for it. *result: what job returned (0 to 255); -n when signal n killed the child.
 * Returns -1 and errno when there was no child. The job must not touch threads. */
int base_os_try(struct base_os *os, int *result, int (*job)(void *ctx), void *ctx);

#endif
