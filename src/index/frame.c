/* SPDX-License-Identifier: Apache-2.0 */
#include "index/frame.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"
#include "index/digest.h"
#include "index/rows.h"

#include <assert.h>
#include <string.h>

enum { GRAIN = 8192 };

void index_frame_init(struct index_frame *frame, const struct base_env *env)
{
    memset(frame, 0, sizeof *frame);
    frame->env = env;
    frame->root_before = frame->root_after = INDEX_NONE;
    frame->change.item_bytes = sizeof(struct index_change);
    frame->gone.item_bytes = sizeof(uint32_t);
    frame->gone_label.item_bytes = sizeof(int64_t);
    frame->added.item_bytes = sizeof(struct index_row);
}

void index_frame_free(struct index_frame *frame)
{
    const struct base_env *env = frame->env;

    base_vector_free(&frame->change, env);
    base_vector_free(&frame->gone, env);
    base_vector_free(&frame->gone_label, env);
    base_vector_free(&frame->added, env);
    base_buffer_free(&frame->point, env);
    base_buffer_free(&frame->label, env);
    index_frame_init(frame, env);
}

/* ---- noting ------------------------------------------------------------------------------------------------------------------------------- */

void index_frame_begin(struct index_frame *frame, struct index_state *state)
{
    assert(!state->frame && frame->change.count == 0 && !frame->sealed);
    frame->n_before = state->n;
    frame->live_before = state->n_live;
    frame->root_before = state->root;
    frame->next_label_before = state->next_label;
    memcpy(frame->digest_before, state->digest, sizeof frame->digest_before);
    state->frame = frame;
}

/* Rows may be noted more than once while planning; of each row the first note counts. */
int index_frame_note(struct index_state *state, uint32_t node, struct pcct_error *err)
{
    struct index_frame *frame = state->frame;
    struct index_change *change = NULL;
    int status = 0;

    if (!frame || node >= frame->n_before) return 0;
    TRY(base_vector_add(&change, &frame->change, frame->env, 1, err));
    *change = (struct index_change){ .node = node, .before = index_row_get(state, node) };
done:
    return status;
}

/* ---- sealing ------------------------------------------------------------------------------------------------------------------------------ */

static int same_row(const struct index_row *a, const struct index_row *b)
{
    return a->parent == b->parent && a->level == b->level && memcmp(&a->radius, &b->radius, sizeof a->radius) == 0 &&
           memcmp(&a->pdist, &b->pdist, sizeof a->pdist) == 0;
}

/* The first note of each row that is not as it was, ascending. */
static int list_changes(struct base_vector *change, const struct index_frame *frame, const struct index_state *state, struct pcct_error *err)
{
    const struct index_change *note = frame->change.memory.data;
    struct index_change *out = NULL;
    struct base_pair *pair = NULL;
    size_t n = frame->change.count, kept = 0;
    int status = 0;

    TRY(base_take(&pair, frame->env, n, sizeof *pair, err));
    for (size_t i = 0; i < n; i++) pair[i] = (struct base_pair){ note[i].node, i };
    TRY(base_sort_pairs(pair, n, frame->env, err)); /* stable: notes of one row stay in order */
    TRY(base_vector_add(&out, change, frame->env, n, err));
    for (size_t i = 0; i < n; i++) {
        const struct index_change *c = &note[pair[i].value];
        struct index_row now = index_row_get(state, c->node);

        if ((i > 0 && pair[i - 1].key == pair[i].key) || same_row(&c->before, &now)) continue;
        out[kept++] = (struct index_change){ c->node, c->before, now };
    }
    change->count = kept;
done:
    base_free(frame->env, pair);
    return status;
}

