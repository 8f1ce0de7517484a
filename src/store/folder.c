/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include "store/bytes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* Numbers of statfs(2) for file systems whose locks and mappings do not agree between machines, or depend on a program. */
static const uint32_t refused[] = {0x6969u /* NFS */, 0x517bu /* SMB */, 0xff534d42u /* CIFS */, 0xfe534d42u /* SMB2 */, 0x65735546u /* FUSE */};

int store_folder_check(const struct base_env *env, int fd, const char *path, struct pcct_error *err)
{
    uint32_t type = 0;

    if (base_os_filesystem(env->os, fd, &type) != 0) return base_fail_errno(err, errno, "cannot tell which file system %s lives on", path);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (type != refused[i]) continue;
        return base_fail(err, PCCT_E_FILESYSTEM,
                         "%s lives on a network or FUSE file system (type 0x%x), where locks and mappings cannot be relied on; use a local disk, "
                         "or, to read what nobody writes to any more, open it as immutable",
                         path, (unsigned)type);
    }
    return 0;
}

static int open_part(int *fd, const struct store_folder *folder, const char *name, struct pcct_error *err)
{
    *fd = base_os_open(folder->env->os, folder->top, name, O_RDONLY | O_DIRECTORY, 0);
    if (*fd >= 0) return 0;
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
        return base_fail(err, PCCT_E_NOT_A_STORE, "%s is not a store: it has no folder %s", folder->path, name);
    }
    return base_fail_errno(err, errno, "cannot open %s/%s", folder->path, name);
}

int store_folder_open(struct store_folder *folder, const char *path, int immutable, const struct base_env *env, struct pcct_error *err)
{
    size_t length = strlen(path);
    struct stat about;
    int status = 0;

    *folder = (struct store_folder){env, env, NULL, -1, -1, -1, {0}, immutable};
    while (length > 1 && path[length - 1] == '/') length--;
    TRY(base_take(&folder->path, env, length + 1, 1, err));
    memcpy(folder->path, path, length);
    folder->path[length] = '\0';
    folder->top = base_os_open(env->os, AT_FDCWD, folder->path, O_RDONLY | O_DIRECTORY, 0);
    if (folder->top < 0) {
        int error_number = errno;

        if (error_number == ENOENT) status = base_fail(err, PCCT_E_NOT_FOUND, "there is no store at %s", folder->path);
        else if (error_number == ENOTDIR && base_os_fstatat(env->os, AT_FDCWD, folder->path, &about) == 0 && S_ISLNK(about.st_mode)) {
            status = base_fail(err, PCCT_E_NOT_A_STORE, "%s is a symbolic link, which is not followed; give the path it leads to, or %s/.",
                               folder->path, folder->path);
        } else if (error_number == ENOTDIR) status = base_fail(err, PCCT_E_NOT_A_STORE, "%s is not a store: it is not a folder", folder->path);
        else status = base_fail_errno(err, error_number, "cannot open %s", folder->path);
        goto done;
    }
    if (!immutable) TRY(store_folder_check(env, folder->top, folder->path, err));
    if (base_os_fstatat(env->os, folder->top, "SUPER", &about) != 0) {
        if (errno != ENOENT) status = base_fail_errno(err, errno, "cannot look at %s/SUPER", folder->path);
        else status = base_fail(err, PCCT_E_NOT_A_STORE, "%s is not a store: it has no file SUPER", folder->path);
        goto done;
    }
    TRY(open_part(&folder->journal, folder, "journal", err));
    TRY(open_part(&folder->data, folder, "data", err));
done:
    if (status != 0) store_folder_close(folder);
    return status;
}

static void close_one(const struct store_folder *folder, int *fd)
{
    if (*fd >= 0) base_os_close(folder->env->os, *fd);
    *fd = -1;
}

void store_folder_close(struct store_folder *folder)
{
    if (!folder->env) return;
    close_one(folder, &folder->data);
    close_one(folder, &folder->journal);
    close_one(folder, &folder->top);
    base_free(folder->env, folder->path);
    folder->path = NULL;
}

int store_file_open(int *fd, uint64_t *bytes, const struct store_folder *folder, int in, const char *where, const char *name, int flags,
                    struct pcct_error *err)
{
    struct stat about;
    int status = 0;

    *fd = base_os_open(folder->env->os, in, name, flags, 0);
    if (*fd < 0) {
        if (errno == ELOOP) return base_fail(err, PCCT_E_DAMAGED, "%s/%s%s is a symbolic link", folder->path, where, name);
        return base_fail_errno(err, errno, "cannot open %s/%s%s", folder->path, where, name);
    }
    if (base_os_fstat(folder->env->os, *fd, &about) != 0) status = base_fail_errno(err, errno, "cannot look at %s/%s%s", folder->path, where, name);
    else if (!S_ISREG(about.st_mode)) status = base_fail(err, PCCT_E_DAMAGED, "%s/%s%s is not a file", folder->path, where, name);
    if (status != 0) close_one(folder, fd);
    else if (bytes) *bytes = (uint64_t)about.st_size;
    return status;
}

int store_fail_access(struct pcct_error *err, const struct store_folder *folder, int error_number, const char *name)
{
    if (error_number == EROFS) {
        return base_fail_errno(err, error_number, "cannot write to %s/%s, as reading does too; to read what nobody writes to, open it as immutable",
                               folder->path, name);
    }
    return base_fail_errno(err, error_number,
                           "cannot write to %s/%s (reading a store too needs write access to its folder, LOCK, catalogue.mdb and catalogue.mdb-lock, "
                           "where readers are counted; ask its owner, or copy the store to a folder of your own)", folder->path, name);
}

int store_file_make(const struct store_folder *folder, int in, const char *where, const char *name,
                    int (*fill)(void *ctx, int fd, struct pcct_error *err), void *ctx, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    char fresh[STORE_FILE_NAME_BYTES + 4];
    int status = 0, fd = -1, renamed = 0;

    assert(strlen(name) < STORE_FILE_NAME_BYTES);
    snprintf(fresh, sizeof(fresh), "%s.new", name);
    fd = base_os_open(os, in, fresh, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) return base_fail_errno(err, errno, "cannot make %s/%s%s", folder->path, where, name);
    TRY(fill(ctx, fd, err));
    if (base_os_fsync(os, fd) != 0) {
        status = base_fail_errno(err, errno, "cannot write %s/%s%s to the disk", folder->path, where, name);
    } else if (base_os_rename_over(os, in, fresh, name) != 0) {
        status = base_fail_errno(err, errno, "cannot rename %s/%s%s", folder->path, where, fresh);
    } else {
        renamed = 1;
        if (base_os_fsync(os, in) != 0) status = base_fail_errno(err, errno, "cannot write the folder %s/%s to the disk", folder->path, where);
    }
done:
    base_os_close(os, fd);
    if (status != 0) base_os_unlink(os, in, renamed ? name : fresh);
    return status;
}
