/* SPDX-License-Identifier: Apache-2.0 */
#include "store/unsynced.h"

#include "store/anchor.h"
#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>

enum { AT_MAGIC = 0, AT_UUID = 8, AT_BOOT = 24, AT_SEGMENT = 64, AT_OFFSET = 72, AT_NONE = 80, AT_HASH = 88, MARK_BYTES = 96 };
enum { PIECE_BYTES = 1 << 20 };
_Static_assert(AT_BOOT + BASE_OS_BOOT_BYTES <= AT_SEGMENT, "the parts of the mark do not overlap");

static const char magic[8] = {'P', 'C', 'C', 'T', 'U', 'N', 'S', '2'};
static const char name[] = "UNSYNCED", fresh[] = "UNSYNCED.new";

static int is_there(const struct store_folder *folder)
{
    struct stat about;

    return base_os_fstatat(folder->env->os, folder->top, name, &about) == 0 || errno != ENOENT;
}

/* All zero: there is none, or it cannot be made out. *there 1: in either case but the first. */
static int read_mark(int *there, uint8_t mark[MARK_BYTES], const struct store_folder *folder, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    ssize_t got;
    int status = 0, fd = base_os_open(os, folder->top, name, O_RDONLY, 0);

    memset(mark, 0, MARK_BYTES);
    *there = fd >= 0;
    if (fd < 0 && errno == ENOENT) return 0;
    if (fd < 0) return base_fail_errno(err, errno, "cannot open %s/%s", folder->path, name);
    got = base_os_pread(os, fd, mark, MARK_BYTES, 0);
    if (got < 0) status = base_fail_errno(err, errno, "cannot read %s/%s", folder->path, name);
    else if (got < MARK_BYTES || memcmp(mark, magic, sizeof(magic)) != 0 || memcmp(mark + AT_UUID, folder->uuid, 16) != 0 ||
             store_get64(mark, AT_HASH) != base_hash64(mark, AT_HASH)) memset(mark, 0, MARK_BYTES);
    base_os_close(os, fd);
    return status;
}

int store_unsynced_look(struct store_unsynced *out, const struct store_folder *folder, struct pcct_error *err)
{
    uint8_t mark[MARK_BYTES], boot[BASE_OS_BOOT_BYTES];
    int status = 0, there = 0;

    memset(out, 0, sizeof(*out));
    TRY(read_mark(&there, mark, folder, err));
    if (!there) goto done;
    base_os_boot(folder->env->os, boot);
    out->stale = memcmp(mark + AT_BOOT, boot, sizeof(boot)) != 0 || store_zero(mark, AT_BOOT, AT_BOOT + BASE_OS_BOOT_BYTES);
    out->none = store_get64(mark, AT_NONE) != 0;
    out->segment = store_get64(mark, AT_SEGMENT);
    out->offset = store_get64(mark, AT_OFFSET);
done:
    return status;
}

int store_unsynced_remove(const struct store_folder *folder, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;

    (void)base_os_unlink(os, folder->top, fresh); /* who made it was killed */
    if ((base_os_unlink(os, folder->top, name) == 0 || errno == ENOENT) && base_os_fsync(os, folder->top) == 0) return 0;
    return base_fail_errno(err, errno, "cannot remove %s/%s", folder->path, name);
}

/* ---- making anew -------------------------------------------------------------------------------------------------------------------------- */

static int is_before(const struct store_unsynced *mark, uint64_t segment, uint64_t offset)
{
    return segment < mark->segment || (segment == mark->segment && offset < mark->offset);
}

