/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include "base/memory.h"
#include "query/filter.h"

#include <inttypes.h>
#include <string.h>

int pcct_view_open(pcct_view **out, pcct_store *store, const char *revision, struct pcct_error *err)
{
    pcct_view *view = NULL;
    uint64_t version = 0;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_view_open needs a place for the handle");
    *out = NULL;
    TRY(store_revision(&version, store->store, revision ? revision : "main", err));
    TRY(base_take_zero(&view, &store->env, 1, sizeof *view, err));
    view->store = store;
    if (version > 0) TRY(store_version(&view->record, NULL, store->store, version, err));
    TRY(api_state_open(&view->state, &view->anchor, &view->frames, store, &store->env, version, err));
    pthread_mutex_init(&view->label_lock, NULL);
    *out = view;
    view = NULL;
done:
    base_free(&store->env, view);
    return status;
}

void pcct_view_close(pcct_view *view)
{
    if (!view) return;
    pthread_mutex_destroy(&view->label_lock);
    index_free(&view->state);
    base_free(&view->store->env, view);
}

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
