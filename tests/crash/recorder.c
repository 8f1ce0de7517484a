/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded before the C library: writes down every call that changes files or brings them to the disk, with what it wrote, so that the states in
 * which a failure of power can leave them can be made later. LMDB's calls pass here too. Off until recorder_start() is called. A call and its record
 * are one step under a mutex, which processes that are forked from then on share, as they do the log: so the records stand in an order in which the
 * calls can have happened. Stores into mappings are not seen: none of the files that count is written so.
 */
#include "oplog.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define REAL(result, name, parameters)                                        \
    static result (*real) parameters;                                         \
    if (!real) real = (result (*) parameters)(size_t)dlsym(RTLD_NEXT, name)

static int log_fd = -1;
static char boot_path[4096]; /* of a file with the name of a boot of the machine that is over when an image is opened */
static pthread_mutex_t *mutex; /* of the process that starts the recording and those that it forks */

static void put(const void *data, size_t bytes)
{
    REAL(ssize_t, "write", (int, const void *, size_t));

    for (size_t done = 0; done < bytes;) {
        ssize_t n = real(log_fd, (const char *)data + done, bytes - done);

        NEED(n > 0, "the log: %s", strerror(errno));
        done += (size_t)n;
    }
}

/* data may be NULL: that many bytes follow from the caller. */
static void record(struct op_head head, const char *name, const void *data, size_t bytes)
{
    head.name_bytes = (uint32_t)strlen(name);
    head.data_bytes = (uint32_t)bytes;
    put(&head, sizeof head);
    put(name, head.name_bytes);
    if (data) put(data, bytes);
}

static uint64_t node_of(int fd)
{
    struct stat about;

    NEED(fstat(fd, &about) == 0, "fstat: %s", strerror(errno));
    return about.st_ino;
}

/* The folder that a path is in, and its last name. A path may end in slashes. */
static uint64_t folder_of(const char **name, char buffer[4096], int folder, const char *path)
{
    struct stat about;
    char *cut;
    int found;

    snprintf(buffer, 4096, "%s", path);
    for (cut = buffer + strlen(buffer); cut > buffer + 1 && cut[-1] == '/';) *--cut = '\0';
    cut = strrchr(buffer, '/');
    *name = cut ? cut + 1 : buffer;
    if (cut) *cut = '\0';
    found = fstatat(folder, !cut ? "." : cut == buffer ? "/" : buffer, &about, 0);
    return found == 0 ? about.st_ino : 0;
}

static void record_names(uint32_t kind, int from_folder, const char *from, int to_folder, const char *to)
{
    char buffer[4096], more[4096];
    const char *name, *last;
    struct op_head head = { .kind = kind };

    head.node = folder_of(&name, buffer, from_folder, from);
    head.other = folder_of(&last, more, to_folder, to);
    record(head, name, last, strlen(last));
}

static void record_make(int folder, const char *path, uint32_t flags, uint64_t node)
{
    char buffer[4096];
    const char *name;
    struct op_head head = { .kind = OP_MAKE, .flags = flags, .other = node };

    head.node = folder_of(&name, buffer, folder, path);
    record(head, name, "", 0);
}

static void record_remove(int folder, const char *path)
{
    char buffer[4096];
    const char *name;
    struct op_head head = { .kind = OP_REMOVE };

    head.node = folder_of(&name, buffer, folder, path);
    record(head, name, "", 0);
}

/* ---- what the writer calls ---------------------------------------------------------------------------------------------------------------- */

static void make_boot(const char *path)
{
    FILE *file;

    snprintf(boot_path, sizeof boot_path, "%s.boot", path);
    file = fopen(boot_path, "w");
    NEED(file && fputs("00000000-1111-2222-3333-444444444444\n", file) >= 0 && fclose(file) == 0, "%s: %s", boot_path, strerror(errno));
}

static void make_mutex(void)
{
    pthread_mutexattr_t shared;

    mutex = mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(mutex != MAP_FAILED, "mmap: %s", strerror(errno));
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    NEED(pthread_mutex_init(mutex, &shared) == 0, "no mutex for processes");
    pthread_mutexattr_destroy(&shared);
}

