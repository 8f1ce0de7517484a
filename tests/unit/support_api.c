/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/identity.h"

#include <stdio.h>
#include <string.h>

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

void support_api_commit_frame(struct support_api *s, uint64_t parent, void (*change)(struct index_state *state), const void *more, size_t more_bytes)
{
    struct store_version record = { .parent = parent, .state_parent = parent };
    struct base_vector payload = { .item_bytes = 1 };
    struct pcct_error err = { 0, "" };
    struct index_frame frame;
    struct index_state opened;
    struct api_origin origin = { .frame = &frame, .note = "", .note_bytes = 1 };
    void *place = NULL;

    support_ok(api_state_open(&opened, NULL, NULL, s->store, &s->store->env, parent, &err), &err);
    index_frame_init(&frame, &s->store->env);
    index_frame_begin(&frame, &opened);
    if (change) change(&opened);
    support_ok(index_frame_seal(&frame, &opened, &err), &err);
    support_ok(index_frame_encode(&payload, &frame, &opened.metric, &err), &err);
    support_ok(base_vector_add(&place, &payload, &s->store->env, more_bytes, &err), &err);
    if (more_bytes > 0) memcpy(place, more, more_bytes);
    origin.digest = opened.digest;
    support_ok(api_identity_of(&origin.parent, s->store, parent, &err), &err);
    origin.state_parent = origin.parent;
    support_ok(api_identity(&record.identity, s->store, &origin, &err), &err);
    record.n_rows = opened.n;
    record.n_live = opened.n_live;
    support_ok(store_lock(s->store->store, 1, &err), &err);
    support_ok(store_commit(&record, s->store->store, "main", "", 1, payload.memory.data, payload.count, &err), &err);
    store_unlock(s->store->store);
    base_vector_free(&payload, &s->store->env);
    index_frame_free(&frame);
    index_free(&opened);
}
