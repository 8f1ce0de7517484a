/* SPDX-License-Identifier: Apache-2.0 */
#include "base/par.h"
#include "store/anchor.h"
#include "store/bytes.h"
#include "store/internal.h"
#include "store/share.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

/* Without any anchor on the way, opening builds everything from nothing, so the first one comes earlier. Whole units count: that is what the arrays
 * of a small store occupy, so it does not get an anchor with every few commits. */
int store_anchor_due(uint64_t *bytes, const struct store_version *version, const struct index_image *image, size_t head_bytes)
{
    struct store_anchor anchor;

    store_anchor_layout(&anchor, version->version, image, head_bytes, 0);
    *bytes = STORE_ANCHOR_HEAD_BYTES + head_bytes + anchor.table_units * sizeof(uint64_t);
    for (uint32_t i = 0; i < anchor.extents; i++) *bytes += anchor.extent[i].bytes;
    return version->redo_bytes >= (anchor.table_units + 1) * STORE_UNIT_BYTES / (version->redo_frames >= version->generation ? 8 : 4);
}

struct writing {
    const struct store_folder *folder;
    struct store_anchor anchor;
    const struct index_image *image;
    const void *head;
    size_t head_bytes;
    uint64_t *table; /* as in the file */
    struct store_piece fresh; /* what is new of arrays that stand in pieces */
    uint64_t written;
};

static void hash_units(void *ctx, size_t begin, size_t end, int thread)
{
    struct writing *w = ctx;
    uint32_t i = 0;

    (void)thread;
    for (size_t unit = begin; unit < end; unit++) {
        const struct store_extent *extent;
        uint64_t within, n;

        while (i + 1 < w->anchor.extents && w->anchor.extent[i + 1].first_unit <= unit) i++;
        extent = &w->anchor.extent[i];
        within = (unit - extent->first_unit) * STORE_UNIT_BYTES;
        n = extent->bytes - within < STORE_UNIT_BYTES ? extent->bytes - within : STORE_UNIT_BYTES;
        store_put64(w->table, unit * 8, base_hash64((const uint8_t *)w->image->array[i].data + within, n));
    }
}

/* 2 MiB at once, aligned in the file when the array is: recent kernels then keep them in huge pages. */
static int write_run(struct writing *w, int fd, const void *data, uint64_t bytes, uint64_t offset, struct pcct_error *err)
{
    int status = 0;

    for (uint64_t at = 0; at < bytes; at += STORE_BIG_BYTES) {
        uint64_t n = bytes - at < STORE_BIG_BYTES ? bytes - at : STORE_BIG_BYTES;

        if (base_os_pwrite(w->folder->env->os, fd, (const uint8_t *)data + at, n, offset + at) < 0) {
            TRY(base_fail_errno(err, errno, "cannot write the anchor of v%" PRIu64 " of %s", w->anchor.version, w->folder->path));
        }
        w->written += n;
    }
done:
    return status;
}

static int fill(void *ctx, int fd, struct pcct_error *err)
{
    struct writing *w = ctx;
    uint8_t *page = NULL;
    int status = 0;

    TRY(base_take(&page, w->folder->env, STORE_ANCHOR_HEAD_BYTES, 1, err));
    store_anchor_encode(page, &w->anchor, w->folder->uuid);
    if (base_os_ftruncate(w->folder->env->os, fd, w->anchor.file_bytes) != 0) {
        status = base_fail_errno(err, errno, "cannot make %s/data/A%016" PRIx64, w->folder->path, w->anchor.version);
        goto done;
    }
    TRY(write_run(w, fd, page, STORE_ANCHOR_HEAD_BYTES, 0, err));
    TRY(write_run(w, fd, w->head, w->anchor.head_bytes, STORE_ANCHOR_HEAD_BYTES, err));
    TRY(write_run(w, fd, w->table, w->anchor.table_units * 8, w->anchor.table_offset, err));
    for (uint32_t i = 0; i < w->anchor.extents; i++) {
        if (w->anchor.extent[i].runs > 0) continue;
        TRY(write_run(w, fd, w->image->array[i].data, w->anchor.extent[i].bytes, w->anchor.extent[i].offset, err));
    }
done:
    base_free(w->folder->env, page);
    return status;
}

/* The last piece of the anchor. */
static int fill_piece(void *ctx, int fd, struct pcct_error *err)
{
    struct writing *w = ctx;
    uint64_t at[INDEX_IMAGE_ARRAYS] = {0};
    uint8_t *page = NULL;
    int status = 0;

    TRY(base_take(&page, w->folder->env, STORE_PIECE_HEAD_BYTES, 1, err));
    store_piece_encode(page, &w->fresh, w->folder->uuid);
    w->anchor.piece[w->anchor.pieces - 1].hash = w->fresh.hash;
    if (base_os_ftruncate(w->folder->env->os, fd, w->fresh.file_bytes) != 0) {
        TRY(base_fail_errno(err, errno, "cannot make %s/data/P%016" PRIx64, w->folder->path, w->fresh.number));
    }
    TRY(write_run(w, fd, page, STORE_PIECE_HEAD_BYTES, 0, err));
    for (uint32_t i = 0; i < w->anchor.runs; i++) {
        const struct store_run *run = &w->anchor.run[i];

        if (run->piece == w->anchor.pieces - 1)
            TRY(write_run(w, fd, (const uint8_t *)w->image->array[run->array].data + at[run->array], run->bytes, run->offset, err));
        at[run->array] += run->bytes;
    }
done:
    base_free(w->folder->env, page);
    return status;
}

