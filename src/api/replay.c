/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity.h"
#include "api/range.h"
#include "api/request.h"
#include "index/renumber.h"
#include "index/search.h"

#include <pcct/exchange.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What one call carries from version to version. */
struct replaying {
    pcct_store *store;
    struct base_env env;        /* watched */
    struct base_watch watch;
    struct base_vector version; /* struct store_version */
    struct base_vector ref;     /* struct store_ref */
    struct base_vector note, payload, again;
    struct index_state state;
    struct metric_calls calls;
    uint64_t at;                /* the version whose state that is */
    int has_state;
    struct pcct_replay_result result;
};

static void drop_state(struct replaying *r)
{
    if (r->has_state) index_free(&r->state);
    r->has_state = 0;
}

static int get_state(struct replaying *r, uint64_t version, struct pcct_error *err)
{
    int status = 0;

    if (!r->has_state || r->at != version) {
        drop_state(r);
        TRY(api_state_open(&r->state, NULL, NULL, r->store, &r->env, version, err));
        r->has_state = 1;
        r->at = version;
    }
    metric_calls_clear(&r->calls);
    r->state.metric.calls = &r->calls;
done:
    return status;
}

static void differ(struct replaying *r, const struct store_version *version, const char *what)
{
    r->result.differs = version->version;
    snprintf(r->result.first, sizeof r->result.first, "%.*s", (int)sizeof r->result.first - 1, what);
}

static int fill(void *out, struct base_vector *vector, const pcct_store *store, const void *data, size_t n, struct pcct_error *err)
{
    void **place = out;
    int status = base_vector_add(place, vector, &store->env, n, err);

    if (status == 0 && n > 0) memcpy(*place, data, n * vector->item_bytes);
    return status;
}

/* What the commit was asked for once its duplicates had been decided upon, as a batch. */
static int ask_again(pcct_batch *batch, const struct index_frame *told, struct pcct_error *err)
{
    const pcct_store *store = batch->store;
    const size_t n = told->added.count;
    uint8_t *counted = NULL;
    void *place = NULL;
    size_t bad = 0;
    int status = 0;

    TRY(metric_validate(&bad, &store->metric, told->point.data, n, 0, err));
    TRY(fill(&place, &batch->point, store, told->point.data, n * store->metric.input_dim, err));
    TRY(fill(&place, &batch->label, store, told->label.data, n, err));
    TRY(base_vector_add(&counted, &batch->counted, &store->env, n, err));
    if (n > 0) memset(counted, 0, n);
    TRY(fill(&place, &batch->gone, store, told->gone_label.memory.data, told->gone.count, err));
done:
    return status;
}

/* The commit once more, up to its frame: renumbering, request, planning. */
static int execute(struct replaying *r, struct index_frame *frame, const struct index_frame *told, struct pcct_error *err)
{
    pcct_batch batch = { .store = r->store, .point.item_bytes = sizeof(double), .label.item_bytes = sizeof(int64_t), .counted.item_bytes = 1,
                         .gone.item_bytes = sizeof(int64_t) };
    struct api_request request = { .env = NULL };
    int status = 0;

    TRY(ask_again(&batch, told, err));
    if (index_renumber_due(&r->state)) {
        frame->renumbered_from = r->state.n;
        TRY(index_renumber(&r->state, err));
    }
    TRY(api_request_resolve(&request, &batch, &r->state, err));
    index_frame_begin(frame, &r->state);
    TRY(tree_update(&r->state, &request.tree, err));
    TRY(index_frame_seal(frame, &r->state, err));
done:
    api_request_free(&request);
    base_vector_free(&batch.gone, &r->store->env);
    base_vector_free(&batch.counted, &r->store->env);
    base_vector_free(&batch.label, &r->store->env);
    base_vector_free(&batch.point, &r->store->env);
    return status;
}

