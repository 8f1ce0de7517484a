/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <assert.h>
#include <inttypes.h>

int store_path(uint64_t *anchor, struct base_vector *path, struct store *store, uint64_t version, struct pcct_error *err)
{
    struct store_record record;
    struct store_txn txn = {0};
    uint64_t at = version, *item = NULL;
    int status = 0, listed = 0, rejected;

    assert(path->item_bytes == sizeof(uint64_t));
    path->count = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_walk(&txn, err));
    while (at != 0) {
        TRY(store_anchor_listed(&listed, &txn, at, err));
        if (listed) {
            pthread_mutex_lock(&store->mutex);
            rejected = store_version_known(&store->rejected, at);
            pthread_mutex_unlock(&store->mutex);
            if (!rejected) break;
        }
        TRY(base_vector_add(&item, path, store->folder.env, 1, err));
        *item = at;
        TRY(store_record_get(&record, NULL, &txn, at, err));
        if (record.version.flags & STORE_DROPPED) {
            status = base_fail(err, PCCT_E_DAMAGED, "v%" PRIu64 " cannot be read: it was pruned, and its anchor is damaged", at);
            goto done;
        }
        at = record.version.state_parent; /* below `at`, so this ends */
    }
    base_vector_reverse(path);
    *anchor = at;
done:
    store_txn_abort(&txn);
    return status;
}

/* State parents are older than their children, so the newer of the two goes back, until both are one. */
int store_way(uint64_t *common, struct base_vector *undo, struct base_vector *redo, struct store *store, uint64_t from, uint64_t to,
              struct pcct_error *err)
{
    struct store_version *item = NULL;
    struct store_record record;
    struct store_txn txn = {0};
    int status = 0;

    assert(undo->item_bytes == sizeof(*item) && redo->item_bytes == sizeof(*item));
    undo->count = redo->count = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_walk(&txn, err));
    while (from != to) {
        uint64_t *newer = from > to ? &from : &to;

        TRY(base_vector_add(&item, from > to ? undo : redo, store->folder.env, 1, err));
        TRY(store_record_get(&record, NULL, &txn, *newer, err));
        *item = record.version;
        if (record.version.flags & STORE_DROPPED) {
            status = base_fail(err, PCCT_E_NOT_FOUND, "the frame of v%" PRIu64 " is not there any more: it was pruned", *newer);
            goto done;
        }
        *newer = record.version.state_parent;
    }
    base_vector_reverse(redo);
    *common = from;
done:
    store_txn_abort(&txn);
    return status;
}
