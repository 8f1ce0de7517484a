/* SPDX-License-Identifier: Apache-2.0 */
#include "api/head.h"
#include "api/keeper.h"
#include "api/registration.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pcct_version_string(void)
{
    return "0.1.0";
}

int pcct_store_create(const char *path, const struct pcct_create_options *options, struct pcct_error *err)
{
    struct pcct_create_options o;
    struct store_super super = { .dtype = 1 };
    struct base_os os;
    struct base_env env;
    int status = 0;

    base_os_init(&os);
    base_env_init(&env, &os, 1);
    if (!path) TRY(base_fail(err, PCCT_E_INVALID, "a store needs a path"));
    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_store_create", err));
    if (o.dim == 0) TRY(base_fail(err, PCCT_E_INVALID, "the dimension must be given: from 1 to %d", METRIC_DIM_MAX));
    super.dim = o.dim;
    TRY(api_metric_create(&super, o.metric, o.custom, err));
    super.seed = o.seed;
    TRY(store_create(path, &super, &env, err));
done:
    return status;
}

int pcct_store_open(pcct_store **out, const char *path, const struct pcct_open_options *options, struct pcct_error *err)
{
    struct pcct_open_options o;
    const struct store_super *super = NULL;
    pcct_store *store = NULL;
    struct base_env env;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_store_open needs a place for the handle");
    *out = NULL;
    if (!path) TRY(base_fail(err, PCCT_E_INVALID, "a store needs a path"));
    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_store_open", err));
    if (o.threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o.threads));
    if (o.immutable != 0 && o.immutable != 1) TRY(base_fail(err, PCCT_E_INVALID, "immutable must be 0 or 1, not %d", o.immutable));
    if (o.durability < PCCT_DURABLE_FULL || o.durability > PCCT_DURABLE_NONE || o.reserved != 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "durability is %d; it must be one of PCCT_DURABLE_..., and what is reserved 0", o.durability));
    }
    base_env_init(&env, NULL, o.threads);
    if (o.allocator) env.memory = *o.allocator;
    TRY(base_take_zero(&store, &env, 1, sizeof *store, err));
    base_os_init(&store->os);
    store->env = env;
    store->env.os = &store->os;
    store->head_env = store->env;
    pthread_mutex_init(&store->views_mutex, NULL);
    api_line_start(&store->line);
    api_keeper_start(store);
    TRY(api_head_start(store, err));
    TRY(store_open_as(&store->store, path, &(struct store_options){ o.immutable, (enum store_durability)o.durability }, &store->env, err));
    store_set_writer(store->store, &store->head_env);
    super = store_super(store->store);
    TRY(api_metric_open(&store->metric, super, o.custom, path, err));
    store->seed = super->seed;
    *out = store;
    store = NULL;
done:
    pcct_store_close(store);
    return status;
}

void pcct_store_close(pcct_store *store)
{
    struct base_env env;

    if (!store) return;
    env = store->env;
    api_keeper_stop(store);
    api_head_stop(store);
    if (!store->store || !store_forked(store->store)) api_line_stop(&store->line); /* in a forked child the parent's threads may stand in it */
    pthread_mutex_destroy(&store->views_mutex);
    store_close(store->store);
    base_free(&env, store);
}

int pcct_store_describe(struct pcct_store_info *info, pcct_store *store, struct pcct_error *err)
{
    const struct store_super *super = store_super(store->store);
    struct pcct_store_info ours = { .dim = super->dim, .format = super->format, .seed = super->seed };
    struct store_sizes sizes;
    int status = 0;

    TRY(store_head(&ours.head, store->store, "main", err));
    TRY(store_sizes(&sizes, store->store, err));
    snprintf(ours.metric, sizeof ours.metric, "%s", metric_called(&store->metric));
    ours.custom = PCCT_CUSTOM_NONE;
    if (metric_is_custom(&store->metric)) ours.custom = metric_has_keys(&store->metric) ? PCCT_CUSTOM_REGISTERED : PCCT_CUSTOM_MISSING;
    memcpy(ours.uuid, super->uuid, sizeof ours.uuid);
    ours.journal_bytes = sizes.journal_bytes;
    ours.anchor_bytes = sizes.anchor_bytes;
    ours.disk_bytes = sizes.disk_bytes;
    ours.anchors = sizes.anchors;
    if (api_result_write(info, &ours, sizeof ours) != 0) TRY(base_fail(err, PCCT_E_INVALID, "pcct_store_describe: set its size to sizeof first"));
done:
    return status;
}