static int list_gone(struct index_frame *frame, const struct base_vector *change, const struct index_state *state, struct pcct_error *err)
{
    const struct index_change *c = change->memory.data;
    uint32_t *node = NULL;
    int64_t *label = NULL;
    int status = 0;

    for (size_t i = 0; i < change->count; i++) {
        if (c[i].after.level != INDEX_LEVEL_DEAD) continue;
        TRY(base_vector_add(&node, &frame->gone, frame->env, 1, err));
        TRY(base_vector_add(&label, &frame->gone_label, frame->env, 1, err));
        *node = c[i].node;
        *label = index_label(state)[c[i].node];
    }
done:
    return status;
}

struct copying {
    struct index_frame *frame;
    const struct index_state *state;
    struct index_row *row;
};

static void copy_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const struct copying *work = ctx;
    size_t first = work->frame->n_before, dim = work->state->metric.input_dim;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        work->row[i] = index_row_get(work->state, (uint32_t)(first + i));
        assert(index_row_is_live(&work->row[i])); /* every new row was attached */
    }
    memcpy((double *)work->frame->point.data + begin * dim, index_points(work->state) + (first + begin) * dim, (end - begin) * dim * sizeof(double));
    memcpy((int64_t *)work->frame->label.data + begin, index_label(work->state) + first + begin, (end - begin) * sizeof(int64_t));
}

static int copy_added(struct index_frame *frame, const struct index_state *state, struct pcct_error *err)
{
    size_t n = state->n - frame->n_before;
    struct copying work = { frame, state, NULL };
    int status = 0;

    if (n == 0) return 0;
    TRY(base_vector_add(&work.row, &frame->added, frame->env, n, err));
    TRY(base_buffer_reserve(&frame->point, frame->env, n * state->metric.input_dim * sizeof(double), 0, err));
    TRY(base_buffer_reserve(&frame->label, frame->env, n * sizeof(int64_t), 0, err));
    base_par_for(frame->env, n, GRAIN, copy_rows, &work);
done:
    return status;
}

/* The notes stay as they are until nothing can fail any more, so that index_undo can use them. */
int index_frame_seal(struct index_frame *frame, struct index_state *state, struct pcct_error *err)
{
    struct base_vector change = { .item_bytes = sizeof(struct index_change) };
    int status = 0;

    assert(state->frame == frame && !frame->sealed);
    TRY(list_changes(&change, frame, state, err));
    TRY(list_gone(frame, &change, state, err));
    TRY(copy_added(frame, state, err));
    frame->n_after = state->n;
    frame->live_after = state->n_live;
    frame->root_after = state->root;
    frame->next_label_after = state->next_label;
    index_digest_changes(state->digest, change.memory.data, change.count, frame->env);
    index_digest_rows(state->digest, state, frame->n_before, state->n - frame->n_before);
    memcpy(frame->digest_after, state->digest, sizeof frame->digest_after);
    base_vector_free(&frame->change, frame->env);
    frame->change = change;
    change.memory = (struct base_buffer){ NULL, 0, 0 };
    state->frame = NULL;
    frame->sealed = 1;
done:
    base_vector_free(&change, frame->env);
    return status;
}

/* ---- content ------------------------------------------------------------------------------------------------------------------------------ */

/* Count of added rows, their labels, their points; count of dead rows, their labels. Counts are 64-bit. */
int index_frame_content(struct base_hash128 *hash, const struct index_frame *frame, const struct metric *metric, struct pcct_error *err)
{
    struct base_hasher *hasher = NULL;
    uint64_t added = frame->added.count, gone = frame->gone.count;
    int status = 0;

    TRY(base_hasher_new(&hasher, frame->env, err));
    base_hasher_feed(hasher, &added, sizeof added);
    if (added > 0) {
        base_hasher_feed(hasher, frame->label.data, added * sizeof(int64_t));
        base_hasher_feed(hasher, frame->point.data, added * metric->input_dim * sizeof(double));
    }
    base_hasher_feed(hasher, &gone, sizeof gone);
    if (gone > 0) base_hasher_feed(hasher, frame->gone_label.memory.data, gone * sizeof(int64_t));
    *hash = base_hasher_128(hasher);
done:
    base_hasher_free(hasher, frame->env);
    return status;
}