SHOWN void recorder_start(const char *path, const char *root)
{
    REAL(int, "open", (const char *, int, ...));
    struct op_head head = { .kind = OP_ROOT };
    struct stat about;

    make_boot(path);
    make_mutex();
    NEED(stat(root, &about) == 0, "%s: %s", root, strerror(errno));
    log_fd = real(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    NEED(log_fd >= 0, "%s: %s", path, strerror(errno));
    head.node = about.st_ino;
    record(head, "", "", 0);
}

SHOWN void recorder_mark(uint64_t step, int done, const void *data, size_t bytes)
{
    struct op_head head = { .kind = OP_MARK, .flags = done ? OP_DONE : 0, .at = step };

    pthread_mutex_lock(mutex);
    record(head, "", data, bytes);
    pthread_mutex_unlock(mutex);
}

/* ---- calls that change what is in a file -------------------------------------------------------------------------------------------------- */

#define BEGIN if (log_fd >= 0) pthread_mutex_lock(mutex)
#define END if (log_fd >= 0) pthread_mutex_unlock(mutex)

static void record_write(int fd, const struct iovec *part, int parts, off_t offset, ssize_t written)
{
    struct op_head head = { .kind = OP_WRITE };
    size_t left = written > 0 ? (size_t)written : 0;
    int saved = errno;

    if (left == 0) return;
    head.node = node_of(fd);
    head.at = (uint64_t)offset;
    head.flags = fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC) ? OP_SYNCHRONOUS : 0;
    record(head, "", NULL, left);
    for (int i = 0; i < parts && left > 0; i++) {
        size_t n = part[i].iov_len < left ? part[i].iov_len : left;

        put(part[i].iov_base, n);
        left -= n;
    }
    errno = saved;
}

