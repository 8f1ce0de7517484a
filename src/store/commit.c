/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"
#include "store/unsynced.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Generation and jump follow from the parent. The jump is a skew-binary one: an ancestor such that any other is reached in O(log)
 * steps of jumps and parents. */
static int fill_in(struct store_version *v, struct store_txn *txn, struct pcct_error *err)
{
    struct store_record parent = {0}, jump = {0}, further = {0};
    int status = 0, lost;

    if (v->parent != 0) TRY(store_record_get(&parent, NULL, txn, v->parent, err));
    v->generation = parent.version.generation + 1;
    v->jump = v->parent;
    v->kept = parent.version.flags & STORE_PRUNED ? parent.version.kept : v->parent;
    v->flags = 0;
    /* an ancestor whose record was lost only makes the way back longer */
    lost = parent.version.jump != 0 && store_record_get(&jump, NULL, txn, parent.version.jump, NULL) != 0;
    lost = lost || (jump.version.jump != 0 && store_record_get(&further, NULL, txn, jump.version.jump, NULL) != 0);
    if (!lost && v->parent != 0 && parent.version.generation - jump.version.generation == jump.version.generation - further.version.generation) {
        v->jump = jump.version.jump;
    }
done:
    return status;
}

/* What the commit rests on: the tail, and that the branch (if there is one) still stands where the caller planned from. */
static int look(struct store_state *state, struct store_version *v, struct store *store, const char *ref, struct pcct_error *err)
{
    struct store_txn txn = {0};
    uint64_t head = 0;
    int status = 0;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(state, &txn, err));
    if (ref[0]) TRY(store_branch_get(&head, &txn, ref, err));
    if (ref[0] && head != v->parent) {
        status = base_fail(err, PCCT_E_CONFLICT, "branch %s has moved to v%" PRIu64 " (v%" PRIu64 " was expected); read it and try again", ref, head,
                           v->parent);
        goto done;
    }
    v->version = state->next_version;
    TRY(fill_in(v, &txn, err));
done:
    store_txn_abort(&txn);
    return status;
}

/* A pruning gives back what was durable, so it is durable itself, and all before it. */
static enum store_durability durability(const struct store *store, const struct store_writing *w)
{
    return w->record->operation == STORE_PRUNING ? STORE_FULL : store->durability;
}

/* One LMDB transaction. *unsure as in store_txn_commit. */
static int publish(int *unsure, struct store *store, const struct store_writing *w, const struct store_tail *end, const struct store_segment *made,
                   struct pcct_error *err)
{
    struct store_state after = *w->state, now;
    struct store_txn txn = {0};
    int status = 0;

    *unsure = 0;
    after.next_reflog++;
    after.tail = *end;
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 1, err));
    if (durability(store, w) != STORE_FULL) store_txn_unsynced(&txn);
    TRY(store_state_get(&now, &txn, err));
    if (now.next_version != w->state->next_version || now.tail.segment != w->state->tail.segment || now.tail.offset != w->state->tail.offset) {
        status = base_fail(err, PCCT_E_CONFLICT, "somebody wrote to %s without its lock; try again", store->folder.path);
        goto done;
    }
    if (made->number != 0) TRY(store_segment_put(&txn, made, err));
    TRY(store_reflog_put(&txn, w->state->next_reflog, w->record, err));
    TRY(w->put(w->ctx, &txn, &after, err));
    TRY(store_state_put(&txn, &after, err));
    TRY(store_txn_commit(&txn, unsure, err));
done:
    store_txn_abort(&txn);
    return status;
}

/* A segment behind the tail's was made for something that a crash broke off. If it begins with a base it must not outlive what is now written
 * before it: without the catalogue it would be taken for the newest. */
static int remove_leftover(const struct store *store, const struct store_state *state, struct pcct_error *err)
{
    const struct store_folder *folder = &store->folder;
    char name[STORE_FILE_NAME_BYTES];
    struct stat about;

    store_segment_name(name, state->tail.segment + 1);
    if (base_os_fstatat(folder->env->os, folder->journal, name, &about) != 0) {
        return errno == ENOENT ? 0 : base_fail_errno(err, errno, "cannot look at %s/journal/%s", folder->path, name);
    }
    if (base_os_unlink(folder->env->os, folder->journal, name) == 0 && base_os_fsync(folder->env->os, folder->journal) == 0) return 0;
    return base_fail_errno(err, errno, "cannot remove %s/journal/%s", folder->path, name);
}

