/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity.h"
#include "api/keeper.h"
#include "api/note.h"
#include "store/bundle.h"

#include <pcct/exchange.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What one call carries from version to version. */
struct applying {
    pcct_store *store;
    struct base_env env;          /* watched */
    struct base_watch watch;
    struct store_bundle bundle;
    const struct pcct_apply_options *options;
    struct pcct_apply_result result;
    struct base_vector rested_on; /* struct base_hash128, ascending: the identities of all state parents */
    struct index_state state;
    struct metric_calls calls;
    uint64_t at;                  /* the version here whose state that is */
    uint64_t newest;              /* that was made and is on the disk; 0: none */
    uint64_t waiting;             /* how many are to be flushed, */
    uint64_t waiting_bytes;
    uint64_t last;                /* and the last of them */
    int has_state;
};

static int check_fits(const struct applying *a, struct pcct_error *err)
{
    const struct store_super *ours = store_super(a->store->store), *theirs = &a->bundle.head.super;
    const char *what = NULL;

    if (ours->dim != theirs->dim) what = "dimension";
    else if (ours->metric != theirs->metric || memcmp(ours->custom, theirs->custom, sizeof ours->custom) != 0) what = "metric";
    else if (ours->seed != theirs->seed) what = "seed of the insertion order";
    else if (ours->dtype != theirs->dtype) what = "type of coordinates";
    if (!what) return 0;
    return base_fail(err, PCCT_E_INVALID, "the bundle is of a store with another %s; make one like that first (`pcct apply --create`)", what);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, sizeof(struct base_hash128)); }

/* Reads all of it once before anything is done. */
static int survey(struct applying *a, struct pcct_error *err)
{
    struct store_bundle *b = &a->bundle;
    const uint64_t begin = b->at;
    struct store_bundle_entry entry;
    struct base_hash128 *place = NULL, identity;
    struct store_ref ref;
    int status = 0;

    base_watch_part(&a->env, (struct base_span){ 0, 1 }, 0, 0.1);
    TRY(store_bundle_verify(b, &a->env, err));
    while (b->versions < b->head.versions) {
        TRY(store_bundle_next(&entry, b, err));
        TRY(base_vector_add(&place, &a->rested_on, &a->store->env, 1, err));
        *place = entry.state_parent;
        TRY(base_watch_check(&a->env, err));
    }
    while (b->refs < b->head.refs) TRY(store_bundle_ref(&ref, &identity, b, err));
    if (b->at != b->head.bytes) TRY(base_fail(err, PCCT_E_DAMAGED, "%s is damaged: it goes on behind its end", b->path));
    if (a->rested_on.count > 0) qsort(a->rested_on.memory.data, a->rested_on.count, sizeof *place, by_bytes);
    b->at = begin;
    b->versions = b->refs = 0;
done:
    return status;
}

static int check_base(const struct applying *a, struct pcct_error *err)
{
    const uint8_t *id = a->bundle.head.base.byte;
    uint64_t version = 0;
    int status = 0, found = 0;

    TRY(store_identity(&found, &version, a->store->store, &a->bundle.head.base, err));
    if (found) goto done;
    status = base_fail(err, PCCT_E_NOT_FOUND, "the bundle is on top of the version %02x%02x%02x%02x, which is not in this store; apply the bundles "
                       "before it first", id[0], id[1], id[2], id[3]);
done:
    return status;
}

/* ---- one version -------------------------------------------------------------------------------------------------------------------------- */

static int wrong(const struct applying *a, const struct store_bundle_entry *entry, const char *what, struct pcct_error *err)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s: what was v%" PRIu64 ": %s; the versions before it were applied", a->bundle.path,
                     entry->record.version.version, what);
}

static int is_here(int *here, uint64_t *version, const struct applying *a, const struct base_hash128 *identity, struct pcct_error *err)
{
    struct store_version about;
    int status = 0;

    TRY(store_identity(here, version, a->store->store, identity, err));
    if (!*here || *version == 0) goto done;
    TRY(store_version(&about, NULL, a->store->store, *version, err));
    *here = !(about.flags & STORE_PRUNED);
done:
    return status;
}

/* A version that was pruned here may still be a parent. */
static int find_parent(uint64_t *version, const struct applying *a, const struct store_bundle_entry *entry, const struct base_hash128 *identity,
                       struct pcct_error *err)
{
    int status = 0, found = 0;

