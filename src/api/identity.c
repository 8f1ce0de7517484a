/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity.h"

int api_identity(struct base_hash128 *identity, const pcct_store *store, const struct api_origin *origin, struct pcct_error *err)
{
    const struct metric *metric = &store->metric;
    const uint64_t build[3] = { (uint64_t)metric->id, metric->input_dim, store->seed };
    struct base_hasher *hasher = NULL;
    struct base_hash128 content;
    int status = 0;

    TRY(index_frame_content(&content, origin->frame, metric, err));
    TRY(base_hasher_new(&hasher, &store->env, err));
    base_hasher_feed(hasher, &origin->parent, sizeof origin->parent);
    base_hasher_feed(hasher, &origin->state_parent, sizeof origin->state_parent);
    base_hasher_feed(hasher, &content, sizeof content);
    base_hasher_feed(hasher, build, sizeof build);
    if (metric_is_custom(metric)) base_hasher_feed(hasher, metric->custom.name, sizeof metric->custom.name);
    base_hasher_feed(hasher, origin->note, origin->note_bytes);
    base_hasher_feed(hasher, origin->digest, INDEX_ARRAYS * sizeof *origin->digest);
    *identity = base_hasher_128(hasher);
done:
    base_hasher_free(hasher, &store->env);
    return status;
}

int api_identity_of(struct base_hash128 *identity, const pcct_store *store, uint64_t version, struct pcct_error *err)
{
    struct store_version about = { 0 };
    int status = 0;

    if (version != 0) TRY(store_version(&about, NULL, store->store, version, err));
    *identity = about.identity;
done:
    return status;
}
