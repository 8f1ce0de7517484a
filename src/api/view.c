/* SPDX-License-Identifier: Apache-2.0 */
#include "api/head.h"

#include "base/memory.h"
#include "index/copy.h"
#include "query/filter.h"

#include <inttypes.h>
#include <string.h>

/* ---- making and sharing -------------------------------------------------------------------------------------------------------------------- */

/* Everything but the state. */
static int begin(pcct_view **out, pcct_store *store, uint64_t version, struct base_watch *watch, struct pcct_error *err)
{
    pcct_view *view = NULL;
    int status = 0;

    *out = NULL;
    TRY(base_take_zero(&view, &store->env, 1, sizeof *view, err));
    store_shown_start(&view->shown);
    view->store = store;
    view->env = store->env;
    view->env.watch = watch;
    view->pin = STORE_PINS_NONE;
    TRY(store_pin(&view->pin, store_pins(store->store), version, err));
    if (version > 0) TRY(store_version(&view->record, NULL, store->store, version, err));
    pthread_mutex_init(&view->label_lock, NULL);
    *out = view;
    view = NULL;
done:
    if (view) store_unpin(store_pins(store->store), view->pin);
    base_free(&store->env, view);
    return status;
}

int api_view_new(pcct_view **view, pcct_store *store, uint64_t version, struct base_watch *watch, struct pcct_error *err)
{
    int status = begin(view, store, version, watch, err);

    if (status != 0) return status;
    status = api_state_open(&(*view)->state, &(*view)->anchor, &(*view)->frames, store, &(*view)->env, version, err);
    if (status == 0) return 0;
    index_init(&(*view)->state, &(*view)->env, &store->metric, store->seed);
    pcct_view_close(*view);
    *view = NULL;
    return status;
}

int api_view_copy(pcct_view **view, const pcct_view *from, struct pcct_error *err)
{
    pcct_store *store = from->store;
    int status = begin(view, store, from->record.version, NULL, err);

    if (status != 0) return status;
    (*view)->anchor = from->anchor;
    (*view)->frames = from->frames;
    status = index_copy(&(*view)->state, &(*view)->env, &from->state, err);
    if (status == 0) return 0;
    pcct_view_close(*view);
    *view = NULL;
    return status;
}

int api_view_follow(int *followed, pcct_view *view, uint64_t version, struct pcct_error *err)
{
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    struct store_version record = { .version = 0 };
    pcct_store *store = view->store;
    int status = 0;

    TRY(api_way(followed, &path, store, view->record.version, version, err));
    if (!*followed || path.count == 0) goto done;
    TRY(store_version(&record, NULL, store->store, version, err));
    TRY(api_state_follow(&view->state, store, &path, 0, err));
    view->record = record;
    view->frames += (uint32_t)path.count;
    store_pin_move(store_pins(store->store), view->pin, version);
done:
    base_vector_free(&path, &store->env);
    return status;
}

/* In a forked child there is one thread, and a mutex may be another's for ever. */
static void lock_views(pcct_store *store)
{
    if (!store_forked(store->store)) pthread_mutex_lock(&store->views_mutex);
}

static void unlock_views(pcct_store *store)
{
    if (!store_forked(store->store)) pthread_mutex_unlock(&store->views_mutex);
}

void api_view_list(pcct_view *view)
{
    pcct_store *store = view->store;

    lock_views(store);
    if (!view->listed) {
        view->labels_ready = 0; /* nobody else has it: it may have been changed since it was last listed */
        view->previous = NULL;
        view->next = store->views;
        if (view->next) view->next->previous = view;
        store->views = view;
        view->listed = 1;
    }
    unlock_views(store);
}

/* Under the mutex. */
static void unlist(pcct_view *view)
{
    if (!view->listed) return;
    if (view->previous) view->previous->next = view->next;
    else view->store->views = view->next;
    if (view->next) view->next->previous = view->previous;
    view->listed = 0;
}

int api_view_withdraw(pcct_view *view)
{
    int alone;

    lock_views(view->store);
    alone = store_shown_alone(&view->shown);
    if (alone) unlist(view);
    unlock_views(view->store);
    return alone;
}

pcct_view *api_view_find(pcct_store *store, uint64_t version)
{
    pcct_view *view = NULL;

    lock_views(store);
    for (view = store->views; view; view = view->next) {
        if (view->record.version == version && store_shown_take_living(&view->shown)) break;
    }
    unlock_views(store);
    return view;
}

/* A name of a branch, and not one of its ancestors: whoever asks for that will ask again. */
static int is_branch(pcct_store *store, const char *revision, uint64_t version)
{
    uint64_t head = 0;

    return store_head(&head, store->store, revision, NULL) == 0 && head == version;
}

