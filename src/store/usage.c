/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"

#include <assert.h>

struct reading {
    struct store *store;
    struct store_txn *txn;
    struct base_vector *usage;
    struct base_vector parent; /* uint64_t: state parents, beside the usages */
};

static struct store_usage *find(const struct reading *r, uint64_t version)
{
    struct store_usage *all = r->usage->memory.data;
    size_t lo = 0, hi = r->usage->count;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;

        if (all[middle].version < version) lo = middle + 1;
        else hi = middle;
    }
    return lo < r->usage->count && all[lo].version == version ? &all[lo] : NULL;
}

static int add_version(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct reading *r = ctx;
    struct store_usage *usage = NULL;
    struct store_record record;
    uint64_t *parent = NULL;
    int status = 0;

    (void)key;
    (void)key_bytes;
    if (!value || store_record_decode(&record, value, bytes)) return store_txn_damaged(err, r->txn, "a version's record");
    TRY(base_vector_add(&usage, r->usage, r->store->folder.env, 1, err));
    TRY(base_vector_add(&parent, &r->parent, r->store->folder.env, 1, err));
    *usage = (struct store_usage){.version = record.version.version, .pruned = (record.version.flags & STORE_PRUNED) != 0};
    usage->frame_bytes = record.version.flags & STORE_DROPPED ? 0 : record.version.bytes;
    *parent = record.version.state_parent;
done:
    return status;
}

static int add_anchor(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct reading *r = ctx;
    struct store_usage *usage = key_bytes == 8 && value && bytes == 16 ? find(r, store_get_key(key)) : NULL;

    (void)err;
    if (usage) usage->anchor_bytes = store_get64(value, 8);
    return 0;
}

/* Parents are older, so one pass from the oldest on. What a version shares with others is what it takes to open it less what it alone needs. */
static void sum_up(const struct reading *r)
{
    struct store_usage *usage = r->usage->memory.data;
    const uint64_t *parent = r->parent.memory.data;

    for (size_t i = 0; i < r->usage->count; i++) {
        struct store_usage *below = usage[i].anchor_bytes > 0 ? NULL : find(r, parent[i]);

        if (below) below->children++;
    }
    for (size_t i = 0; i < r->usage->count; i++) {
        const struct store_usage *below = usage[i].anchor_bytes > 0 ? NULL : find(r, parent[i]);

        usage[i].needed_bytes = usage[i].anchor_bytes > 0 ? usage[i].anchor_bytes : usage[i].frame_bytes + (below ? below->needed_bytes : 0);
        usage[i].own_bytes = usage[i].frame_bytes + usage[i].anchor_bytes;
        /* what was pruned and is there for this version's sake alone */
        if (below && below->pruned && below->children == 1) usage[i].behind_bytes = below->own_bytes;
        usage[i].own_bytes += usage[i].behind_bytes;
    }
    for (size_t i = 0; i < r->usage->count; i++) {
        if (usage[i].children > 0 && !usage[i].pruned) usage[i].own_bytes = 0; /* others' states rest on it */
    }
}

int store_usages(struct base_vector *usages, struct store *store, struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct reading r = {store, &txn, usages, {.item_bytes = sizeof(uint64_t)}};
    int status = 0;

    assert(usages->item_bytes == sizeof(struct store_usage));
    usages->count = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_each(&txn, STORE_VERSIONS, NULL, 0, add_version, &r, err));
    TRY(store_txn_each(&txn, STORE_ANCHORS, NULL, 0, add_anchor, &r, err));
    sum_up(&r);
done:
    store_txn_abort(&txn);
    base_vector_free(&r.parent, store->folder.env);
    return status;
}