    TRY(store_identity(&found, version, a->store->store, identity, err));
    if (!found) {
        TRY(base_fail(err, PCCT_E_NOT_FOUND, "%s: v%" PRIu64 " of it follows on a version that is neither in it nor in the store; apply a bundle "
                      "with that one first; the versions before it were applied", a->bundle.path, entry->record.version.version));
    }
done:
    return status;
}

static void drop_state(struct applying *a)
{
    if (a->has_state) index_free(&a->state);
    a->has_state = 0;
}

/* Brings to the disk what was adopted since the last time. */
static int end_group(struct applying *a, struct pcct_error *err)
{
    int status = 0;

    TRY(store_group_end(a->store->store, err));
    if (a->waiting > 0) a->newest = a->last;
    a->result.applied += a->waiting;
done:
    if (status != 0) drop_state(a); /* it may be of a version that is not there */
    a->waiting = a->waiting_bytes = 0;
    return status;
}

/* What is opened is on the disk. */
static int get_state(struct applying *a, uint64_t version, struct pcct_error *err)
{
    int status = 0;

    if (a->has_state && a->at == version) return 0;
    drop_state(a);
    TRY(end_group(a, err));
    TRY(api_state_open(&a->state, NULL, NULL, a->store, &a->env, version, err));
    a->has_state = 1;
    a->at = version;
    metric_calls_clear(&a->calls);
    a->state.metric.calls = &a->calls;
done:
    return status;
}

/* Rows that a commit would have refused. */
static int check_rows(const struct applying *a, const struct store_bundle_entry *entry, const struct index_frame *frame, struct pcct_error *err)
{
    const int64_t *label = frame->label.data;
    size_t bad = 0;
    int status = 0;

    for (size_t i = 0; i < frame->added.count; i++) {
        if (label[i] == -1 || label[i] == INT64_MAX) TRY(wrong(a, entry, "it adds a label that no point may have", err));
    }
    if (metric_validate(&bad, &a->store->metric, frame->point.data, frame->added.count, 0, err) != 0)
        TRY(wrong(a, entry, "it adds a point that no point may be", err));
done:
    return status;
}

static int fold(struct applying *a, struct index_frame *frame, const struct store_bundle_entry *entry, uint64_t state_parent, struct pcct_error *err)
{
    const struct base_vector *payload = &a->bundle.payload;
    struct pcct_error cause = { 0, "" };
    int status = 0;

    TRY(get_state(a, state_parent, err));
    status = index_frame_decode(frame, payload->memory.data, payload->count, &a->store->metric, &cause);
    if (status == 0) TRY(check_rows(a, entry, frame, err));
    if (status == 0) {
        const int applied = index_apply(&a->state, frame, &cause);

        if (applied != 0) drop_state(a); /* of no more use */
        status = applied;
    }
    if (status == PCCT_E_DAMAGED) TRY(wrong(a, entry, cause.message, err));
    if (status != 0) TRY(base_fail(err, status, "%s", cause.message));
done:
    return status;
}

static int is_rested_on(const struct applying *a, const struct base_hash128 *identity)
{
    return bsearch(identity, a->rested_on.memory.data, a->rested_on.count, sizeof *identity, by_bytes) != NULL;
}

/* What came out is what the bundle says that it is. */
static int prove(struct applying *a, const struct index_frame *frame, const struct store_bundle_entry *entry, struct pcct_error *err)
{
    static const uint64_t no_digest[INDEX_ARRAYS];
    const int restores = a->bundle.payload.count == 0;
    const struct api_origin origin = { entry->parent, entry->state_parent, frame, a->bundle.note.memory.data, a->bundle.note.count,
                                       restores ? no_digest : a->state.digest };
    struct pcct_error cause = { 0, "" };
    struct base_hash128 identity;
    int status = 0;

    TRY(api_identity(&identity, a->store, &origin, err));
    if (memcmp(&identity, &entry->record.version.identity, sizeof identity) != 0)
        TRY(wrong(a, entry, "another version comes out than the one that it says to be", err));
    if (restores || is_rested_on(a, &identity)) goto done;
    status = index_check(&a->state, &cause);
    if (status == PCCT_E_DAMAGED) TRY(wrong(a, entry, cause.message, err));
    if (status != 0) TRY(base_fail(err, status, "%s", cause.message));
done:
    return status;
}

