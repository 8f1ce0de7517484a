/* SPDX-License-Identifier: Apache-2.0 */
#include "store/compact.h"

#include "api/keeper.h"
#include "index/image.h"

#include <pcct/prune.h>

static uint64_t image_bytes(const struct index_image *image)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < image->arrays; i++) bytes += image->array[i].items * image->array[i].item_bytes;
    return bytes;
}

/* Writes an anchor where that frees more than it takes. */
static int anchor_one(uint64_t *made, pcct_store *store, const struct store_ripe *ripe, struct pcct_error *err)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    struct index_state state;
    uint64_t bytes = 0;
    int status = 0, opened = 0;

    TRY(api_state_open(&state, NULL, NULL, store, &store->env, ripe->version, err));
    opened = 1;
    TRY(index_image_of(&image, &head, &state, err));
    if (image_bytes(&image) >= ripe->bytes) goto done;
    TRY(store_anchor_write(&bytes, store->store, ripe->version, &image, head.memory.data, head.count, 1, err));
    *made += bytes > 0;
done:
    base_vector_free(&head, &store->env);
    if (opened) index_free(&state);
    return status;
}

static int give_back(uint64_t *removed, pcct_store *store, int wait, struct pcct_error *err)
{
    struct store_prune gc = { .none = 1 };
    int status = 0;

    TRY(api_keeper_lock(store, wait, err));
    status = store_prune(&gc, store->store, err);
    store_unlock(store->store);
    *removed += gc.removed;
done:
    return status;
}

static int shrink(pcct_store *store, int wait, struct pcct_error *err)
{
    int status = 0;

    TRY(api_keeper_lock(store, wait, err));
    status = store_shrink_catalogue(store->store, err);
    store_unlock(store->store);
done:
    return status;
}

int pcct_compact(struct pcct_compact_result *out, pcct_store *store, const struct pcct_compact_options *options, struct pcct_error *err)
{
    struct base_vector ripe = { .item_bytes = sizeof(struct store_ripe) };
    struct pcct_compact_result result = { 0 };
    struct pcct_compact_options o;
    struct store_sizes sizes;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_compact", err));
    TRY(store_check_whole(store->store, err));
    TRY(store_sizes(&sizes, store->store, err));
    result.before_bytes = sizes.disk_bytes;
    TRY(give_back(&result.removed, store, !o.no_wait, err));
    api_keeper_wait(store);
    TRY(store_ripe(&ripe, store->store, err));
    for (size_t i = 0; i < ripe.count; i++)
        TRY(anchor_one(&result.anchors_made, store, (const struct store_ripe *)ripe.memory.data + i, err));
    TRY(give_back(&result.removed, store, !o.no_wait, err));
    TRY(store_thin_anchors(&result.anchors_dropped, store->store, err));
    TRY(shrink(store, !o.no_wait, err));
    TRY(store_sizes(&sizes, store->store, err));
    result.after_bytes = sizes.disk_bytes;
    if (out && api_result_write(out, &result, sizeof result) != 0)
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_compact: set the result's size to sizeof first"));
done:
    base_vector_free(&ripe, &store->env);
    return status;
}