/* One that there is, or a new one. */
static int take_view(pcct_view **view, pcct_store *store, const char *revision, uint64_t version, struct pcct_error *err)
{
    int status = 0;

    *view = api_head_look(store, version);
    if (!*view && is_branch(store, revision, version)) TRY(api_head_ask(view, store, version, err));
    if (!*view) *view = api_view_find(store, version);
    if (!*view) {
        TRY(api_view_new(view, store, version, NULL, err));
        api_view_list(*view);
    }
done:
    return status;
}

int pcct_view_open(pcct_view **out, pcct_store *store, const char *revision, struct pcct_error *err)
{
    uint64_t version = 0, gone;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_view_open needs a place for the handle");
    *out = NULL;
    if (!revision) revision = "main";
    do { /* by the time that a version was pruned, the name that led to it leads elsewhere */
        gone = version;
        TRY(store_revision(&version, store->store, revision, err));
        status = take_view(out, store, revision, version, err);
    } while (status == PCCT_E_NOT_FOUND && version != gone);
done:
    return status;
}

void pcct_view_close(pcct_view *view)
{
    pcct_store *store;

    if (!view || !store_shown_give(&view->shown)) return;
    store = view->store;
    lock_views(store);
    unlist(view);
    unlock_views(store);
    if (!store_forked(store->store)) store_unpin(store_pins(store->store), view->pin);
    pthread_mutex_destroy(&view->label_lock);
    index_free(&view->state);
    base_free(&store->env, view);
}

/* ---- looking at it -------------------------------------------------------------------------------------------------------------------------- */

static void tell_levels(struct pcct_view_info *info, const struct index_state *state)
{
    for (int level = 1; level < INDEX_LEVELS; level++) {
        if (state->level_count[level] == 0) continue;
        if (info->levels++ == 0) info->level_min = level - INDEX_LEVEL_BIAS;
        info->level_max = level - INDEX_LEVEL_BIAS;
    }
}

int pcct_view_describe(struct pcct_view_info *info, const pcct_view *view)
{
    const struct index_state *state = &view->state;
    struct pcct_view_info ours = { .version = view->record.version, .n_live = state->n_live, .n_rows = state->n, .root_label = -1 };

    memcpy(ours.identity, view->record.identity.byte, sizeof ours.identity);
    tell_levels(&ours, state);
    for (uint32_t b = 0; b < state->layout.blocks; b++) {
        ours.blocks += ((const struct block_link *)state->layout.block.data)[b].count > 0;
    }
    ours.twins = state->twins;
    ours.memory_bytes = index_memory(state);
    ours.layout_bytes = block_memory(&state->layout);
    ours.anchor = view->anchor;
    ours.frames = view->frames;
    ours.dim = state->metric.input_dim;
    if (state->root != INDEX_NONE) ours.root_label = index_label(state)[state->root];
    return api_result_write(info, &ours, sizeof ours);
}

int pcct_view_read(int64_t *labels, double *points, const pcct_view *view, struct pcct_error *err)
{
    const struct index_state *state = &view->state;
    size_t dim = state->metric.input_dim;
    uint32_t *node = NULL;
    int status = 0;

    TRY(base_take(&node, state->env, state->n_live, sizeof *node, err));
    TRY(query_nodes_by_label(node, state, state->env, err));
    for (size_t i = 0; i < state->n_live; i++) {
        labels[i] = index_label(state)[node[i]];
        if (points) memcpy(points + i * dim, index_points(state) + node[i] * dim, dim * sizeof *points);
    }
done:
    base_free(state->env, node);
    return status;
}

int api_view_labels(pcct_view *view, struct pcct_error *err)
{
    int status = 0;

    pthread_mutex_lock(&view->label_lock);
    if (!view->labels_ready) {
        TRY(index_labels_prepare(&view->state, err));
        view->labels_ready = 1;
    }
done:
    pthread_mutex_unlock(&view->label_lock);
    return status;
}

int api_view_nodes(uint32_t *nodes, const pcct_view *view, const int64_t *labels, size_t n, struct pcct_error *err)
{
    int status = 0;

    TRY(api_view_labels((pcct_view *)(uintptr_t)view, err)); /* a cache behind a lock: the view that callers see does not change */
    for (size_t i = 0; i < n; i++) {
        nodes[i] = index_find_prepared(&view->state, labels[i]);
        if (nodes[i] == INDEX_NONE) {
            TRY(base_fail(err, PCCT_E_UNKNOWN, "no live point has label %" PRId64 " in version v%" PRIu64, labels[i], view->record.version));
        }
    }
done:
    return status;
}

int pcct_view_find(double *points, const pcct_view *view, const int64_t *labels, size_t n, struct pcct_error *err)
{
    size_t dim = view->state.metric.input_dim;
    uint32_t *node = NULL;
    int status = 0;

    TRY(base_take(&node, view->state.env, n, sizeof *node, err));
    TRY(api_view_nodes(node, view, labels, n, err));
    for (size_t i = 0; i < n; i++) memcpy(points + i * dim, index_points(&view->state) + node[i] * dim, dim * sizeof *points);
done:
    base_free(view->state.env, node);
    return status;
}
