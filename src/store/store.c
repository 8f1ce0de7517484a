/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"
#include "store/super.h"
#include "store/unsynced.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

enum { STAT_BLOCK_BYTES = 512 };

static int open_lock(struct store *s, struct pcct_error *err)
{
    int status = store_file_open(&s->lock, NULL, &s->folder, s->folder.top, "", "LOCK", O_RDWR, err);

    if (status == PCCT_E_PERMISSION) return store_fail_access(err, &s->folder, errno, "LOCK");
    if (status != PCCT_E_NOT_FOUND) return status;
    return base_fail(err, PCCT_E_DAMAGED, "%s/LOCK is missing; an empty file of that name will do", s->folder.path);
}

int store_new(struct store **store, const struct base_env *env, struct pcct_error *err)
{
    struct store *s = NULL;
    int status = 0;

    *store = NULL;
    TRY(base_take_zero(&s, env, 1, sizeof(*s), err));
    s->folder = (struct store_folder){env, env, NULL, -1, -1, -1, {0}, 0};
    s->lock = -1;
    s->pid = base_os_pid();
    s->mark = base_os_mark_new(env->os);
    s->proved.item_bytes = s->rejected.item_bytes = sizeof(uint64_t);
    pthread_mutex_init(&s->writer, NULL);
    pthread_mutex_init(&s->maintaining, NULL);
    pthread_mutex_init(&s->mutex, NULL);
    *store = s;
done:
    return status;
}

int store_open(struct store **store, const char *path, const struct base_env *env, struct pcct_error *err)
{
    const struct store_options options = {0, STORE_FULL};

    return store_open_as(store, path, &options, env, err);
}

