/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"
#include "store/unsynced.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * A commit, or several that are flushed together, as what a crash leaves at each step. The numbers are those of the design: steps 0 and 1, planning,
 * are the caller's. Steps 2 and 4 are done for each frame in turn, 3, 5 and 6 once.
 *
 *  2  pwrite the frame at the tail that the catalogue tells, or behind the group's last. Crash: the tail still stands before it; what was written is
 *     overwritten by the next commit. When the frame needs a new segment, that is made first, whole and durable (written under another name, fsync,
 *     rename, fsync of the folder), after the place at the old tail was zeroed and synced, so that no frame given up earlier can be taken for the one
 *     after the last, and all before it in the group is on the disk. Crash: a segment that the catalogue does not know, replaced when its number
 *     comes up.
 *  4  LMDB transaction: record, note, write id, identity, branch (compared with record->parent), reflog, tail. Nothing is written yet. The writer
 *     reads through it (store_txn_hold), so the group's next commit is planned on this one.
 *  3  fdatasync the segment. Crash: whole frames that nobody was told of: overwritten, or, if the catalogue is lost and must be made anew without
 *     it, taken as committed; the callers were told neither. A crash before the end of 3 can leave any part of the frames: their hashes say so.
 *  5  LMDB commit: pages, fdatasync, then the meta page, synchronously. The meta page is the commit point. Crash before: the versions are not there,
 *     see 3. Crash after: they are there and whole, since 3 came before; a caller that was not answered asks for its write id.
 *
 *  6  announce the commits to those who wait for one. A crash before it: they look for themselves now and then.
 *
 * Failures: up to 5 the frames are wiped (their heads zeroed), the last one first, so that versions reported as failed do not come back by a
 * rebuilding, nor any look as if others had been lost before them. When fdatasync fails, or the write of the meta page, nobody knows what the disk
 * holds: the handle takes no more commits. After the latter the frames are left as they are, since the catalogue may name them. Three flushes in
 * all: the segment, LMDB's pages, its meta page.
 *
 * Durability wal: 5 is not flushed, so the end of 3 is the commit point, and store/unsynced.h sees to it that nobody takes the catalogue for what was
 * committed after the machine went down. One flush. Durability none: 3 is not flushed either. A pruning has durability full in any case, since space
 * is given back after it.
 */

/* A pruning gives back what was durable, so it is durable itself, and all before it. */
static enum store_durability durability(const struct store *store, const struct store_writing *w)
{
    return w->record->operation == STORE_PRUNING ? STORE_FULL : store->durability;
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

/* Before the first frame. */
static int prepare(struct store *store, const struct store_writing *w, struct pcct_error *err)
{
    int status = 0;

    if (store_is_poisoned(store)) {
        return base_fail(err, PCCT_E_IO, "an earlier write to %s could not be brought to the disk; close the store, look at the disk, open it again",
                         store->folder.path);
    }
    TRY(remove_leftover(store, w->state, err));
    if (durability(store, w) != STORE_FULL) TRY(store_unsynced_begin(store, &w->state->tail, err));
done:
    return status;
}

/* What the frame means, into the group's transaction. */
static int put(struct store *store, const struct store_writing *w, const struct store_tail *end, const struct store_segment *made,
               struct pcct_error *err)
{
    struct store_state after = *w->state, now;
    struct store_txn *txn = &store->group.txn;
    int status = 0;

