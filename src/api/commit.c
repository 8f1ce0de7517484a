/* SPDX-License-Identifier: Apache-2.0 */
#include "api/head.h"
#include "api/identity.h"
#include "api/keeper.h"
#include "api/note.h"
#include "api/request.h"
#include "index/renumber.h"

#include <inttypes.h>
#include <string.h>

/* What one commit carries from step to step. */
struct commit {
    struct api_place place;        /* in the line; first */
    int status;                    /* 0: done, or as far as it can be before all that are flushed with it are */
    uint64_t version;              /* then */
    struct pcct_error *err;        /* the caller's */
    pcct_store *store;
    pcct_batch *batch;
    struct base_vector note;       /* message 0 key 0 value 0 ... */
    struct api_request request;
    struct index_frame frame;
    struct base_vector payload;
    struct store_version record;
    uint64_t skipped, replaced;
    struct base_watch watch;
};

/* What part of the commit each step is, for the progress that is told. */
static const struct base_span whole = { 0, 1 };
static const double requested = 0.04, planned = 0.85, sealed = 0.87, encoded = 0.88, stored = 0.92;

static int add_text(struct base_vector *note, const struct base_env *env, const char *text, struct pcct_error *err)
{
    size_t bytes = strlen(text) + 1;
    char *place = NULL;
    int status = 0;

    TRY(base_vector_add(&place, note, env, bytes, err));
    memcpy(place, text, bytes);
done:
    return status;
}

static int write_note(struct commit *c, const char *message, struct pcct_error *err)
{
    const struct batch_key *key = c->batch->key.memory.data;
    const struct base_env *env = &c->store->env;
    int status = 0;

    if (!message) message = "";
    if (strlen(message) > API_MESSAGE_BYTES) TRY(base_fail(err, PCCT_E_LIMIT, "a message has at most %d bytes", API_MESSAGE_BYTES));
    TRY(add_text(&c->note, env, message, err));
    for (size_t i = 0; i < c->batch->key.count; i++) {
        TRY(add_text(&c->note, env, key[i].key, err));
        TRY(add_text(&c->note, env, key[i].value, err));
    }
done:
    return status;
}

/* *found: this write id was committed with the same content before; *version is what it made. */
static int look_up_write_id(int *found, uint64_t *version, struct commit *c, struct pcct_error *err)
{
    struct store_version before;
    int status = 0;

    *found = 0;
    TRY(api_request_content(&c->record.content, c->batch, c->note.memory.data, c->note.count, err));
    if (!c->batch->has_write_id) goto done;
    memcpy(c->record.write_id, c->batch->write_id, sizeof c->record.write_id);
    TRY(store_write_id(found, &before, c->store->store, c->batch->write_id, err));
    if (!*found) goto done;
    if (memcmp(&before.content, &c->record.content, sizeof before.content) != 0) {
        TRY(base_fail(err, PCCT_E_CONFLICT, "this write id made version v%" PRIu64 " from other content; use a new id", before.version));
    }
    *version = before.version;
done:
    return status;
}

static int check_head(struct commit *c, struct pcct_error *err)
{
    uint64_t expected = 0;
    int status = 0;

    TRY(store_head(&c->record.parent, c->store->store, c->batch->branch, err));
    c->record.state_parent = c->record.parent;
    if (c->batch->restore) TRY(store_revision(&c->record.state_parent, c->store->store, c->batch->restore, err));
    if (!c->batch->expect) goto done;
    TRY(store_revision(&expected, c->store->store, c->batch->expect, err));
    if (expected != c->record.parent) {
        TRY(base_fail(err, PCCT_E_CONFLICT, "%s stands at v%" PRIu64 ", not at v%" PRIu64 " as expected; look at the log and try again",
                      c->batch->branch, c->record.parent, expected));
    }
done:
    return status;
}

/* Where more was added than there was before, reading that again costs less than taking rows out one by one, and gives the memory back. */
static void take_back(struct commit *c, int begun)
{
    struct index_state *state = c->store->head;
    int forget = c->frame.renumbered_from > 0;

    if (begun && !forget) forget = state->n - c->frame.n_before > c->frame.n_before || index_undo(state, &c->frame, NULL) != 0;
    if (forget) api_head_drop(c->store);
}