int store_open_as(struct store **store, const char *path, const struct store_options *options, const struct base_env *env, struct pcct_error *err)
{
    struct store *s = NULL;
    struct store_txn txn = {0};
    struct store_state state;
    unsigned damaged_copies;
    int status = 0;

    *store = NULL;
    TRY(store_new(&s, env, err));
    s->durability = options->durability;
    TRY(store_folder_open(&s->folder, path, options->immutable, env, err));
    TRY(store_super_read(&s->super, &damaged_copies, &s->folder, err));
    memcpy(s->folder.uuid, s->super.uuid, sizeof(s->folder.uuid));
    s->read_only = s->super.read_only_compatible != 0;
    if (!options->immutable) {
        TRY(open_lock(s, err));
        store_pins_open(&s->pins, &s->folder, s->lock);
    }
    TRY(store_unsynced_check(s, err));
    TRY(store_catalogue_open(&s->catalogue, &s->folder, STORE_CATALOGUE_NAME, 0, err));
    TRY(store_txn_begin(&txn, s->catalogue, &s->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
done:
    store_txn_abort(&txn);
    if (status == 0) *store = s;
    else store_close(s);
    return status;
}

void store_set_writer(struct store *store, const struct base_env *writer)
{
    store->folder.writer = writer;
}

void store_close(struct store *store)
{
    const struct base_env *env;

    if (!store) return;
    env = store->folder.env;
    if (!store_forked(store) && store->catalogue) store_unsynced_end(store);
    /* in a forked child the catalogue's environment is the parent's: it must not be touched */
    if (!store_forked(store)) store_catalogue_close(store->catalogue);
    store_pins_close(&store->pins, store_forked(store));
    if (store->lock >= 0) base_os_close(env->os, store->lock);
    base_vector_free(&store->proved, env);
    base_vector_free(&store->rejected, env);
    pthread_mutex_destroy(&store->writer);
    pthread_mutex_destroy(&store->maintaining);
    pthread_mutex_destroy(&store->mutex);
    store_folder_close(&store->folder);
    base_os_mark_free(env->os, store->mark);
    base_free(env, store);
}

const struct store_super *store_super(const struct store *store)
{
    return &store->super;
}

struct store_pins *store_pins(struct store *store)
{
    return &store->pins;
}

int store_forked(const struct store *store)
{
    return store->mark ? *store->mark == 0 : store->pid != base_os_pid();
}

int store_check_process(const struct store *store, struct pcct_error *err)
{
    if (!store_forked(store)) return 0;
    return base_fail(err, PCCT_E_FORKED, "%s was opened before fork(); open it anew in the child", store->folder.path);
}

int store_check_current(const struct store *store, struct pcct_error *err)
{
    if (store->folder.immutable || store_catalogue_current(store->catalogue, &store->folder, STORE_CATALOGUE_NAME)) return 0;
    return base_fail(err, PCCT_E_CONFLICT, "%s was removed or its catalogue was made anew since it was opened; open it again", store->folder.path);
}

/*
 * A process that was killed after LMDB's meta page was written, and before LMDB noted that in memory, has made a version that readers are not shown
 * yet, although the next meta page follows on it. Whoever planned on what readers see would write his frame over that version's. The next to get
 * LMDB's own lock is told that its owner died, and sets that right.
 */
static int take_over(const struct store *store, struct pcct_error *err)
{
    struct store_txn txn = {0};
    int status = 0;

    TRY(store_check_current(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 1, err));
done:
    store_txn_abort(&txn);
    return status;
}

int store_lock(struct store *store, int wait, struct pcct_error *err)
{
    int status = 0, held;

    TRY(store_check_process(store, err));
    if (store->folder.immutable) return base_fail(err, PCCT_E_PERMISSION, "%s was opened as immutable; open it without to write", store->folder.path);
    if (store->read_only) {
        return base_fail(err, PCCT_E_FORMAT, "%s has features with which this pcct may only read it; use a newer pcct", store->folder.path);
    }
    if (wait) pthread_mutex_lock(&store->writer);
    else if (pthread_mutex_trylock(&store->writer) != 0) return base_fail(err, PCCT_E_BUSY, "another thread is writing to %s", store->folder.path);
    held = base_os_lock(store->folder.env->os, store->lock, STORE_WRITER_BYTE, 1, wait);
    if (held == 1) status = base_fail(err, PCCT_E_BUSY, "another process is writing to %s; wait for it to end", store->folder.path);
    else if (held < 0) status = base_fail_errno(err, errno, "cannot lock %s", store->folder.path);
    else if ((status = take_over(store, err)) != 0) base_os_unlock(store->folder.env->os, store->lock, STORE_WRITER_BYTE);
    if (status != 0) pthread_mutex_unlock(&store->writer);
done:
    return status;
}

void store_unlock(struct store *store)
{
    /* in a forked child the lock is the parent's, and unlocking would take it away */
    if (store_forked(store)) return;
    base_os_unlock(store->folder.env->os, store->lock, STORE_WRITER_BYTE);
    pthread_mutex_unlock(&store->writer);
}

int store_maintenance_lock(struct store *store, int wait, struct pcct_error *err)
{
    int status = 0, held;

    if (wait) pthread_mutex_lock(&store->maintaining);
    else if (pthread_mutex_trylock(&store->maintaining) != 0) {
        return base_fail(err, PCCT_E_BUSY, "another thread is at the files of %s", store->folder.path);
    }
    held = base_os_lock(store->folder.env->os, store->lock, STORE_MAINTENANCE_BYTE, 1, wait);
    if (held == 1) status = base_fail(err, PCCT_E_BUSY, "another process is writing an anchor of %s, or pruning it", store->folder.path);
    else if (held < 0) status = base_fail_errno(err, errno, "cannot lock %s", store->folder.path);
    if (status != 0) pthread_mutex_unlock(&store->maintaining);
    return status;
}

void store_maintenance_unlock(struct store *store)
{
    (void)base_os_unlock(store->folder.env->os, store->lock, STORE_MAINTENANCE_BYTE);
    pthread_mutex_unlock(&store->maintaining);
}

int store_frame(struct base_vector *bytes, struct store *store, const struct store_version *version, struct pcct_error *err)
{
    struct store_record record;
    int status = 0;

    assert(bytes->item_bytes == 1);
    TRY(store_check_process(store, err));
    TRY(store_journal_read(&record, NULL, bytes, &store->folder, version->segment, version->offset, err));
    if (record.version.version != version->version || memcmp(&record.version.identity, &version->identity, sizeof(version->identity)) != 0) {
        status = base_fail(err, PCCT_E_DAMAGED, "%s/journal/J%08llx holds another frame than that of v%llu; `pcct fsck` tells what is left",
                           store->folder.path, (unsigned long long)version->segment, (unsigned long long)version->version);
    }
done:
    if (status == PCCT_E_DAMAGED && err) { /* which version is hit */
        struct pcct_error cause = *err;

        base_fail(err, PCCT_E_DAMAGED, "v%llu cannot be read: %.400s", (unsigned long long)version->version, cause.message);
    }
    return status;
}

/* ---- what it is on disk ------------------------------------------------------------------------------------------------------------------- */

struct sum {
    struct store *store;
    struct store_sizes *sizes;
    int folder;
    int error_number;
};

/* Files may come and go meanwhile. */
static int add_file(void *ctx, const char *name)
{
    struct sum *sum = ctx;
    struct stat about;

    if (base_os_fstatat(sum->store->folder.env->os, sum->folder, name, &about) != 0) {
        if (errno == ENOENT) return 0;
        sum->error_number = errno;
        return 1;
    }
    sum->sizes->disk_bytes += (uint64_t)about.st_blocks * STAT_BLOCK_BYTES;
    return 0;
}

static int add_anchor(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct sum *sum = ctx;

    (void)key;
    (void)key_bytes;
    (void)err;
    if (!value || bytes < 16) return 0;
    sum->sizes->anchors++;
    sum->sizes->anchor_bytes += store_get64(value, 8);
    return 0;
}

int store_sizes(struct store_sizes *sizes, struct store *store, struct pcct_error *err)
{
    struct sum sum = {store, sizes, -1, 0};
    struct store_state state;
    struct store_txn txn = {0};
    const int folder[3] = {store->folder.top, store->folder.journal, store->folder.data};
    int status = 0;

    memset(sizes, 0, sizeof(*sizes));
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    sizes->journal_bytes = state.frame_bytes;
    TRY(store_txn_each(&txn, STORE_ANCHORS, NULL, 0, add_anchor, &sum, err));
    for (int i = 0; i < 3; i++) {
        sum.folder = folder[i];
        if (base_os_list(store->folder.env->os, folder[i], add_file, &sum) == 0) continue;
        status = base_fail_errno(err, sum.error_number ? sum.error_number : errno, "cannot list the files of %s", store->folder.path);
        goto done;
    }
done:
    store_txn_abort(&txn);
    return status;
}