    after.next_reflog++;
    after.tail = *end;
    if (!txn->handle) {
        TRY(store_txn_begin(txn, store->catalogue, &store->folder, 1, err));
        if (durability(store, w) != STORE_FULL) store_txn_unsynced(txn);
        store_txn_hold(txn);
    }
    TRY(store_state_get(&now, txn, err));
    if (now.next_version != w->state->next_version || now.tail.segment != w->state->tail.segment || now.tail.offset != w->state->tail.offset) {
        status = base_fail(err, PCCT_E_CONFLICT, "somebody wrote to %s without its lock; try again", store->folder.path);
        goto done;
    }
    if (made->number != 0) TRY(store_segment_put(txn, made, err));
    TRY(store_reflog_put(txn, w->state->next_reflog, w->record, err));
    TRY(w->put(w->ctx, txn, &after, err));
    TRY(store_state_put(txn, &after, err));
done:
    return status;
}

/* What helps. */
static int no_room(struct pcct_error *err, const struct store_group *group, const char *cause)
{
    char text[PCCT_MESSAGE_BYTES]; /* it may stand in *err */

    snprintf(text, sizeof(text), "%s", cause);
    return base_fail(err, PCCT_E_NOSPACE, "%.400s; %s", text,
                     group->pruning ? "make room on that disk by other means" : "`pcct prune` gives room back");
}

int store_group_add(struct store *store, const struct store_writing *w, struct pcct_error *err)
{
    struct store_group *group = &store->group;
    struct store_segment made;
    struct store_tail end, since, *place = NULL;
    struct pcct_error cause = {0, ""};
    int status = 0, sync_failed = 0;

    TRY(store_check_process(store, err));
    if (group->broken) return base_fail(err, group->broken, "%s", group->cause);
    group->frame.item_bytes = sizeof(*place);
    group->pruning = w->record->operation == STORE_PRUNING;
    status = group->frame.count == 0 ? prepare(store, w, &cause) : 0;
    if (status == PCCT_E_NOSPACE) return no_room(err, group, cause.message);
    if (status != 0) return base_fail(err, status, "%s", cause.message);
    TRY(base_vector_add(&place, &group->frame, store->folder.env, 1, err));
    group->frame.count--;
    since = group->frame.count == 0 ? w->state->tail : *(const struct store_tail *)group->frame.memory.data;
    group->durability = durability(store, w);
    w->record->version.time_ns = w->time_ns != 0 ? w->time_ns : base_os_time_ns(store->folder.env->os);
    status = store_journal_append(w->record, &end, &made, &sync_failed, &store->folder, &w->state->tail, &since, w->note, w->payload,
                                  &cause); /* 2 */
    if (status == 0) {
        group->frame.count++;
        *place = (struct store_tail){w->record->version.segment, w->record->version.offset, 0};
        status = put(store, w, &end, &made, &cause); /* 4 */
        if (status != 0) group->broken = status;
    } else if (sync_failed) {
        store_poison(store);
        group->broken = status;
    }
    if (group->broken) snprintf(group->cause, sizeof(group->cause), "%s", cause.message);
    if (status == PCCT_E_NOSPACE) no_room(err, group, cause.message);
    else if (status != 0) base_fail(err, status, "%s", cause.message);
done:
    return status;
}

static void wipe(const struct store *store, int sync)
{
    const struct base_vector *frame = &store->group.frame;

    for (size_t i = frame->count; i > 0; i--) {
        const struct store_tail *place = (const struct store_tail *)frame->memory.data + i - 1;

        store_journal_wipe(&store->folder, place->segment, place->offset, sync);
    }
}

int store_group_end(struct store *store, struct pcct_error *err)
{
    struct store_group *group = &store->group;
    const struct store_tail *place = group->frame.memory.data;
    int status = 0, sync_failed = 0, unsure = 0;

    if (group->broken) status = base_fail(err, group->broken, "%s", group->cause);
    if (group->frame.count == 0) goto done;
    if (status == 0 && group->durability != STORE_NONE)
        status = store_journal_flush(&sync_failed, &store->folder, place[group->frame.count - 1].segment, err); /* 3 */
    if (status == 0) status = store_txn_commit(&group->txn, &unsure, err); /* 5 */
    if (status == PCCT_E_NOSPACE) no_room(err, group, err ? err->message : "");
    if (sync_failed || unsure) store_poison(store);
    if (status != 0 && !unsure) wipe(store, !store_is_poisoned(store));
    if (status != 0) goto done;
    if (group->durability == STORE_FULL) store_unsynced_over(store);
    store_pins_announce(&store->pins); /* 6 */
done:
    store_txn_abort(&group->txn);
    base_vector_free(&group->frame, store->folder.env);
    memset(group, 0, sizeof(*group));
    return status;
}

int store_write(const struct store_writing *w, struct store *store, struct pcct_error *err)
{
    int status = store_group_add(store, w, err);

    if (status == 0) return store_group_end(store, err);
    (void)store_group_end(store, NULL);
    return status;
}