/* A long chain of frames is not left to those who open the versions. An anchor is a copy, so its failing is none here. */
static int write_anchor(struct applying *a, const struct store_version *version, struct pcct_error *err)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    uint64_t bytes = 0;
    int status = 0;

    if (index_image_of(&image, &head, &a->state, NULL) != 0 || !store_anchor_due(&bytes, version, &image, head.count)) goto done;
    TRY(end_group(a, err));
    (void)store_anchor_write(&bytes, a->store->store, version->version, &image, head.memory.data, head.count, 0, NULL);
done:
    base_vector_free(&head, &a->store->env);
    return status;
}

static int adopt(struct applying *a, struct index_frame *frame, const struct store_bundle_entry *entry, struct pcct_error *err)
{
    const struct base_vector *note = &a->bundle.note, *payload = &a->bundle.payload;
    struct store_version record = { .time_ns = entry->record.version.time_ns, .identity = entry->record.version.identity,
                                    .content = entry->record.version.content };
    struct store_version rests_on = { 0 };
    const int restores = payload->count == 0;
    int status = 0;

    memcpy(record.write_id, entry->record.version.write_id, sizeof record.write_id);
    TRY(find_parent(&record.parent, a, entry, &entry->parent, err));
    TRY(find_parent(&record.state_parent, a, entry, &entry->state_parent, err));
    if (!api_note_fits(note->memory.data, note->count)) TRY(wrong(a, entry, "its message and keys are none", err));
    if (!restores) TRY(fold(a, frame, entry, record.state_parent, err));
    TRY(prove(a, frame, entry, err));
    if (restores && record.state_parent != 0) TRY(store_version(&rests_on, NULL, a->store->store, record.state_parent, err));
    record.n_rows = restores ? rests_on.n_rows : a->state.n;
    record.n_live = restores ? rests_on.n_live : a->state.n_live;
    record.inserted = frame->added.count;
    record.deleted = frame->gone.count;
    TRY(store_group_adopt(&record, a->store->store,
                          &(struct store_bytes){ note->memory.data, payload->memory.data, note->count, payload->count }, err));
    a->last = record.version;
    a->waiting++;
    a->waiting_bytes += record.bytes;
    if (!restores) a->at = record.version;
    if (!restores) TRY(write_anchor(a, &record, err));
    if (a->waiting >= STORE_GROUP_MOST || a->waiting_bytes >= STORE_GROUP_BYTES) TRY(end_group(a, err));
done:
    /* what was applied and is not in the store is no version's state */
    if (status != 0) drop_state(a);
    return status;
}

static int apply_versions(struct applying *a, struct pcct_error *err)
{
    const uint64_t n = a->bundle.head.versions;
    struct pcct_error cause = { 0, "" };
    int status = 0, ended;

    for (uint64_t i = 0; i < n; i++) {
        struct store_bundle_entry entry;
        struct index_frame frame;
        uint64_t version = 0;
        int here = 0;

        base_watch_part(&a->env, (struct base_span){ 0, 1 }, 0.1 + 0.9 * (double)i / (double)n, 0.1 + 0.9 * (double)(i + 1) / (double)n);
        TRY(base_watch_check(&a->env, err));
        TRY(store_bundle_next(&entry, &a->bundle, err));
        TRY(is_here(&here, &version, a, &entry.record.version.identity, err));
        if (here) {
            a->result.skipped++;
            continue;
        }
        index_frame_init(&frame, &a->store->env);
        status = adopt(a, &frame, &entry, err);
        index_frame_free(&frame);
        TRY(status);
    }
done:
    ended = end_group(a, &cause); /* what came before a failure is applied; should that fail, it is the error */
    return ended == 0 ? status : base_fail(err, ended, "%s", cause.message);
}

/* ---- branches and tags -------------------------------------------------------------------------------------------------------------------- */

static const struct store_ref *find_ref(const struct base_vector *refs, const char *name)
{
    const struct store_ref *ref = refs->memory.data;

    for (size_t i = 0; i < refs->count; i++) {
        if (strcmp(ref[i].name, name) == 0) return &ref[i];
    }
    return NULL;
}

