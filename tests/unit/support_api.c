/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <stdio.h>

void support_api_start(struct support_api *s, const char *metric)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    support_env_start(&s->env, 2);
    s->folder = support_folder_new();
    snprintf(s->path, sizeof s->path, "%s/store", s->folder);
    create.dim = 2;
    create.metric = metric;
    create.seed = 3;
    open.threads = 2;
    open.allocator = &s->env.env.memory;
    support_ok(pcct_store_create(s->path, &create, &err), &err);
    support_ok(pcct_store_open(&s->store, s->path, &open, &err), &err);
}

void support_api_finish(struct support_api *s)
{
    pcct_store_close(s->store);
    support_folder_free(s->folder);
    support_env_finish(&s->env);
}

struct index_state *support_api_head(struct support_api *s)
{
    assert_non_null(s->store->heads.shown);
    return &s->store->heads.shown->state;
}

uint64_t support_api_commit(struct support_api *s, const double *points, const int64_t *labels, size_t n, const int64_t *gone, size_t m)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    support_ok(pcct_batch_begin(&batch, s->store, "main", NULL, &err), &err);
    support_ok(pcct_batch_insert(batch, points, n, labels, &err), &err);
    support_ok(pcct_batch_delete(batch, gone, m, &err), &err);
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    return version;
}
