/* SPDX-License-Identifier: Apache-2.0 */
#include "index/state.h"

#include "base/error.h"
#include "base/watch.h"
#include "index/frame.h"
#include "index/labels.h"
#include "index/rows.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { GRAIN = 4096, FILL = 64 };

size_t index_array_bytes(const struct metric *metric, int array)
{
    switch (array) {
    case INDEX_POINT: return metric->input_dim * sizeof(double);
    case INDEX_PLACE: return metric->embeds ? metric->dim * sizeof(double) : 0;
    case INDEX_LEVEL: return sizeof(int16_t);
    case INDEX_PARENT:
    case INDEX_CHILD:
    case INDEX_NEXT: return sizeof(uint32_t);
    default: return sizeof(double); /* label, radius, pdist */
    }
}

/* ---- making, measuring, freeing ----------------------------------------------------------------------------------------------------------- */

void index_init(struct index_state *state, const struct base_env *env, const struct metric *metric, uint64_t seed)
{
    memset(state, 0, sizeof *state);
    state->env = env;
    state->metric = *metric;
    state->seed = seed;
    state->root = INDEX_NONE;
    block_init(&state->layout, env, &state->metric);
    state->layout.rotates = 1;
    block_keep_rows(&state->layout);
}

void index_free(struct index_state *state)
{
    struct metric metric = state->metric;

    if (!state->env) return;
    index_labels_free(state);
    block_free(&state->layout);
    for (int i = 0; i < INDEX_ARRAYS; i++) base_buffer_free(&state->array[i], state->env);
    index_init(state, state->env, &metric, state->seed);
}

uint64_t index_memory(const struct index_state *state)
{
    uint64_t bytes = block_memory(&state->layout) + index_labels_memory(state);

    for (int i = 1; i < INDEX_ARRAYS; i++) bytes += state->n * index_array_bytes(&state->metric, i);
    return bytes;
}

double index_level_reach(const struct metric *metric, int16_t level)
{
    if (level > 0) return metric_reach(metric, level - INDEX_LEVEL_BIAS);
    return level == INDEX_LEVEL_TWIN ? -1 : -(double)INFINITY;
}

double index_node_reach(const struct index_state *state, uint32_t node)
{
    return node == state->root ? (double)INFINITY : index_level_reach(&state->metric, index_level(state)[node]);
}

static double reach_of(const void *state, uint32_t node)
{
    return index_node_reach(state, node);
}

struct block_source index_source(const struct index_state *state)
{
    return (struct block_source){ index_places(state), index_label(state), reach_of, state, state->n };
}

/* ---- appending ---------------------------------------------------------------------------------------------------------------------------- */

struct appending {
    struct index_state *state;
    const double *points;
    const int64_t *labels;
};

static void write_new_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct appending *work = ctx;
    struct index_state *state = work->state;
    size_t dim = state->metric.input_dim, first = state->n;
    struct index_row row = { 0, 0, INDEX_NONE, INDEX_LEVEL_FREE, 0 };

    (void)thread;
    memcpy(index_points(state) + (first + begin) * dim, work->points + begin * dim, (end - begin) * dim * sizeof(double));
    memcpy(index_label(state) + first + begin, work->labels + begin, (end - begin) * sizeof(int64_t));
    for (size_t i = first + begin; i < first + end; i++) {
        index_row_put(state, (uint32_t)i, &row);
        index_child(state)[i] = index_next(state)[i] = INDEX_NONE;
    }
    if (state->metric.embeds) {
        metric_embed(index_places(state) + (first + begin) * state->metric.dim, &state->metric, work->points + begin * dim, end - begin);
    }
}

int index_append(struct index_state *state, const double *points, const int64_t *labels, size_t n, struct pcct_error *err)
{
    struct appending work = { state, points, labels };
    int status = 0;

    assert(n <= (size_t)INDEX_NONE - 1 - state->n);
    if (n == 0) return 0;
    for (int i = 1; i < INDEX_ARRAYS; i++) {
        size_t bytes = index_array_bytes(&state->metric, i);

        if (bytes > 0) TRY(base_buffer_reserve(&state->array[i], state->env, (state->n + n) * bytes, state->n * bytes, err));
    }
    TRY(index_labels_reserve(state, labels, n, err));
    base_par_for(state->env, n, GRAIN, write_new_rows, &work);
    state->n += (uint32_t)n;
    index_labels_put(state, state->n - (uint32_t)n, n);
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= state->next_label) state->next_label = labels[i] < INT64_MAX ? labels[i] + 1 : INT64_MAX;
    }
done:
    return status;
}

/* ---- seats and graves --------------------------------------------------------------------------------------------------------------------- */

struct seating {
    struct index_state *state;
    const struct index_seat *seat;
    const uint32_t *node;        /* the dying, instead of seats */
    struct index_change *move;
};

