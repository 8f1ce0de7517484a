/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <assert.h>
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

/* time_ns 0: now. */
static int add(struct store_version *record, struct store *store, const char *ref, int64_t time_ns, const struct store_bytes *bytes,
               struct pcct_error *err)
{
    struct store_record whole = {.version = *record, .note_bytes = bytes->note_bytes, .payload_bytes = bytes->payload_bytes};
    struct committing committing = {&whole, bytes->note};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    snprintf(whole.ref, sizeof(whole.ref), "%s", ref);
    TRY(look(&state, &whole.version, store, ref, err));
    TRY(store_group_add(store, &(struct store_writing){&whole, &state, bytes->note, bytes->payload, time_ns, put_version, &committing}, err));
    *record = whole.version;
done:
    return status;
}

int store_group_commit(struct store_version *record, struct store *store, const char *ref, const void *note, size_t note_bytes, const void *payload,
                       size_t payload_bytes, struct pcct_error *err)
{
    assert(strlen(ref) > 0 && strlen(ref) < STORE_NAME_BYTES);
    return add(record, store, ref, 0, &(struct store_bytes){note, payload, note_bytes, payload_bytes}, err);
}

/* A group of one, which was added or not. */
static int end(int status, struct store *store, struct pcct_error *err)
{
    if (status == 0) return store_group_end(store, err);
    (void)store_group_end(store, NULL);
    return status;
}

int store_commit(struct store_version *record, struct store *store, const char *ref, const void *note, size_t note_bytes, const void *payload,
                 size_t payload_bytes, struct pcct_error *err)
{
    return end(store_group_commit(record, store, ref, note, note_bytes, payload, payload_bytes, err), store, err);
}

/* A write id that is another version's here stays so. */
int store_group_adopt(struct store_version *record, struct store *store, const struct store_bytes *bytes, struct pcct_error *err)
{
    struct store_version other;
    int status = 0, found = 0;

    TRY(store_write_id(&found, &other, store, record->write_id, err));
    if (found) memset(record->write_id, 0, sizeof(record->write_id));
    TRY(add(record, store, "", record->time_ns, bytes, err));
done:
    return status;
}