/* Sets a version's redo distance. *changed: it was another before. */
static int set_redo(int *changed, struct store_txn *txn, uint64_t version, uint64_t frames, uint64_t bytes, struct pcct_error *err)
{
    struct store_record record;
    const uint8_t *note = NULL;
    int status = 0;

    TRY(store_record_get(&record, &note, txn, version, err));
    *changed = record.version.redo_frames != frames || record.version.redo_bytes != bytes;
    if (!*changed) goto done;
    record.version.redo_frames = frames;
    record.version.redo_bytes = bytes;
    TRY(store_record_put(txn, &record, note, err));
done:
    return status;
}

/* Lists the anchor. The redo distances of its version and of those that rest on it follow; mostly it is the newest, and nothing rests on it. */
static int list(struct store *store, const struct writing *w, struct pcct_error *err)
{
    struct store_record record, base;
    struct store_state state;
    struct store_txn txn = {0};
    int status = 0, unsure = 0, changed = 0, listed = 0;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 1, err));
    TRY(store_state_get(&state, &txn, err));
    TRY(set_redo(&changed, &txn, w->anchor.version, 0, 0, err));
    for (uint64_t v = w->anchor.version + 1; changed && v < state.next_version; v++) {
        int one;

        TRY(store_anchor_listed(&listed, &txn, v, err));
        /* a version that was lost has none that could be read behind it */
        if (listed || store_record_get(&record, NULL, &txn, v, NULL) != 0 || record.version.state_parent < w->anchor.version ||
            store_record_get(&base, NULL, &txn, record.version.state_parent, NULL) != 0) {
            continue;
        }
        TRY(set_redo(&one, &txn, v, base.version.redo_frames + 1, base.version.redo_bytes + record.version.bytes, err));
    }
    TRY(store_anchor_list(&txn, w->anchor.version, w->anchor.file_bytes, w->written, err));
    TRY(store_txn_commit(&txn, &unsure, err));
done:
    if (unsure) store_poison(store);
    store_txn_abort(&txn);
    return status;
}

/* The files, under the maintenance lock. A piece is there before the anchor that names it; one without is nobody's, and removed. */
static int write_files(struct writing *w, struct store *store, uint64_t version, struct pcct_error *err)
{
    const int has_pieces = (store->super.incompatible & STORE_FEATURE_PIECES) != 0;
    struct store_version about;
    char name[STORE_FILE_NAME_BYTES], piece[STORE_FILE_NAME_BYTES] = "";
    int status = 0;

    TRY(store_version(&about, NULL, store, version, err));
    store_anchor_layout(&w->anchor, version, w->image, w->head_bytes, has_pieces ? store_share_apart(w->image) : 0);
    TRY(base_take(&w->table, store->folder.env, w->anchor.table_units, sizeof(uint64_t), err));
    base_par_for(store->folder.env, w->anchor.table_units, 16, hash_units, w);
    w->anchor.table_hash = base_hash64(w->table, w->anchor.table_units * sizeof(uint64_t));
    w->anchor.head_hash = base_hash64(w->head, w->head_bytes);
    w->anchor.identity = about.identity;
    w->anchor.time_ns = base_os_time_ns(store->folder.env->os);
    if (has_pieces) TRY(store_share(&w->anchor, &w->fresh, store, about.state_parent, w->image, (const uint8_t *)w->table, err));
    if (w->fresh.row_bytes > 0) {
        store_piece_name(piece, w->fresh.number);
        TRY(store_file_make(&store->folder, store->folder.data, "data/", piece, fill_piece, w, err));
    }
    store_anchor_name(name, version);
    TRY(store_file_make(&store->folder, store->folder.data, "data/", name, fill, w, err));
    piece[0] = '\0';
done:
    if (piece[0]) (void)base_os_unlink(store->folder.env->os, store->folder.data, piece);
    return status;
}

/* An anchor that is listed may be all there is of a state by now, so that nothing is written in its place, which could fail and take it away. Whoever
 * finds it damaged drops it first. */
static int is_wanted(int *wanted, struct store *store, uint64_t version, struct pcct_error *err)
{
    struct store_txn txn = {0};
    int status = 0, listed = 0;

    TRY(store_check_current(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_anchor_listed(&listed, &txn, version, err));
    *wanted = !listed;
done:
    store_txn_abort(&txn);
    return status;
}

/*
 * 1 the files, a new piece first, each under a temporary name, fsync, rename, fsync of the folder; 2 the transaction that lists the anchor. A crash
 * before 2 leaves files that nobody reads: an anchor that the next one of this version replaces, a piece that goes with the next pruning. LMDB lets
 * one transaction write at a time, so commits are kept out for the time of 2 only.
 */
int store_anchor_write(uint64_t *bytes, struct store *store, uint64_t version, const struct index_image *image, const void *head,
                       size_t head_bytes, int wait, struct pcct_error *err)
{
    struct writing w = {.folder = &store->folder, .image = image, .head = head, .head_bytes = head_bytes};
    int status = 0, locked = 0, wanted = 0;

    assert(version > 0);
    *bytes = 0;
    TRY(store_check_process(store, err));
    if (store_is_poisoned(store))
        return base_fail(err, PCCT_E_IO, "an earlier write to %s could not be brought to the disk; open it again", store->folder.path);
    TRY(store_maintenance_lock(store, wait, err));
    locked = 1;
    TRY(is_wanted(&wanted, store, version, err));
    if (!wanted) goto done;
    TRY(write_files(&w, store, version, err));
    TRY(store_check_current(store, err)); /* the store may have been removed */
    TRY(list(store, &w, err));
    *bytes = w.written;
done:
    if (locked) store_maintenance_unlock(store);
    base_free(store->folder.env, w.table);
    return status;
}
