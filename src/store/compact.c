/* SPDX-License-Identifier: Apache-2.0 */
#include "store/compact.h"

#include "store/internal.h"
#include "store/scan.h"
#include "store/scrub.h"

#include <assert.h>
#include <stdio.h>

static void on_finding(void *ctx, int damaged, const char *text)
{
    char *first = ctx;

    if (damaged && !first[0]) snprintf(first, PCCT_MESSAGE_BYTES, "%s", text);
}

int store_check_whole(struct store *store, struct pcct_error *err)
{
    char first[PCCT_MESSAGE_BYTES] = "";
    struct store_fsck fsck = {.report = on_finding, .ctx = first};
    int status = 0;

    TRY(store_fsck(&fsck, store->folder.path, store->folder.env, err));
    if (fsck.damaged > 0) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "%s is damaged, and what would be taken away may be what versions are still read from; `pcct scrub` mends "
                      "anchors, `pcct fsck` tells what is left. The first finding: %.300s", store->folder.path, first));
    }
done:
    return status;
}

int store_ripe(struct base_vector *ripe, struct store *store, struct pcct_error *err)
{
    struct base_vector usages = {.item_bytes = sizeof(struct store_usage)};
    const struct store_usage *usage;
    struct store_ripe *place = NULL;
    int status = 0;

    assert(ripe->item_bytes == sizeof(*place));
    ripe->count = 0;
    TRY(store_usages(&usages, store, err));
    usage = usages.memory.data;
    for (size_t i = 0; i < usages.count; i++) {
        if (usage[i].pruned || usage[i].behind_bytes == 0) continue;
        TRY(base_vector_add(&place, ripe, store->folder.env, 1, err));
        *place = (struct store_ripe){usage[i].version, usage[i].behind_bytes};
    }
done:
    base_vector_free(&usages, store->folder.env);
    return status;
}

int store_thin_anchors(uint64_t *dropped, struct store *store, struct pcct_error *err)
{
    struct base_vector usages = {.item_bytes = sizeof(struct store_usage)};
    const struct store_usage *usage;
    int status = 0, newest = 1, one = 0;

    *dropped = 0;
    TRY(store_usages(&usages, store, err));
    usage = usages.memory.data;
    for (size_t i = usages.count; i-- > 0;) {
        if (usage[i].anchor_bytes == 0) continue;
        if (!newest) TRY(store_anchor_drop(&one, store, usage[i].version, err));
        *dropped += (uint64_t)one;
        newest = 0;
    }
done:
    base_vector_free(&usages, store->folder.env);
    return status;
}

int store_shrink_catalogue(struct store *store, struct pcct_error *err)
{
    char kept[STORE_FILE_NAME_BYTES];
    int status = 0;

    TRY(store_maintenance_lock(store, 1, err)); /* anchors are listed and dropped without the writer lock */
    store_catalogue_remove(&store->folder, STORE_FRESH_CATALOGUE); /* of an attempt that was interrupted */
    status = store_catalogue_copy(store->catalogue, &store->folder, STORE_FRESH_CATALOGUE, err);
    if (status == 0) status = store_catalogue_replace(kept, &store->folder, 0, err);
    if (status != 0) store_catalogue_remove(&store->folder, STORE_FRESH_CATALOGUE);
    store_maintenance_unlock(store);
done:
    return status;
}
