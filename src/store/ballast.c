/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ballast.h"

#include <errno.h>
#include <string.h>

enum { PIECE_BYTES = 64 << 10 };

static const char name[] = "BALLAST";

/* Where room cannot be had without writing, it is written to. */
static int fill(void *ctx, int fd, struct pcct_error *err)
{
    static const uint8_t nothing[PIECE_BYTES];
    const struct store_folder *folder = ctx;
    struct base_os *os = folder->env->os;

    if (base_os_fallocate(os, fd, 0, STORE_BALLAST_BYTES) == 0) return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return base_fail_errno(err, errno, "cannot make %s/%s", folder->path, name);
    for (uint64_t at = 0; at < STORE_BALLAST_BYTES; at += PIECE_BYTES) {
        if (base_os_pwrite(os, fd, nothing, PIECE_BYTES, at) < 0) return base_fail_errno(err, errno, "cannot write %s/%s", folder->path, name);
    }
    return 0;
}

int store_ballast_make(const struct store_folder *folder, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    struct statvfs room;
    struct stat about;
    int status;

    if (base_os_fstatat(os, folder->top, name, &about) == 0) return 0;
    if (errno != ENOENT) return base_fail_errno(err, errno, "cannot look at %s/%s", folder->path, name);
    if (base_os_fstatvfs(os, folder->top, &room) != 0) return base_fail_errno(err, errno, "cannot tell the room on the disk of %s", folder->path);
    if ((uint64_t)room.f_bavail * room.f_frsize < 2 * (uint64_t)STORE_BALLAST_BYTES) return 0;
    status = store_file_make(folder, folder->top, "", name, fill, (void *)(uintptr_t)folder, err);
    return status == PCCT_E_NOSPACE ? 0 : status; /* a quota, or somebody was faster */
}

int store_ballast_release(const struct store_folder *folder)
{
    struct base_os *os = folder->env->os;

    if (base_os_unlink(os, folder->top, name) != 0) return 0;
    (void)base_os_fsync(os, folder->top); /* only then some file systems have the room for others */
    return 1;
}