/* Zeroes every head that stands from `offset` on. */
static int wipe_heads(const struct store_folder *folder, int fd, uint64_t offset, uint64_t bytes, uint8_t *piece, struct pcct_error *err)
{
    static const uint8_t nothing[STORE_HEAD_BYTES];
    struct base_os *os = folder->env->os;
    struct store_record record;

    for (uint64_t from = offset; from + STORE_HEAD_BYTES <= bytes; from += PIECE_BYTES - STORE_HEAD_BYTES) {
        ssize_t got = base_os_pread(os, fd, piece, bytes - from < PIECE_BYTES ? bytes - from : PIECE_BYTES, from);

        if (got < 0) return base_fail_errno(err, errno, "cannot read the journal of %s", folder->path);
        for (ssize_t i = 0; i + STORE_HEAD_BYTES <= got; i += STORE_FRAME_ALIGNMENT) {
            if (piece[i] != 'P' || store_head_decode(&record, piece + i)) continue;
            if (base_os_pwrite(os, fd, nothing, sizeof(nothing), from + (uint64_t)i) < 0)
                return base_fail_errno(err, errno, "cannot write the journal of %s", folder->path);
        }
    }
    if (base_os_fdatasync(os, fd) == 0) return 0;
    return base_fail_errno(err, errno, "cannot write the journal of %s to the disk", folder->path);
}

/* An anchor can be on the disk although the frame of its version is not. */
static int drop_anchor(void *ctx, uint64_t version, struct pcct_error *err)
{
    const struct store_scan *scan = ctx;
    const struct store_found *found = scan->found.memory.data;
    char file[STORE_FILE_NAME_BYTES];

    if (version < scan->base_next || (scan->found.count > 0 && version <= found[scan->found.count - 1].record.version.version)) return 0;
    store_anchor_name(file, version);
    if (base_os_unlink(scan->folder->env->os, scan->folder->data, file) == 0) return 0;
    return base_fail_errno(err, errno, "cannot remove %s/data/%s", scan->folder->path, file);
}

int store_unsynced_cut(struct store_scan *scan, struct pcct_error *err)
{
    const struct store_folder *folder = scan->folder;
    const struct store_segment *segment = scan->segment.memory.data;
    const size_t n = scan->segment.count;
    uint64_t bytes = 0, from = scan->tail.offset;
    uint8_t *piece = NULL;
    int status = 0, fd = -1;

    if (!scan->unsynced->none || n == 0 || is_before(scan->unsynced, scan->tail.segment, scan->tail.offset)) goto done;
    if (segment[n - 1].number != scan->tail.segment) from = STORE_SEGMENT_HEAD_BYTES; /* none of its frames is there */
    TRY(base_take(&piece, folder->env, PIECE_BYTES, 1, err));
    TRY(store_segment_open(&fd, &bytes, folder, segment[n - 1].number, O_RDWR, err));
    TRY(wipe_heads(folder, fd, from, bytes, piece, err));
    TRY(store_scan_anchors(scan, drop_anchor, scan, err));
done:
    if (fd >= 0) base_os_close(folder->env->os, fd);
    base_free(folder->env, piece);
    return status;
}

/* With the writer lock. The old catalogue goes when the new one takes its place; what was crashed in between is begun again, for the mark stays. */
static int make_anew(struct store *store, struct pcct_error *err)
{
    struct store_folder *folder = &store->folder;
    struct store_unsynced mark;
    struct store_scan scan;
    int status = 0;

    store_scan_init(&scan, folder);
    TRY(store_unsynced_look(&mark, folder, err)); /* somebody else may have done it meanwhile */
    if (!mark.stale) goto done;
    scan.strict = 1;
    scan.unsynced = &mark;
    TRY(store_scan_journal(&scan, NULL, err));
    if (scan.damaged > 0 || is_before(&mark, scan.tail.segment, scan.tail.offset)) {
        status = base_fail(err, PCCT_E_DAMAGED, "the machine went down while %s was written, and its journal, from which the catalogue is to be made "
                           "anew, is damaged; `pcct fsck --rebuild-catalogue` makes one of what is left", folder->path);
        goto done;
    }
    TRY(store_unsynced_cut(&scan, err));
    TRY(store_rebuild(&scan, &(struct store_rebuilding){0, 0, 0}, err));
    TRY(store_unsynced_remove(folder, err));
done:
    store_scan_free(&scan);
    return status;
}