/* Plans on the writer's state; after a failure that state is as before, or forgotten. Dead rows go first, by the rule of index/renumber.h, so that
 * the request finds the nodes that its labels have afterwards. */
static int plan(struct commit *c, struct pcct_error *err)
{
    struct index_state *state = c->store->head;
    int status = 0, begun = 0;

    metric_calls_clear(&c->store->calls);
    state->metric.calls = &c->store->calls;
    if (index_renumber_due(state)) {
        c->frame.renumbered_from = state->n;
        TRY(index_renumber(state, err));
    }
    base_watch_stage(state->env, BASE_STAT_request_seconds);
    TRY(api_request_resolve(&c->request, c->batch, state, err));
    c->record.inserted = c->request.tree.n_insert;
    c->record.deleted = c->request.tree.n_delete;
    c->skipped = c->request.skipped;
    c->replaced = c->request.replaced;
    TRY(base_watch_check(state->env, err));
    index_frame_begin(&c->frame, state);
    begun = 1;
    base_watch_part(state->env, whole, requested, planned);
    TRY(tree_update(state, &c->request.tree, err));
    base_watch_stage(state->env, BASE_STAT_seal_seconds);
    base_watch_part(state->env, whole, planned, sealed);
    TRY(base_watch_check(state->env, err));
    api_request_free(&c->request);
    TRY(index_frame_seal(&c->frame, state, err));
done:
    base_watch_add(&c->store->head_env, BASE_STAT_evaluations, c->store->calls.evaluations);
    if (status != 0) take_back(c, begun);
    return status;
}

static int identify(struct commit *c, const uint64_t digest[INDEX_ARRAYS], struct pcct_error *err)
{
    struct api_origin origin = { .frame = &c->frame, .note = c->note.memory.data, .note_bytes = c->note.count, .digest = digest };
    int status = 0;

    TRY(api_identity_of(&origin.parent, c->store, c->record.parent, err));
    TRY(api_identity_of(&origin.state_parent, c->store, c->record.state_parent, err));
    TRY(api_identity(&c->record.identity, c->store, &origin, err));
done:
    return status;
}

/* As far as its flush, which others may share. After a failure the writer's state is ahead of the disk: it is forgotten and read again by the next
 * commit. */
static int write_out(struct commit *c, struct pcct_error *err)
{
    const struct index_state *state = c->store->head;
    int status = 0;

    base_watch_stage(state->env, BASE_STAT_encode_seconds);
    base_watch_part(state->env, whole, sealed, encoded);
    TRY(identify(c, state->digest, err));
    TRY(index_frame_encode(&c->payload, &c->frame, &state->metric, err));
    index_frame_free(&c->frame);
    base_watch_stage(state->env, BASE_STAT_store_seconds);
    base_watch_part(state->env, whole, encoded, stored);
    TRY(base_watch_check(state->env, err));
    c->record.n_rows = state->n;
    c->record.n_live = state->n_live;
    TRY(store_group_commit(&c->record, c->store->store, c->batch->branch, c->note.memory.data, c->note.count, c->payload.memory.data,
                           c->payload.count, err));
    c->store->head_version = c->record.version;
done:
    if (status != 0) api_head_drop(c->store);
    return status;
}

/* A restored state with nothing on top: no state is looked at, whatever its size. The payload is empty, and so are the digests in the identity, for
 * they are those of the state parent, whose identity is in it. The next commit opens it. */
static int commit_restored(struct commit *c, struct pcct_error *err)
{
    static const uint64_t no_digest[INDEX_ARRAYS];
    struct store_version restored = { 0 };
    int status = 0;

    if (c->record.state_parent > 0) TRY(store_version(&restored, NULL, c->store->store, c->record.state_parent, err));
    c->record.n_rows = restored.n_rows;
    c->record.n_live = restored.n_live;
    TRY(identify(c, no_digest, err));
    base_watch_stage(&c->store->head_env, BASE_STAT_store_seconds);
    base_watch_part(&c->store->head_env, whole, encoded, stored);
    TRY(store_group_commit(&c->record, c->store->store, c->batch->branch, c->note.memory.data, c->note.count, "", 0, err));
done:
    return status;
}

