/* SPDX-License-Identifier: Apache-2.0 */
#include "api/range.h"

int api_range(struct base_vector *version, struct base_vector *ref, uint64_t *at, pcct_store *store, const char *from, const char *to,
              struct pcct_error *err)
{
    struct base_vector ends = { .item_bytes = sizeof(uint64_t) };
    const struct store_ref *stands;
    uint64_t *end = NULL;
    int status = 0;

    *at = 0;
    if (from) TRY(store_revision(at, store->store, from, err));
    TRY(store_refs(ref, store->store, err));
    stands = ref->memory.data;
    TRY(base_vector_add(&end, &ends, &store->env, to ? 1 : ref->count, err));
    if (to) TRY(store_revision(end, store->store, to, err));
    for (size_t i = 0; !to && i < ref->count; i++) end[i] = stands[i].version;
    TRY(store_range(version, store->store, *at, end, ends.count, err));
done:
    base_vector_free(&ends, &store->env);
    return status;
}
