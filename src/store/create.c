/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ballast.h"
#include "store/internal.h"
#include "store/making.h"
#include "store/super.h"

#include <errno.h>

static int write_nothing(void *ctx, int fd, struct pcct_error *err)
{
    (void)ctx;
    (void)fd;
    (void)err;
    return 0;
}

int store_lock_make(const struct store_folder *folder, struct pcct_error *err)
{
    return store_file_make(folder, folder->top, "", "LOCK", write_nothing, NULL, err);
}

static int write_catalogue(const struct store_folder *folder, const struct store_super *super, const struct store_segment *first,
                           struct pcct_error *err)
{
    struct store_state state = {1, 1, 0, {1, STORE_SEGMENT_HEAD_BYTES, first->link}, 0, 0};
    struct store_catalogue *catalogue = NULL;
    const struct store_ref main = {.name = "main", .kind = STORE_BRANCH, .time_ns = super->created_ns};
    struct store_txn txn = {0};
    int status = 0, unsure;

    TRY(store_catalogue_open(&catalogue, folder, STORE_CATALOGUE_NAME, 1, err));
    TRY(store_txn_begin(&txn, catalogue, folder, 1, err));
    TRY(store_state_put(&txn, &state, err));
    TRY(store_ref_put(&txn, &main, err));
    TRY(store_segment_put(&txn, first, err));
    TRY(store_txn_commit(&txn, &unsure, err));
done:
    store_txn_abort(&txn);
    store_catalogue_close(catalogue);
    return status;
}

int store_fill_empty(const struct store_folder *folder, const struct store_super *super, struct pcct_error *err)
{
    struct store_segment first = {1, store_segment_size(0, 0), store_segment_first_link(super->uuid), 0};
    int status = 0;

    TRY(store_segment_make(folder, &first, err));
    TRY(store_lock_make(folder, err));
    TRY(write_catalogue(folder, super, &first, err));
    TRY(store_ballast_make(folder, err));
    TRY(store_super_write(folder, super, err)); /* last: a folder without it is not a store; syncs the folder */
done:
    return status;
}

static int fill(void *ctx, const struct store_folder *folder, struct pcct_error *err)
{
    return store_fill_empty(folder, ctx, err);
}

int store_create(const char *path, struct store_super *super, const struct base_env *env, struct pcct_error *err)
{
    struct base_os *os = env->os;

    if (base_os_random(os, super->uuid, sizeof(super->uuid)) != 0) return base_fail_errno(err, errno, "cannot get random bytes for %s", path);
    super->format = STORE_FORMAT;
    super->incompatible |= STORE_FEATURE_PIECES;
    super->created_ns = base_os_time_ns(os);
    return store_make(path, super->uuid, fill, super, env, err);
}