static int commit_changes(struct commit *c, struct pcct_error *err)
{
    const struct base_env *env = &c->store->head_env;
    int status = 0;

    base_watch_stage(env, BASE_STAT_open_seconds);
    base_watch_part(env, whole, 0, requested);
    if (c->store->head && c->store->head_version != c->record.state_parent) api_head_end(c->store, NULL, 0);
    if (!c->store->head) TRY(api_head_begin(c->store, c->record.state_parent, err));
    TRY(base_watch_check(env, err));
    TRY(plan(c, err));
    TRY(write_out(c, err));
done:
    return status;
}

/* With the writer lock held: all but the flush, and what comes after it. *frames: 1 when a frame was written. */
static int commit_one(uint32_t *frames, struct commit *c, struct pcct_error *err)
{
    struct pcct_batch_result *result = &c->batch->result;
    const struct base_env *env = &c->store->head_env;
    int status = 0, found = 0;

    *frames = 0;
    base_watch_stage(env, BASE_STAT_request_seconds);
    TRY(look_up_write_id(&found, &c->version, c, err));
    if (found) goto done;
    TRY(check_head(c, err));
    if (c->batch->restore && c->batch->counted.count == 0 && c->batch->gone.count == 0) TRY(commit_restored(c, err));
    else TRY(commit_changes(c, err));
    *frames = 1;
    c->version = c->record.version;
    result->inserted = c->record.inserted;
    result->deleted = c->record.deleted;
    result->skipped = c->skipped;
    result->replaced = c->replaced;
    result->frame_bytes = c->record.bytes;
done:
    base_watch_stage(env, status == 0 ? BASE_STAT_wait_seconds : BASE_STATS);
    return status;
}

/* ---- those that share their flushes --------------------------------------------------------------------------------------------------------- */

struct group {
    pcct_store *store;
    struct commit *first, *last; /* linked by place.next */
    struct commit *newest;       /* of those that have written a frame */
    uint64_t oldest;             /* the first version that was made */
    uint32_t frames;
    uint64_t bytes;
};

/* Whether a commit that stands behind the leader's can be done by its thread: what it tells of its progress is for the thread of the caller. */
static int may_join(const struct commit *leader, const struct commit *c)
{
    return !c->batch->progress && !c->batch->restore && strcmp(c->batch->branch, leader->batch->branch) == 0;
}

static void do_one(struct group *group, struct commit *c)
{
    uint32_t frames = 0;

    api_head_watch(group->store, &c->watch);
    c->place.next = NULL;
    if (group->last) group->last->place.next = &c->place;
    else group->first = c;
    group->last = c;
    c->status = commit_one(&frames, c, c->err);
    if (frames == 0) return;
    if (group->frames++ == 0) group->oldest = c->version;
    group->newest = c;
    group->bytes += c->record.bytes;
}

/* Those that stood in line when the store was had. The group ends early where the state was lost: the next one reads it, and not from what is not
 * committed yet. */
static void do_all(struct group *group, struct commit *leader)
{
    struct api_line *line = &group->store->line;
    unsigned length = api_line_length(line);

    for (unsigned i = 0; i < length && i < STORE_GROUP_MOST && group->bytes < STORE_GROUP_BYTES && (group->frames == 0 || group->store->head); i++) {
        struct commit *c = (struct commit *)api_line_front(line);

        if (i > 0 && !may_join(leader, c)) break;
        api_line_take(line);
        do_one(group, c);
    }
}

/* Whether the keeper is to write an anchor of this version. */
static int is_anchor_due(uint64_t *bytes, const struct commit *c)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    int due = index_image_of(&image, &head, c->store->head, NULL) == 0 && store_anchor_due(bytes, &c->record, &image, head.count);

    base_vector_free(&head, &c->store->env);
    return due;
}