/*
 * The commit, as what a crash leaves at each step. The numbers are those of the design: steps 0 and 1, planning, are the caller's.
 *
 *  2  pwrite the frame at the tail that the catalogue tells. Crash: the tail still stands before it; what was written is overwritten by the next
 *     commit. When the frame needs a new segment, that is made first, whole and durable (written under another name, fsync, rename, fsync of the
 *     folder), after the place at the old tail was zeroed and synced, so that no frame given up earlier can be taken for the one after the last.
 *     Crash: a segment that the catalogue does not know, replaced when its number comes up.
 *  3  fdatasync the segment. Crash: a whole frame that nobody was told of: overwritten, or, if the catalogue is lost and must be made anew without
 *     it, taken as committed; the caller was told neither. A crash before the end of 3 can leave any part of the frame: its hashes say so.
 *  4  LMDB transaction: record, note, write id, identity, branch (compared with record->parent), reflog, tail. Nothing is written yet.
 *  5  LMDB commit: pages, fdatasync, then the meta page, synchronously. The meta page is the commit point. Crash before: the version is not there,
 *     see 3. Crash after: it is there and whole, since 3 came before; a caller that was not answered asks for its write id.
 *
 *  6  announce the commit to those who wait for one. A crash before it: they look for themselves now and then.
 *
 * Failures: up to 5 the frame is wiped (its head zeroed), so that a version reported as failed does not come back by a rebuilding. When fdatasync
 * fails, or the write of the meta page, nobody knows what the disk holds: the handle takes no more commits. After the latter the frame is left as it
 * is, since the catalogue may name it. Three flushes in all: the segment, LMDB's pages, its meta page.
 *
 * Durability wal: 4 and 5 are not flushed, so the end of 3 is the commit point, and store/unsynced.h sees to it that nobody takes the catalogue for
 * what was committed after the machine went down. One flush. Durability none: 3 is not flushed either. A pruning has durability full in any case,
 * since space is given back after it.
 */
int store_write(const struct store_writing *w, struct store *store, struct pcct_error *err)
{
    struct store_segment made;
    struct store_tail end;
    int status = 0, sync_failed = 0, unsure = 0;

    TRY(store_check_process(store, err));
    if (store_is_poisoned(store)) {
        return base_fail(err, PCCT_E_IO, "an earlier write to %s could not be brought to the disk; close the store, look at the disk, open it again",
                         store->folder.path);
    }
    TRY(remove_leftover(store, w->state, err));
    if (durability(store, w) != STORE_FULL) TRY(store_unsynced_begin(store, &w->state->tail, err));
    w->record->version.time_ns = w->time_ns != 0 ? w->time_ns : base_os_time_ns(store->folder.env->os);
    status = store_journal_append(w->record, &end, &made, &sync_failed, &store->folder, &w->state->tail, durability(store, w) != STORE_NONE,
                                  w->note, w->payload, err); /* 2 and 3 */
    if (status != 0) {
        if (sync_failed) store_poison(store);
        goto done;
    }
    status = publish(&unsure, store, w, &end, &made, err); /* 4 and 5 */
    if (status != 0) {
        if (unsure) store_poison(store);
        if (!unsure) store_journal_wipe(&store->folder, &w->record->version, 1);
        goto done;
    }
    if (durability(store, w) == STORE_FULL) store_unsynced_over(store);
    store_pins_announce(&store->pins); /* 6 */
done:
    return status;
}

struct committing {
    struct store_record *record;
    const void *note;
};

/* The meaning of a version's frame. Its redo distance is found out here, since an anchor may be listed at any time. */
static int put_version(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err)
{
    const struct committing *c = ctx;
    struct store_version *v = &c->record->version;
    struct store_record base = {0};
    struct store_ref ref = {.kind = STORE_BRANCH, .version = v->version, .time_ns = v->time_ns};
    uint64_t head = 0;
    int status = 0;

    if (v->state_parent != 0) TRY(store_record_get(&base, NULL, txn, v->state_parent, err));
    v->redo_frames = base.version.redo_frames + 1;
    v->redo_bytes = base.version.redo_bytes + v->bytes;
    memcpy(ref.name, c->record->ref, sizeof(ref.name));
    if (ref.name[0]) TRY(store_branch_get(&head, txn, ref.name, err));
    if (ref.name[0] && head != v->parent) {
        status = base_fail(err, PCCT_E_CONFLICT, "somebody moved %s in %s without its lock; try again", ref.name, txn->folder->path);
        goto done;
    }
    TRY(store_record_put(txn, c->record, c->note, err));
    if (ref.name[0]) TRY(store_ref_put(txn, &ref, err));
    after->next_version++;
    after->frame_bytes += v->bytes;
done:
    return status;
}

static int commit(struct store_version *record, struct store *store, const char *ref, int64_t time_ns, const struct store_bytes *bytes,
                  struct pcct_error *err)
{
    struct store_record whole = {.version = *record, .note_bytes = bytes->note_bytes, .payload_bytes = bytes->payload_bytes};
    struct committing committing = {&whole, bytes->note};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    snprintf(whole.ref, sizeof(whole.ref), "%s", ref);
    TRY(look(&state, &whole.version, store, ref, err));
    TRY(store_write(&(struct store_writing){&whole, &state, bytes->note, bytes->payload, time_ns, put_version, &committing}, store, err));
    *record = whole.version;
done:
    return status;
}

int store_commit(struct store_version *record, struct store *store, const char *ref, const void *note, size_t note_bytes, const void *payload,
                 size_t payload_bytes, struct pcct_error *err)
{
    assert(strlen(ref) > 0 && strlen(ref) < STORE_NAME_BYTES);
    return commit(record, store, ref, 0, &(struct store_bytes){note, payload, note_bytes, payload_bytes}, err);
}

/* A write id that is another version's here stays so. */
int store_adopt(struct store_version *record, struct store *store, const struct store_bytes *bytes, struct pcct_error *err)
{
    struct store_version other;
    int status = 0, found = 0;

    TRY(store_write_id(&found, &other, store, record->write_id, err));
    if (found) memset(record->write_id, 0, sizeof(record->write_id));
    TRY(commit(record, store, "", record->time_ns, bytes, err));
done:
    return status;
}