static int compare(struct replaying *r, const struct store_version *version, const struct index_frame *frame, struct pcct_error *err)
{
    static const uint64_t no_digest[INDEX_ARRAYS];
    const int restores = r->payload.count == 0;
    struct api_origin origin = { .frame = frame, .note = r->note.memory.data, .note_bytes = r->note.count,
                                 .digest = restores ? no_digest : r->state.digest };
    struct base_hash128 identity;
    int status = 0;

    TRY(api_identity_of(&origin.parent, r->store, version->parent, err));
    TRY(api_identity_of(&origin.state_parent, r->store, version->state_parent, err));
    TRY(api_identity(&identity, r->store, &origin, err));
    if (memcmp(&identity, &version->identity, sizeof identity) != 0) {
        differ(r, version, "another identity comes out");
        goto done;
    }
    if (restores) goto done;
    r->again.count = 0;
    TRY(index_frame_encode(&r->again, frame, &r->state.metric, err));
    if (r->again.count != r->payload.count || memcmp(r->again.memory.data, r->payload.memory.data, r->again.count) != 0)
        differ(r, version, "the identity is right, but the frame says something else than what comes out");
done:
    return status;
}

/* One that asks for what cannot be is not what a commit made: it differs. */
static int is_impossible(int status)
{
    return status == PCCT_E_UNKNOWN || status == PCCT_E_DUPLICATE || status == PCCT_E_POINT || status == PCCT_E_LIMIT;
}

static int replay_version(struct replaying *r, const struct store_version *version, struct pcct_error *err)
{
    struct store_version about;
    struct index_frame told, frame;
    struct pcct_error cause = { 0, "" };
    int status = 0;

    index_frame_init(&told, &r->store->env);
    index_frame_init(&frame, &r->store->env);
    TRY(store_version(&about, &r->note, r->store->store, version->version, err));
    TRY(store_frame(&r->payload, r->store->store, version, err));
    if (r->payload.count > 0) {
        TRY(get_state(r, version->state_parent, err));
        TRY(index_frame_decode(&told, r->payload.memory.data, r->payload.count, &r->store->metric, err));
        status = execute(r, &frame, &told, &cause);
        if (status != 0) drop_state(r); /* half changed */
        if (is_impossible(status)) {
            differ(r, version, cause.message);
            status = 0;
            goto done;
        }
        if (status != 0) TRY(base_fail(err, status, "%s", cause.message));
        r->at = version->version;
    }
    TRY(compare(r, version, &frame, err));
done:
    index_frame_free(&told);
    index_frame_free(&frame);
    return status;
}

static int replay_all(struct replaying *r, struct pcct_error *err)
{
    const struct store_version *version = r->version.memory.data;
    const size_t n = r->version.count;
    int status = 0;

    for (size_t i = 0; i < n && r->result.differs == 0; i++) {
        base_watch_part(&r->env, (struct base_span){ 0, 1 }, (double)i / (double)n, (double)(i + 1) / (double)n);
        TRY(base_watch_check(&r->env, err));
        TRY(replay_version(r, &version[i], err));
        r->result.versions += r->result.differs == 0;
    }
done:
    return status;
}

int pcct_replay(struct pcct_replay_result *result, pcct_store *store, const struct pcct_replay_options *options, struct pcct_error *err)
{
    struct replaying r = { .store = store, .version.item_bytes = sizeof(struct store_version), .ref.item_bytes = sizeof(struct store_ref),
                           .note.item_bytes = 1, .payload.item_bytes = 1, .again.item_bytes = 1 };
    struct pcct_replay_options o;
    uint64_t from = 0, before = 0, after = 0;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_replay", err));
    r.env = store->env;
    r.env.watch = &r.watch;
    base_watch_begin(&r.watch, NULL, o.progress, o.progress_ctx);
    TRY(index_calls_need(&store->metric, err));
    TRY(store_prunes(&before, store->store, err));
    TRY(api_range(&r.version, &r.ref, &from, store, o.from, o.to, err));
    status = replay_all(&r, err);
    if (status != 0 && store_prunes(&after, store->store, NULL) == 0 && after != before)
        TRY(base_fail(err, PCCT_E_CONFLICT, "versions were pruned while they were executed; try again"));
    TRY(status);
    base_watch_part(&r.env, (struct base_span){ 0, 1 }, 1, 1);
    if (api_result_write(result, &r.result, sizeof r.result) != 0)
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_replay: set the result's size to sizeof first"));
done:
    drop_state(&r);
    base_watch_end(&r.watch, &store->env);
    base_vector_free(&r.version, &store->env);
    base_vector_free(&r.ref, &store->env);
    base_vector_free(&r.note, &store->env);
    base_vector_free(&r.payload, &store->env);
    base_vector_free(&r.again, &store->env);
    return status;
}
