/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity.h"
#include "api/range.h"
#include "api/registration.h"
#include "store/bundle.h"

#include <pcct/exchange.h>

#include <stdio.h>
#include <string.h>

/* The versions and refs of a range, as the catalogue is now. */
struct gathering {
    pcct_store *store;
    struct pcct_bundle_options options;
    uint64_t from;
    struct base_vector version; /* struct store_version */
    struct base_vector ref;     /* struct store_ref */
    struct base_env env;        /* watched */
};

static int is_in(const struct gathering *g, uint64_t version)
{
    const struct store_version *all = g->version.memory.data;
    size_t low = 0, high = g->version.count;

    if (version == g->from) return 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (all[middle].version < version) low = middle + 1;
        else high = middle;
    }
    return low < g->version.count && all[low].version == version;
}

static int gather(struct gathering *g, struct pcct_error *err)
{
    struct store_ref *ref;
    size_t kept = 0;
    int status = 0;

    TRY(api_range(&g->version, &g->ref, &g->from, g->store, g->options.from, g->options.to, err));
    ref = g->ref.memory.data;
    for (size_t i = 0; i < g->ref.count; i++) {
        if (!g->options.to || is_in(g, ref[i].version)) ref[kept++] = ref[i];
    }
    g->ref.count = kept;
done:
    return status;
}

static int write_once(uint64_t *bytes, struct gathering *g, const char *path, struct pcct_error *err)
{
    struct store_bundle_plan plan = { .version = NULL };
    int status = 0;

    TRY(gather(g, err));
    TRY(api_identity_of(&plan.base, g->store, g->from, err));
    plan.version = g->version.memory.data;
    plan.versions = g->version.count;
    plan.ref = g->ref.memory.data;
    plan.refs = g->ref.count;
    TRY(store_bundle_write(bytes, g->store->store, path, &plan, &g->env, err));
done:
    return status;
}

static int describe(struct pcct_bundle_info *info, const char *path, struct pcct_error *err)
{
    struct pcct_bundle_info ours = { .size = 0 };
    const struct store_bundle_head *head;
    struct store_bundle bundle = { .env = NULL };
    struct base_os os;
    struct base_env env;
    struct metric metric;
    int status = 0;

    base_os_init(&os);
    base_env_init(&env, &os, 1);
    TRY(store_bundle_open(&bundle, path, &env, err));
    head = &bundle.head;
    TRY(api_metric_open(&metric, &head->super, NULL, path, err));
    ours.versions = head->versions;
    ours.refs = head->refs;
    ours.bytes = head->bytes;
    ours.dim = head->super.dim;
    ours.custom = (uint32_t)metric_is_custom(&metric);
    (void)snprintf(ours.metric, sizeof ours.metric, "%s", metric_called(&metric));
    ours.seed = head->super.seed;
    memcpy(ours.uuid, head->super.uuid, sizeof ours.uuid);
    memcpy(ours.base, head->base.byte, sizeof ours.base);
    ours.time_ns = head->time_ns;
    if (api_result_write(info, &ours, sizeof ours) != 0) TRY(base_fail(err, PCCT_E_INVALID, "what a bundle has: set its size to sizeof first"));
done:
    store_bundle_close(&bundle);
    return status;
}

int pcct_bundle_describe(struct pcct_bundle_info *info, const char *path, struct pcct_error *err)
{
    if (!path || !info) return base_fail(err, PCCT_E_INVALID, "pcct_bundle_describe needs a path and a place for what it finds");
    return describe(info, path, err);
}

/* What was read may have been pruned meanwhile: then it is looked up anew. */
int pcct_bundle(struct pcct_bundle_info *info, pcct_store *store, const char *path, const struct pcct_bundle_options *options, struct pcct_error *err)
{
    struct gathering g = { .store = store, .version.item_bytes = sizeof(struct store_version), .ref.item_bytes = sizeof(struct store_ref) };
    struct base_watch watch;
    uint64_t before = 0, after = 0, bytes = 0;
    int status = 0, written = 0;

    TRY(api_options_read(&g.options, sizeof g.options, options, "the options of pcct_bundle", err));
    if (!path) TRY(base_fail(err, PCCT_E_INVALID, "a bundle needs a path"));
    g.env = store->env;
    g.env.watch = &watch;
    base_watch_begin(&watch, NULL, g.options.progress, g.options.progress_ctx);
    TRY(store_check_current(store->store, err)); /* a bundle of what others no longer see would pass for the store's */
    do {
        TRY(store_prunes(&before, store->store, err));
        written = write_once(&bytes, &g, path, err);
        if (written != 0) TRY(store_prunes(&after, store->store, err));
    } while (written != 0 && written != PCCT_E_CANCELLED && after != before);
    TRY(written);
    if (info) TRY(describe(info, path, err));
done:
    base_vector_free(&g.version, &store->env);
    base_vector_free(&g.ref, &store->env);
    return status;
}