static void seat_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct seating *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const struct index_seat *seat = &work->seat[i];
        struct index_row row = index_row_get(work->state, seat->node);

        assert(seat->node < work->state->n && row.level != INDEX_LEVEL_DEAD && (seat->level > 0 || seat->level == INDEX_LEVEL_TWIN));
        assert(seat->parent == INDEX_NONE || (seat->parent < work->state->n && seat->parent != seat->node));
        assert(!index_row_is_live(&row) || row.parent == INDEX_NONE || !index_is_live(work->state, row.parent));
        work->move[i] = (struct index_change){ seat->node, row, row };
        work->move[i].after.parent = seat->parent;
        work->move[i].after.level = seat->level;
        work->move[i].after.pdist = index_row_pdist(work->state, seat->node, seat->parent);
    }
}

static void bury_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct seating *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        assert(work->node[i] < work->state->n && index_is_live(work->state, work->node[i]));
        work->move[i] = (struct index_change){ work->node[i], index_row_get(work->state, work->node[i]), { 0, 0, INDEX_NONE, INDEX_LEVEL_DEAD, 0 } };
    }
}

int index_attach(struct index_state *state, const struct index_seat *seats, size_t n, struct pcct_error *err)
{
    struct seating work = { state, seats, NULL, NULL };
    struct base_span span = base_watch_span(state->env);
    int status = 0;

    if (n == 0) return 0;
    TRY(base_take(&work.move, state->env, n, sizeof *work.move, err));
    for (size_t i = 0; i < n; i++) TRY(index_frame_note(state, seats[i].node, err));
    base_watch_part(state->env, span, 0, 0.1);
    base_par_for(state->env, n, GRAIN / 4, seat_rows, &work);
    base_watch_part(state->env, span, 0.1, 1);
    TRY(index_rows_move(state, work.move, n, err));
done:
    base_free(state->env, work.move);
    return status;
}

int index_bury(struct index_state *state, const uint32_t *nodes, size_t n, struct pcct_error *err)
{
    struct seating work = { state, NULL, nodes, NULL };
    struct base_span span = base_watch_span(state->env);
    int status = 0;

    if (n == 0) return 0;
    TRY(base_take(&work.move, state->env, n, sizeof *work.move, err));
    for (size_t i = 0; i < n; i++) TRY(index_frame_note(state, nodes[i], err));
    base_watch_part(state->env, span, 0, 0.1);
    base_par_for(state->env, n, GRAIN, bury_rows, &work);
    base_watch_part(state->env, span, 0.1, 1);
    TRY(index_rows_move(state, work.move, n, err));
done:
    base_free(state->env, work.move);
    return status;
}

/* ---- single values ------------------------------------------------------------------------------------------------------------------------ */

int index_set_radius(struct index_state *state, uint32_t node, double radius, struct pcct_error *err)
{
    int status = 0;

    assert(node < state->n && radius >= 0 && radius < (double)INFINITY);
    TRY(index_frame_note(state, node, err));
    index_radius(state)[node] = radius;
done:
    return status;
}

int index_raise_radius(struct index_state *state, uint32_t node, double radius, struct pcct_error *err)
{
    return radius > index_radius(state)[node] ? index_set_radius(state, node, radius, err) : 0;
}

int index_settle_root(struct index_state *state, struct pcct_error *err)
{
    int16_t level, settled = INDEX_LEVEL_BIAS;
    int status = 0;

    if (state->root == INDEX_NONE) return 0;
    level = index_level(state)[state->root];
    for (int i = INDEX_LEVELS - 1; i > 0; i--) {
        if (state->level_count[i] > (i == level ? 1u : 0u)) {
            settled = (int16_t)(i + 1);
            break;
        }
    }
    if (settled == level) return 0;
    assert(settled < INDEX_LEVELS);
    TRY(index_frame_note(state, state->root, err));
    index_level(state)[state->root] = settled;
    state->level_count[level]--;
    state->level_count[settled]++;
done:
    return status;
}

/* ---- layout ------------------------------------------------------------------------------------------------------------------------------- */

int index_rebuild_layout(struct index_state *state, struct pcct_error *err)
{
    struct block_source source = index_source(state);
    uint32_t *node = NULL;
    size_t n = 0;
    int status = 0;

    if (metric_is_custom(&state->metric)) goto done;
    TRY(base_take(&node, state->env, state->n_live, sizeof *node, err));
    for (uint32_t i = 0; i < state->n; i++) {
        if (index_is_live(state, i)) node[n++] = i;
    }
    assert(n == state->n_live);
    TRY(block_build(&state->layout, &source, node, n, FILL, err));
done:
    base_free(state->env, node);
    return status;
}