/* The newest version is on the disk: shows it, and has an anchor of it written if one is due. */
static void publish(const struct group *group)
{
    const struct commit *c = group->newest;
    uint64_t bytes = 0;
    int due;

    if (!group->store->head) return; /* what was made last has no state here: it was restored, or the state was lost after it */
    due = is_anchor_due(&bytes, c);
    base_watch_stage(&group->store->head_env, BASE_STAT_anchor_seconds);
    api_head_end(group->store, &c->record, group->frames);
    if (due && api_keeper_anchor(group->store, c->version)) c->batch->result.anchor_bytes = bytes;
}

/* One failed, and so did all that wrote a frame, and those that found theirs among these. */
static void fail_all(struct group *group, int status, const struct pcct_error *cause)
{
    for (struct commit *c = group->first; c; c = (struct commit *)c->place.next) {
        if (c->status != 0 || c->version < group->oldest) continue;
        c->status = base_fail(c->err, status, "%s", cause->message);
    }
    api_head_drop(group->store);
}

/* Brings to the disk what was written. Time goes to the stages of the newest; others wait. */
static void end_group(struct group *group, struct commit *leader)
{
    pcct_store *store = group->store;
    struct pcct_error cause = { 0, "" };
    int status = 0;

    if (group->newest) api_head_watch(store, &group->newest->watch);
    base_watch_stage(&store->head_env, BASE_STAT_store_seconds);
    status = store_group_end(store->store, &cause);
    if (group->frames > 0 && status == 0) publish(group);
    if (group->frames > 0 && status == 0) api_keeper_prune(store, group->newest->version);
    if (group->frames > 0 && status != 0) fail_all(group, status, &cause);
    if (store->head) api_head_end(store, NULL, 0);
    for (struct commit *c = group->first; c; c = (struct commit *)c->place.next) {
        api_head_watch(store, &c->watch);
        if (c == leader && c->status == 0) base_watch_part(&store->head_env, whole, 1, 1);
        base_watch_stage(&store->head_env, BASE_STATS);
    }
    api_head_watch(store, NULL);
}

/* Commits, and with it what stands in line behind it; alone: it stands in none. */
static void lead(struct commit *leader, int alone)
{
    struct group group = { .store = leader->store };
    struct store *store = leader->store->store;

    leader->status = api_keeper_lock(leader->store, !leader->batch->no_wait, leader->err);
    if (leader->status == 0) {
        if (alone) do_one(&group, leader);
        else do_all(&group, leader);
        end_group(&group, leader);
        store_unlock(store);
    } else if (!alone) {
        api_line_take(&leader->store->line);
        group.first = leader;
    }
    if (!alone) api_line_done(&leader->store->line, &group.first->place);
}

int pcct_batch_commit(uint64_t *version, pcct_batch *batch, const char *message, struct pcct_error *err)
{
    struct commit c = { .store = batch->store, .batch = batch, .err = err };
    const struct base_env *env = &batch->store->env;
    struct base_env waiting = *env;
    int status = 0;

    c.note.item_bytes = 1;
    c.payload.item_bytes = 1;
    index_frame_init(&c.frame, env);
    memset(&batch->result, 0, sizeof batch->result);
    batch->result.size = sizeof batch->result;
    base_watch_begin(&c.watch, batch->timing ? &batch->store->os : NULL, batch->progress, batch->progress_ctx);
    TRY(write_note(&c, message, err));
    waiting.watch = &c.watch;
    base_watch_stage(&waiting, BASE_STAT_wait_seconds);
    TRY(store_check_process(batch->store->store, err));
    if (batch->no_wait) lead(&c, 1);
    else {
        if (api_line_join(&batch->store->line, &c.place)) lead(&c, 0);
        api_line_leave(&c.place);
    }
    TRY(c.status);
    if (version) *version = c.version;
done:
    api_stats_read(&batch->stats, &c.watch);
    base_vector_free(&batch->schedule, env);
    batch->schedule = c.watch.schedule;
    index_frame_free(&c.frame);
    base_vector_free(&c.payload, env);
    base_vector_free(&c.note, env);
    api_request_free(&c.request);
    return status;
}
