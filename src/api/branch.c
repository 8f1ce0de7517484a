/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keeper.h"

#include <pcct/branch.h>

#include "base/memory.h"

#include <string.h>

_Static_assert(sizeof(((struct pcct_ref *)0)->name) == STORE_NAME_BYTES, "names are told whole");
_Static_assert((int)PCCT_TAG == (int)STORE_TAG && (int)PCCT_REF_POLICY_SET == (int)STORE_POLICY_SET,
               "kinds and operations are told as they are kept");

/* With the writer lock, so that what `revision` and `expect` name is what the change is made to. */
static int change(uint64_t *before, pcct_store *store, enum store_operation operation, const char *name, const char *revision,
                  const struct pcct_ref_options *options, struct pcct_error *err)
{
    struct store_ref_change c = { operation, name, UINT64_MAX, 0 };
    struct pcct_ref_options o;
    int status = 0, locked = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of a change of branches and tags", err));
    if (!name) TRY(base_fail(err, PCCT_E_INVALID, "a branch or tag needs a name"));
    TRY(api_keeper_lock(store, !o.no_wait, err));
    locked = 1;
    if (revision) TRY(store_revision(&c.version, store->store, revision, err));
    if (o.expect) TRY(store_revision(&c.expect, store->store, o.expect, err));
    TRY(store_ref_change(before, store->store, &c, err));
done:
    if (locked) store_unlock(store->store);
    return status;
}

int pcct_branch_create(pcct_store *store, const char *name, const char *revision, const struct pcct_ref_options *options, struct pcct_error *err)
{
    return change(NULL, store, STORE_BRANCH_MADE, name, revision ? revision : "main", options, err);
}

int pcct_branch_reset(uint64_t *before, pcct_store *store, const char *name, const char *revision, const struct pcct_ref_options *options,
                      struct pcct_error *err)
{
    return change(before, store, STORE_BRANCH_MOVED, name, revision ? revision : "main", options, err);
}

int pcct_branch_delete(pcct_store *store, const char *name, const struct pcct_ref_options *options, struct pcct_error *err)
{
    return change(NULL, store, STORE_BRANCH_DELETED, name, NULL, options, err);
}

int pcct_tag_create(pcct_store *store, const char *name, const char *revision, const struct pcct_ref_options *options, struct pcct_error *err)
{
    return change(NULL, store, STORE_TAG_MADE, name, revision ? revision : "main", options, err);
}

int pcct_tag_delete(pcct_store *store, const char *name, const struct pcct_ref_options *options, struct pcct_error *err)
{
    return change(NULL, store, STORE_TAG_DELETED, name, NULL, options, err);
}

int pcct_refs_each(pcct_store *store, int (*each)(void *ctx, const struct pcct_ref *ref), void *ctx, struct pcct_error *err)
{
    struct base_vector refs = { .item_bytes = sizeof(struct store_ref) };
    const struct store_ref *ref;
    int status = 0;

    TRY(store_refs(&refs, store->store, err));
    ref = refs.memory.data;
    for (size_t i = 0; i < refs.count; i++) {
        struct pcct_ref out = { .kind = (int)ref[i].kind, .version = ref[i].version, .time_ns = ref[i].time_ns };

        memcpy(out.name, ref[i].name, sizeof out.name);
        if (each(ctx, &out) != 0) break;
    }
done:
    base_vector_free(&refs, &store->env);
    return status;
}

/* *more 0: each() has seen enough. */
static void tell_backwards(int *more, const struct base_vector *entries, const char *name,
                          int (*each)(void *ctx, const struct pcct_reflog_entry *entry), void *ctx)
{
    const struct store_reflog_entry *entry = entries->memory.data;

    for (size_t i = entries->count; i-- > 0 && *more;) {
        struct pcct_reflog_entry out = { .number = entry[i].number, .operation = (int)entry[i].operation, .before = entry[i].before,
                                         .after = entry[i].after, .time_ns = entry[i].time_ns };

        if (name && strcmp(name, entry[i].name) != 0) continue;
        memcpy(out.name, entry[i].name, sizeof out.name);
        *more = each(ctx, &out) == 0;
    }
}

int pcct_reflog_each(pcct_store *store, const char *name, int (*each)(void *ctx, const struct pcct_reflog_entry *entry), void *ctx,
                     struct pcct_error *err)
{
    enum { AT_ONCE = 512 };
    struct base_vector entries = { .item_bytes = sizeof(struct store_reflog_entry) };
    uint64_t last = 0;
    int status = 0, more = 1;

    TRY(store_reflog_last(&last, store->store, err));
    while (last > 0 && more) {
        uint64_t first = last > AT_ONCE ? last - AT_ONCE + 1 : 1;

        TRY(store_reflog(&entries, store->store, first, (size_t)(last - first + 1), err));
        tell_backwards(&more, &entries, name, each, ctx);
        last = first - 1;
    }
done:
    base_vector_free(&entries, &store->env);
    return status;
}
