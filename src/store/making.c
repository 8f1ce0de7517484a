/* SPDX-License-Identifier: Apache-2.0 */
#include "store/making.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The names of a creation: the folder above, the store's own name in it, and the temporary one beside that. */
struct making {
    const struct base_env *env;
    char *above, *name, *fresh; /* owned */
    char *fresh_path;
    int above_fd;
    const uint8_t *uuid;
    int (*fill)(void *ctx, const struct store_folder *folder, struct pcct_error *err);
    void *ctx;
    int made, renamed; /* the temporary folder is there; the store is at its place */
};

static int copy_text(char **out, const struct base_env *env, const char *text, size_t length, const char *more, struct pcct_error *err)
{
    size_t bytes = length + strlen(more) + 1;
    int status = base_take(out, env, bytes, 1, err);

    if (status == 0) snprintf(*out, bytes, "%.*s%s", (int)length, text, more);
    return status;
}

static int name_parts(struct making *m, const char *path, struct pcct_error *err)
{
    size_t length = strlen(path), cut;
    uint8_t random[4];
    char suffix[32];
    int status = 0;

    while (length > 1 && path[length - 1] == '/') length--;
    for (cut = length; cut > 0 && path[cut - 1] != '/';) cut--;
    if (length == 0 || cut == length || length > INT32_MAX) return base_fail(err, PCCT_E_INVALID, "\"%.200s\" cannot be the path of a store", path);
    if (base_os_random(m->env->os, random, sizeof(random)) != 0) return base_fail_errno(err, errno, "cannot get random bytes for %s", path);
    snprintf(suffix, sizeof(suffix), ".new-%02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
    if (cut == 0) TRY(copy_text(&m->above, m->env, ".", 1, "", err));
    else TRY(copy_text(&m->above, m->env, path, cut, "", err));
    TRY(copy_text(&m->name, m->env, path + cut, length - cut, "", err));
    TRY(copy_text(&m->fresh, m->env, path + cut, length - cut, suffix, err));
    TRY(copy_text(&m->fresh_path, m->env, path, length, suffix, err));
done:
    return status;
}

/* The folder above may be reached through links: O_NOFOLLOW looks at the last part only, so a "." is put behind it. */
static int open_above(struct making *m, const char *path, struct pcct_error *err)
{
    struct stat there;
    char *through = NULL;
    int status = 0;

    TRY(copy_text(&through, m->env, m->above, strlen(m->above), "/.", err));
    m->above_fd = base_os_open(m->env->os, AT_FDCWD, through, O_RDONLY | O_DIRECTORY, 0);
    if (m->above_fd < 0) {
        status = base_fail_errno(err, errno, "cannot open the folder %s", m->above);
        goto done;
    }
    TRY(store_folder_check(m->env, m->above_fd, m->above, err));
    if (base_os_fstatat(m->env->os, m->above_fd, m->name, &there) == 0) status = base_fail(err, PCCT_E_EXISTS, "%s exists already", path);
    else if (errno != ENOENT) status = base_fail_errno(err, errno, "cannot look at %s", path);
done:
    base_free(m->env, through);
    return status;
}

struct removing {
    struct base_os *os;
    int folder;
};

static int remove_one(void *ctx, const char *name)
{
    const struct removing *r = ctx;

    (void)base_os_unlink(r->os, r->folder, name);
    return 0;
}

/* All files of a folder. Names that a listing passes over because others go before it are met by the next. */
static void remove_files(struct base_os *os, int folder)
{
    struct removing removing = {os, folder};

    if (folder >= 0) (void)base_os_list(os, folder, remove_one, &removing);
}

void store_unmake(struct base_os *os, int above, const char *name)
{
    static const char *const part[] = {"journal", "data"};
    int top = base_os_open(os, above, name, O_RDONLY | O_DIRECTORY, 0);

    for (size_t i = 0; top >= 0 && i < sizeof(part) / sizeof(part[0]); i++) {
        int folder = base_os_open(os, top, part[i], O_RDONLY | O_DIRECTORY, 0);

        remove_files(os, folder);
        if (folder >= 0) base_os_close(os, folder);
        base_os_rmdir(os, top, part[i]);
    }
    remove_files(os, top);
    if (top >= 0) base_os_close(os, top);
    base_os_rmdir(os, above, name);
}

/* Folders first: store_folder_open does not know a half-made store, so they are opened here. */
static int make_inside(struct making *m, struct pcct_error *err)
{
    struct store_folder folder = {m->env, m->env, m->fresh_path, -1, -1, -1, {0}, 0};
    struct base_os *os = m->env->os;
    int status = 0;

    folder.top = base_os_open(os, m->above_fd, m->fresh, O_RDONLY | O_DIRECTORY, 0);
    if (folder.top < 0) return base_fail_errno(err, errno, "cannot open %s", m->fresh_path);
    if (base_os_mkdir(os, folder.top, "journal", 0700) != 0 || base_os_mkdir(os, folder.top, "data", 0700) != 0) {
        status = base_fail_errno(err, errno, "cannot make folders in %s", m->fresh_path);
        goto done;
    }
    folder.journal = base_os_open(os, folder.top, "journal", O_RDONLY | O_DIRECTORY, 0);
    folder.data = base_os_open(os, folder.top, "data", O_RDONLY | O_DIRECTORY, 0);
    if (folder.journal < 0 || folder.data < 0) {
        status = base_fail_errno(err, errno, "cannot open folders in %s", m->fresh_path);
        goto done;
    }
    memcpy(folder.uuid, m->uuid, sizeof(folder.uuid));
    TRY(m->fill(m->ctx, &folder, err));
done:
    folder.path = NULL; /* m's */
    store_folder_close(&folder);
    return status;
}

int store_make(const char *path, const uint8_t uuid[16], int (*fill)(void *ctx, const struct store_folder *folder, struct pcct_error *err), void *ctx,
               const struct base_env *env, struct pcct_error *err)
{
    struct making m = {.env = env, .above_fd = -1, .uuid = uuid, .fill = fill, .ctx = ctx};
    struct base_os *os = env->os;
    int status = 0;

    TRY(name_parts(&m, path, err));
    TRY(open_above(&m, path, err));
    if (base_os_mkdir(os, m.above_fd, m.fresh, 0700) != 0) {
        status = base_fail_errno(err, errno, "cannot make %s", m.fresh_path);
        goto done;
    }
    m.made = 1;
    TRY(make_inside(&m, err));
    if (base_os_rename(os, m.above_fd, m.fresh, m.name) != 0) {
        status = base_fail_errno(err, errno, "cannot rename %s to %s", m.fresh_path, m.name);
        goto done;
    }
    m.renamed = 1;
    if (base_os_fsync(os, m.above_fd) != 0) status = base_fail_errno(err, errno, "cannot write the folder %s to the disk", m.above);
done:
    if (status != 0 && m.renamed && base_os_rename(os, m.above_fd, m.name, m.fresh) != 0) m.made = 0;
    if (status != 0 && m.made) store_unmake(os, m.above_fd, m.fresh);
    if (m.above_fd >= 0) base_os_close(os, m.above_fd);
    base_free(env, m.above);
    base_free(env, m.name);
    base_free(env, m.fresh);
    base_free(env, m.fresh_path);
    return status;
}