static int is_file(int fd)
{
    struct stat about;

    return log_fd >= 0 && fd != log_fd && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

#define PWRITE(name, offset_type)                                                \
    SHOWN ssize_t name(int fd, const void *data, size_t bytes, offset_type at)   \
    {                                                                            \
        struct iovec part = { (void *)(uintptr_t)data, bytes };                  \
        ssize_t n;                                                               \
        REAL(ssize_t, #name, (int, const void *, size_t, offset_type));          \
        BEGIN;                                                                   \
        n = real(fd, data, bytes, at);                                           \
        if (is_file(fd)) record_write(fd, &part, 1, (off_t)at, n);               \
        END;                                                                     \
        return n;                                                                \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PWRITEV(name, offset_type)                                               \
    SHOWN ssize_t name(int fd, const struct iovec *part, int parts, offset_type at) \
    {                                                                            \
        ssize_t n;                                                               \
        REAL(ssize_t, #name, (int, const struct iovec *, int, offset_type));     \
        BEGIN;                                                                   \
        n = real(fd, part, parts, at);                                           \
        if (is_file(fd)) record_write(fd, part, parts, (off_t)at, n);            \
        END;                                                                     \
        return n;                                                                \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

SHOWN ssize_t writev(int fd, const struct iovec *part, int parts)
{
    ssize_t n;
    off_t at;
    REAL(ssize_t, "writev", (int, const struct iovec *, int));

    if (!is_file(fd)) return real(fd, part, parts);
    BEGIN;
    at = lseek(fd, 0, SEEK_CUR);
    n = real(fd, part, parts);
    record_write(fd, part, parts, at, n);
    END;
    return n;
}

SHOWN ssize_t write(int fd, const void *data, size_t bytes)
{
    struct iovec part = { (void *)(uintptr_t)data, bytes };
    ssize_t n;
    off_t at;
    REAL(ssize_t, "write", (int, const void *, size_t));

    if (!is_file(fd)) return real(fd, data, bytes);
    BEGIN;
    at = lseek(fd, 0, SEEK_CUR);
    n = real(fd, data, bytes);
    record_write(fd, &part, 1, at, n);
    END;
    return n;
}

static void record_size(int fd, uint32_t kind, uint64_t bytes)
{
    struct op_head head = { .kind = kind, .at = bytes };

    head.node = node_of(fd);
    record(head, "", "", 0);
}

static void record_room(int fd, int mode, uint64_t at, uint64_t bytes)
{
    struct op_head head = { .kind = OP_HOLE, .node = node_of(fd), .at = at, .other = bytes };

    if (mode == 0) record_size(fd, OP_ROOM, at + bytes);
    else if (mode & FALLOC_FL_PUNCH_HOLE) record(head, "", "", 0);
    else NEED(mode == FALLOC_FL_KEEP_SIZE, "fallocate with mode %d is not known here", mode);
}

#define TRUNCATE(name, offset_type)                                              \
    SHOWN int name(int fd, offset_type bytes)                                    \
    {                                                                            \
        int result;                                                              \
        REAL(int, #name, (int, offset_type));                                    \
        BEGIN;                                                                   \
        result = real(fd, bytes);                                                \
        if (log_fd >= 0 && result == 0) record_size(fd, OP_SIZE, (uint64_t)bytes); \
        END;                                                                     \
        return result;                                                           \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define FALLOCATE(name, offset_type)                                             \
    SHOWN int name(int fd, int mode, offset_type at, offset_type bytes)          \
    {                                                                            \
        int result;                                                              \
        REAL(int, #name, (int, int, offset_type, offset_type));                  \
        BEGIN;                                                                   \
        result = real(fd, mode, at, bytes);                                      \
        if (log_fd >= 0 && result == 0) record_room(fd, mode, (uint64_t)at, (uint64_t)bytes); \
        END;                                                                     \
        return result;                                                           \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

/* ---- calls that bring it to the disk ------------------------------------------------------------------------------------------------------ */

static void record_sync(int fd)
{
    struct op_head head = { .kind = OP_SYNC };

    head.node = node_of(fd);
    record(head, "", "", 0);
}

#define SYNC(name)                                                               \
    SHOWN int name(int fd)                                                       \
    {                                                                            \
        int result;                                                              \
        REAL(int, #name, (int));                                                 \
        BEGIN;                                                                   \
        result = real(fd);                                                       \
        if (log_fd >= 0 && result == 0) record_sync(fd);                         \
        END;                                                                     \
        return result;                                                           \
    }
SYNC(fsync)
SYNC(fdatasync)

/* ---- calls that change folders ------------------------------------------------------------------------------------------------------------ */

#define OPENAT(name)                                                             \
    SHOWN int name(int folder, const char *path, int flags, ...)                 \
    {                                                                            \
        struct stat about;                                                       \
        mode_t mode = 0;                                                         \
        va_list rest;                                                            \
        int fd, there;                                                           \
        REAL(int, #name, (int, const char *, int, ...));                         \
        va_start(rest, flags);                                                   \
        if (flags & O_CREAT) mode = va_arg(rest, mode_t);                        \
        va_end(rest);                                                            \
        if (log_fd >= 0 && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) path = boot_path; \
        if (log_fd < 0 || !(flags & (O_CREAT | O_TRUNC))) return real(folder, path, flags, mode); \
        BEGIN;                                                                   \
        there = fstatat(folder, path, &about, 0) == 0;                           \
        fd = real(folder, path, flags, mode);                                    \
        if (fd >= 0 && !there) record_make(folder, path, 0, node_of(fd));        \
        else if (fd >= 0 && flags & O_TRUNC && about.st_size > 0) record_size(fd, OP_SIZE, 0); \
        END;                                                                     \
        return fd;                                                               \
    }
OPENAT(openat)
OPENAT(openat64)

#define OPEN(name)                                                               \
    SHOWN int name(const char *path, int flags, ...)                             \
    {                                                                            \
        mode_t mode = 0;                                                         \
        va_list rest;                                                            \
        va_start(rest, flags);                                                   \
        if (flags & O_CREAT) mode = va_arg(rest, mode_t);                        \
        va_end(rest);                                                            \
        return openat(AT_FDCWD, path, flags, mode);                              \
    }
OPEN(open)
OPEN(open64)

SHOWN int mkdirat(int folder, const char *path, mode_t mode)
{
    struct stat about;
    int result;
    REAL(int, "mkdirat", (int, const char *, mode_t));

    BEGIN;
    result = real(folder, path, mode);
    if (log_fd >= 0 && result == 0 && fstatat(folder, path, &about, 0) == 0) record_make(folder, path, OP_FOLDER, about.st_ino);
    END;
    return result;
}

SHOWN int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    int result;
    REAL(int, "renameat2", (int, const char *, int, const char *, unsigned));

    BEGIN;
    result = real(from_folder, from, to_folder, to, flags);
    if (log_fd >= 0 && result == 0) record_names(flags & RENAME_EXCHANGE ? OP_EXCHANGE : OP_RENAME, from_folder, from, to_folder, to);
    END;
    return result;
}

SHOWN int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    int result;
    REAL(int, "renameat", (int, const char *, int, const char *));

    BEGIN;
    result = real(from_folder, from, to_folder, to);
    if (log_fd >= 0 && result == 0) record_names(OP_RENAME, from_folder, from, to_folder, to);
    END;
    return result;
}

SHOWN int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    int result;
    REAL(int, "linkat", (int, const char *, int, const char *, int));

    BEGIN;
    result = real(from_folder, from, to_folder, to, flags);
    if (log_fd >= 0 && result == 0) record_names(OP_LINK, from_folder, from, to_folder, to);
    END;
    return result;
}

SHOWN int unlinkat(int folder, const char *path, int flags)
{
    int result;
    REAL(int, "unlinkat", (int, const char *, int));

    BEGIN;
    result = real(folder, path, flags);
    if (log_fd >= 0 && result == 0) record_remove(folder, path);
    END;
    return result;
}
