/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keeper.h"
#include "api/kernel_note.h"

#include <pcct/prune.h>

int pcct_prune(struct pcct_prune_result *out, pcct_store *store, const struct pcct_prune_options *options, struct pcct_error *err)
{
    struct pcct_prune_options o;
    struct pcct_prune_result result = { 0 };
    struct store_prune prune;
    int status = 0, locked = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_prune", err));
    if (o.by_policy && (o.gc || o.keep_last || o.keep_every || o.older_than_ns || o.key)) {
        TRY(base_fail(err, PCCT_E_INVALID, "pruning goes by the store's policy or by rules that are given, not by both"));
    }
    if (!o.by_policy && !o.gc && o.keep_last == 0 && o.keep_every == 0 && o.older_than_ns == 0 && !o.key) {
        TRY(base_fail(err, PCCT_E_INVALID, "pruning needs a rule: how many to keep, which ones, or how old those are that go"));
    }
    prune = (struct store_prune){ .keep_last = o.keep_last, .keep_every = o.keep_every, .older_than_ns = o.older_than_ns, .key = o.key,
                                  .before = o.before, .lasting = API_KERNEL_KEY, .none = o.gc, .dry_run = o.dry_run, .by_policy = o.by_policy };
    TRY(api_keeper_lock(store, !o.no_wait, err));
    locked = 1;
    TRY(store_prune(&prune, store->store, err));
    result.pruned = prune.pruned;
    result.left = prune.left;
    result.removed = prune.removed;
    result.freed_bytes = prune.freed_bytes;
    result.left_bytes = prune.left_bytes;
    if (out && api_result_write(out, &result, sizeof result) != 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_prune: set the result's size to sizeof first"));
    }
done:
    if (locked) store_unlock(store->store);
    return status;
}

int pcct_usage_each(pcct_store *store, int (*each)(void *ctx, const struct pcct_usage *usage), void *ctx, struct pcct_error *err)
{
    struct base_vector usages = { .item_bytes = sizeof(struct store_usage) };
    const struct store_usage *usage;
    int status = 0;

    TRY(store_usages(&usages, store->store, err));
    usage = usages.memory.data;
    for (size_t i = usages.count; i-- > 0;) {
        struct pcct_usage out = { usage[i].version, usage[i].frame_bytes, usage[i].anchor_bytes, usage[i].needed_bytes, usage[i].own_bytes };

        if (!usage[i].pruned && each(ctx, &out) != 0) break;
    }
done:
    base_vector_free(&usages, &store->env);
    return status;
}