int store_unsynced_check(struct store *store, struct pcct_error *err)
{
    const struct store_folder *folder = &store->folder;
    struct base_os *os = folder->env->os;
    struct store_unsynced mark;
    int status = 0;

    TRY(store_unsynced_look(&mark, folder, err));
    if (!mark.stale) goto done;
    if (folder->immutable) {
        return base_fail(err, PCCT_E_DAMAGED, "the catalogue of %s may be behind its journal, since the machine went down while it was written; open "
                         "the store once where it can be written to", folder->path);
    }
    if (base_os_lock(os, store->lock, STORE_WRITER_BYTE, 1, 1) != 0) return base_fail_errno(err, errno, "cannot lock %s", folder->path);
    status = make_anew(store, err);
    (void)base_os_unlock(os, store->lock, STORE_WRITER_BYTE);
done:
    return status;
}

/* ---- while it is written ------------------------------------------------------------------------------------------------------------------ */

/* The segments before the last were flushed when the next one was made. */
static int flush_journal(struct store *store)
{
    struct store_state state;
    struct store_txn txn = {0};
    int status = 0, fd = -1;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, NULL));
    TRY(store_state_get(&state, &txn, NULL));
    TRY(store_segment_open(&fd, NULL, &store->folder, state.tail.segment, O_RDWR, NULL));
    if (base_os_fdatasync(store->folder.env->os, fd) != 0) status = PCCT_E_IO;
done:
    store_txn_abort(&txn);
    if (fd >= 0) base_os_close(store->folder.env->os, fd);
    return status;
}

struct making {
    const struct store_folder *folder;
    struct store_unsynced mark;
};

static int write_mark(void *ctx, int fd, struct pcct_error *err)
{
    const struct making *m = ctx;
    const struct store_folder *folder = m->folder;
    uint8_t mark[MARK_BYTES] = {0};

    store_put_bytes(mark, AT_MAGIC, magic, sizeof(magic));
    store_put_bytes(mark, AT_UUID, folder->uuid, 16);
    base_os_boot(folder->env->os, mark + AT_BOOT);
    store_put64(mark, AT_SEGMENT, m->mark.segment);
    store_put64(mark, AT_OFFSET, m->mark.offset);
    store_put64(mark, AT_NONE, (uint64_t)m->mark.none);
    store_put64(mark, AT_HASH, base_hash64(mark, AT_HASH));
    if (base_os_pwrite(folder->env->os, fd, mark, sizeof(mark), 0) >= 0) return 0;
    return base_fail_errno(err, errno, "cannot write %s/%s", folder->path, name);
}

/* A mark of another level is made anew from here on: up to here all is flushed if it was wal, and is brought to the disk now if it was none. */
int store_unsynced_begin(struct store *store, const struct store_tail *tail, struct pcct_error *err)
{
    const int none = store->durability == STORE_NONE;
    struct making making = {&store->folder, {0, none, tail->segment, tail->offset}};
    uint8_t mark[MARK_BYTES];
    int status = 0, there = 0, same;

    TRY(read_mark(&there, mark, &store->folder, err));
    same = store_get64(mark, AT_SEGMENT) != 0 && (store_get64(mark, AT_NONE) != 0) == none;
    if (same && store->unsynced) goto done;
    if (same) { /* another handle's: it may not be on the disk yet */
        making.mark.segment = store_get64(mark, AT_SEGMENT);
        making.mark.offset = store_get64(mark, AT_OFFSET);
    } else if (there && !none && flush_journal(store) != 0) {
        store_poison(store);
        return base_fail(err, PCCT_E_IO, "cannot write the journal of %s to the disk", store->folder.path);
    }
    TRY(store_file_make(&store->folder, store->folder.top, "", name, write_mark, &making, err));
    store->unsynced = 1;
done:
    return status;
}

void store_unsynced_over(struct store *store)
{
    if (is_there(&store->folder)) (void)store_unsynced_remove(&store->folder, NULL);
    store->unsynced = 0;
}

void store_unsynced_end(struct store *store)
{
    if (!store->unsynced || store_is_poisoned(store) || store_lock(store, 0, NULL) != 0) return;
    if (flush_journal(store) == 0 && store_catalogue_sync(store->catalogue, &store->folder, NULL) == 0) store_unsynced_over(store);
    store_unlock(store);
}