/* Branches go forward, unless it is asked for more; where they are ahead they stay. */
static int apply_ref(struct applying *a, const struct base_vector *refs, const struct store_ref *theirs, uint64_t version, struct pcct_error *err)
{
    const struct store_ref *ours = find_ref(refs, theirs->name);
    const int tag = theirs->kind == STORE_TAG;
    struct store_ref_change change = { tag ? STORE_TAG_MADE : STORE_BRANCH_MADE, theirs->name, 0, version };
    uint64_t common = 0;
    int status = 0;

    if (ours && ours->kind == theirs->kind && ours->version == version) goto done;
    if (ours && (tag || ours->kind != theirs->kind)) {
        TRY(base_fail(err, PCCT_E_CONFLICT, "there is a %s \"%s\" at v%" PRIu64 " already, and the bundle has %s of that name at v%" PRIu64
                      "; delete one of them", ours->kind == STORE_TAG ? "tag" : "branch", ours->name, ours->version, tag ? "a tag" : "a branch",
                      version));
    }
    if (ours) {
        change.operation = STORE_BRANCH_MOVED;
        change.expect = ours->version;
        TRY(store_common_ancestor(&common, a->store->store, ours->version, version, err));
        if (common == version && !a->options->move) goto done;
        if (common != ours->version && !a->options->move) {
            TRY(base_fail(err, PCCT_E_CONFLICT, "branch %s stands at v%" PRIu64 ", which v%" PRIu64 " of the bundle does not come from; the versions "
                          "are here, and applying it once more with --move puts the branch there", ours->name, ours->version, version));
        }
    }
    TRY(store_ref_change(NULL, a->store->store, &change, err));
    a->result.refs++;
done:
    return status;
}

static int apply_refs(struct applying *a, struct pcct_error *err)
{
    struct base_vector refs = { .item_bytes = sizeof(struct store_ref) };
    struct base_hash128 identity;
    struct store_ref theirs;
    uint64_t version = 0;
    int status = 0, here = 0;

    TRY(store_refs(&refs, a->store->store, err));
    for (uint64_t i = 0; i < a->bundle.head.refs; i++) {
        TRY(store_bundle_ref(&theirs, &identity, &a->bundle, err));
        TRY(is_here(&here, &version, a, &identity, err));
        if (!here) {
            TRY(base_fail(err, PCCT_E_DAMAGED, "%s: %s \"%s\" stands at a version that is not there", a->bundle.path,
                          theirs.kind == STORE_TAG ? "tag" : "branch", theirs.name));
        }
        TRY(apply_ref(a, &refs, &theirs, version, err));
    }
done:
    base_vector_free(&refs, &a->store->env);
    return status;
}

static int apply_locked(struct applying *a, struct pcct_error *err)
{
    int status = 0;

    TRY(check_base(a, err));
    TRY(apply_versions(a, err));
    TRY(apply_refs(a, err));
    if (a->newest > 0) api_keeper_prune(a->store, a->newest);
done:
    return status;
}

int pcct_apply(struct pcct_apply_result *result, pcct_store *store, const char *path, const struct pcct_apply_options *options,
               struct pcct_error *err)
{
    struct pcct_apply_options o;
    struct applying a = { .store = store, .options = &o, .rested_on.item_bytes = sizeof(struct base_hash128) };
    int status = 0, locked = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_apply", err));
    if (!path) TRY(base_fail(err, PCCT_E_INVALID, "a bundle needs a path"));
    a.env = store->env;
    a.env.watch = &a.watch;
    base_watch_begin(&a.watch, NULL, o.progress, o.progress_ctx);
    TRY(store_bundle_open(&a.bundle, path, &store->env, err));
    TRY(check_fits(&a, err));
    TRY(survey(&a, err));
    TRY(api_keeper_lock(store, !o.no_wait, err));
    locked = 1;
    TRY(apply_locked(&a, err));
    base_watch_part(&a.env, (struct base_span){ 0, 1 }, 1, 1);
done:
    if (locked) store_unlock(store->store);
    drop_state(&a);
    store_bundle_close(&a.bundle);
    base_vector_free(&a.rested_on, &store->env);
    if (result && api_result_write(result, &a.result, sizeof a.result) != 0 && status == 0)
        status = base_fail(err, PCCT_E_INVALID, "pcct_apply: set the result's size to sizeof first");
    return status;
}
