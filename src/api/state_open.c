/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include "base/memory.h"

/* The state of an anchor; of version 0 it is the empty one. */
static int open_anchor(struct index_state *state, pcct_store *store, const struct base_env *env, uint64_t anchor, struct pcct_error *err)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    struct store_proof proof;
    int status = 0;

    index_init(state, env, &store->metric, store->seed);
    if (anchor == 0) return 0;
    TRY(store_anchor_map(&image, &head, &proof, store->store, anchor, &store->metric, err));
    TRY(index_image_adopt(state, head.memory.data, head.count, &image, !proof.needed, err));
    store_anchor_proved(store->store, &proof);
done:
    base_vector_free(&head, &store->env);
    return status;
}

/* As below, as the catalogue is now. A damaged anchor loses nothing: it is passed over and an earlier one, or the empty state, with more frames
 * gives the same version. Where that is no way any more, those that were found damaged are looked at once more: they may have been renewed. */
static int open_once(struct index_state *state, uint64_t *anchor, uint32_t *frames, pcct_store *store, const struct base_env *env, uint64_t version,
                     struct pcct_error *err)
{
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    uint64_t from = 0;
    int status = 0, again = 0;

    for (;;) {
        status = store_path(&from, &path, store->store, version, err);
        if (status == PCCT_E_DAMAGED && !again++ && store_anchors_forgive(store->store)) continue;
        TRY(status);
        status = open_anchor(state, store, env, from, err);
        if (status == 0) break;
        index_free(state);
        if (status != PCCT_E_DAMAGED) goto done;
        store_anchor_reject(store->store, from);
    }
    status = api_state_follow(state, store, &path, 1, err);
    if (status != 0) {
        index_free(state);
        goto done;
    }
    if (anchor) *anchor = from;
    if (frames) *frames = (uint32_t)path.count;
done:
    base_vector_free(&path, &store->env);
    return status;
}

/* What was read may have been pruned meanwhile, and given back: then it is looked up anew. */
int api_state_open(struct index_state *state, uint64_t *anchor, uint32_t *frames, pcct_store *store, const struct base_env *env, uint64_t version,
                   struct pcct_error *err)
{
    uint64_t before = 0, after = 0;
    int status = 0, opened;

    do {
        TRY(store_prunes(&before, store->store, err));
        opened = open_once(state, anchor, frames, store, env, version, err);
        if (opened == 0) return 0;
        TRY(store_prunes(&after, store->store, err));
    } while (after != before);
    if (opened == PCCT_E_DAMAGED) TRY(store_check_current(store->store, err)); /* what it looks into is another's by now */
    status = opened;
done:
    return status;
}

int api_way(int *short_way, struct base_vector *path, pcct_store *store, uint64_t from, uint64_t to, struct pcct_error *err)
{
    enum { FRAMES_MAX = 256 };
    uint64_t *step = NULL;
    int status = 0;

    *short_way = 0;
    path->count = 0;
    for (uint64_t v = to; v != from; ) {
        struct store_version record;

        if (v < from || path->count == FRAMES_MAX) goto done;
        TRY(base_vector_add(&step, path, &store->env, 1, err));
        *step = v;
        status = store_version(&record, NULL, store->store, v, err);
        if (status == PCCT_E_NOT_FOUND || (status == 0 && record.flags & STORE_DROPPED)) { /* pruned: there is another way */
            status = 0;
            goto done;
        }
        TRY(status);
        v = record.state_parent;
    }
    base_vector_reverse(path);
    *short_way = 1;
done:
    return status;
}
