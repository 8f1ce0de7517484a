/* SPDX-License-Identifier: Apache-2.0 */
#include "index/frame_join.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"
#include "index/fault.h"
#include "index/frame_check.h"

#include <assert.h>
#include <string.h>

/* Rows go by pieces, each by one thread, so that what is known of a piece's rows stays in the cache however many frames there are. */
enum { PIECE_ROWS = 1 << 16 };

/* What can be wrong with one row. */
enum { NOT_LIVE = 1, OLD_VALUES, GONE };

static const char *const words[] = {
    [NOT_LIVE] = "one changes a row that is not live",
    [OLD_VALUES] = "the old values in one are not those that another leaves",
    [GONE] = "a deleted label is not that of the row that dies",
};

struct joining {
    struct index_frame *out;
    const struct index_frame *const *frame;
    size_t n;
    uint32_t *slot;          /* PIECE_ROWS for each thread */
    size_t *first, *count;   /* [pieces] where the changes of a piece stand in out->change */
    struct index_fault fault; /* items: rows */
};

/* Where the changes of rows from `row` on begin. */
static size_t first_change(const struct index_frame *frame, uint64_t row)
{
    const struct index_change *change = frame->change.memory.data;
    size_t low = 0, high = frame->change.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (change[middle].node < row) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* ---- one row ------------------------------------------------------------------------------------------------------------------------------ */

/* What the next frame tells of a row, and this change does not yet, was as the next frame finds it. */
static void learn(struct index_change *row, const struct index_change *next)
{
    struct index_row *before = &row->before, *after = &row->after;
    const struct index_row *found = &next->before, *left = &next->after;

    if (before->parent == after->parent && found->parent != left->parent) before->parent = after->parent = found->parent;
    if (before->level == after->level && found->level != left->level) before->level = after->level = found->level;
    if (index_same_radius(before, after) && !index_same_radius(found, left)) before->radius = after->radius = found->radius;
    if (index_same_pdist(before, after) && !index_same_pdist(found, left)) before->pdist = after->pdist = found->pdist;
}

/* 0 or what is wrong. */
static unsigned go_on(struct index_row *row, const struct index_change *next)
{
    const struct index_row *found = &next->before, *left = &next->after;
    const int parent = found->parent != left->parent, level = found->level != left->level;
    const int radius = !index_same_radius(found, left), pdist = !index_same_pdist(found, left);

    if (row->level == INDEX_LEVEL_DEAD) return NOT_LIVE;
    if ((parent && row->parent != found->parent) || (level && row->level != found->level)) return OLD_VALUES;
    if ((radius && !index_same_radius(row, found)) || (pdist && !index_same_pdist(row, found))) return OLD_VALUES;
    if (parent) row->parent = left->parent;
    if (level) row->level = left->level;
    if (radius) row->radius = left->radius;
    if (pdist) row->pdist = left->pdist;
    return 0;
}

static int stays(const struct index_change *row)
{
    const struct index_row *before = &row->before, *after = &row->after;

    return before->parent == after->parent && before->level == after->level && index_same_radius(before, after) && index_same_pdist(before, after);
}

/* ---- one piece ---------------------------------------------------------------------------------------------------------------------------- */

/* Numbers the rows of a piece that change and were there before, ascending from 1 on. Returns how many there are. */
static size_t number_rows(uint32_t *slot, const struct joining *j, uint64_t begin, uint64_t end)
{
    uint32_t n = 0;

    memset(slot, 0, (end - begin) * sizeof *slot);
    for (size_t f = 0; f < j->n; f++) {
        const struct index_frame *frame = j->frame[f];
        const struct index_change *change = frame->change.memory.data;

        for (size_t i = first_change(frame, begin); i < frame->change.count && change[i].node < end; i++) slot[change[i].node - begin] = 1;
    }
    for (uint64_t i = 0; i < end - begin; i++) {
        if (slot[i]) slot[i] = ++n;
    }
    return n;
}

/* The changes of one frame within a piece: */
static void join_changes(struct joining *j, const struct index_frame *frame, struct index_change *piece, const uint32_t *slot, uint64_t begin,
                         uint64_t end)
{
    const struct index_change *change = frame->change.memory.data;
    struct index_row *added = j->out->added.memory.data;

    for (size_t i = first_change(frame, begin); i < frame->change.count && change[i].node < end; i++) {
        const struct index_change *next = &change[i];
        struct index_row *row;
        unsigned fault;

        if (next->node < j->out->n_before) {
            struct index_change *mine = &piece[slot[next->node - begin] - 1];

            learn(mine, next);
            row = &mine->after;
        } else {
            row = &added[next->node - j->out->n_before];
        }
        fault = go_on(row, next);
        if (fault) index_fault_note(&j->fault, next->node, fault);
    }
}

/* The rows of a piece that a frame adds. */
static void join_added(struct joining *j, const struct index_frame *frame, uint64_t begin, uint64_t end)
{
    const struct index_row *row = frame->added.memory.data;
    struct index_row *added = j->out->added.memory.data;
    uint64_t first = begin > frame->n_before ? begin : frame->n_before, last = end < frame->n_after ? end : frame->n_after;

    if (first < last) memcpy(&added[first - j->out->n_before], &row[first - frame->n_before], (last - first) * sizeof *row);
}

static void join_piece(struct joining *j, size_t number, uint32_t *slot)
{
    const struct index_row untold = { 0, 0, INDEX_NONE, INDEX_LEVEL_FREE, 0 };
    const uint64_t begin = (uint64_t)number * PIECE_ROWS, stop = j->out->n_before;
    uint64_t end = begin + PIECE_ROWS < j->out->n_after ? begin + PIECE_ROWS : j->out->n_after;
    struct index_change *piece = (struct index_change *)j->out->change.memory.data + j->first[number];
    size_t n = begin < stop ? number_rows(slot, j, begin, end < stop ? end : stop) : 0, kept = 0;

    for (uint64_t i = 0, at = 0; at < n; i++) {
        if (slot[i]) piece[at++] = (struct index_change){ (uint32_t)(begin + i), untold, untold };
    }
    for (size_t f = 0; f < j->n; f++) {
        join_changes(j, j->frame[f], piece, slot, begin, end);
        join_added(j, j->frame[f], begin, end);
    }
    for (size_t i = 0; i < n; i++) {
        if (!stays(&piece[i])) piece[kept++] = piece[i];
    }
    j->count[number] = kept;
}

static void join_pieces(void *ctx, size_t begin, size_t end, int thread)
{
    struct joining *j = ctx;

    for (size_t i = begin; i < end; i++) join_piece(j, i, j->slot + (size_t)thread * PIECE_ROWS);
}

static int join_rows(struct joining *j, struct pcct_error *err)
{
    struct index_frame *out = j->out;
    const struct base_env *env = out->env;
    const size_t pieces = ((size_t)out->n_after + PIECE_ROWS - 1) / PIECE_ROWS;
    struct index_change *change = NULL;
    size_t most = 0, kept = 0;
    void *rows = NULL;
    int status = 0;

    TRY(base_take(&j->first, env, pieces, sizeof *j->first, err));
    TRY(base_take(&j->count, env, pieces, sizeof *j->count, err));
    TRY(base_take(&j->slot, env, (size_t)base_par_threads(env) * PIECE_ROWS, sizeof *j->slot, err));
    for (size_t i = 0; i < pieces; i++) {
        j->first[i] = most;
        for (size_t f = 0; f < j->n; f++) {
            most += first_change(j->frame[f], ((uint64_t)i + 1) * PIECE_ROWS) - first_change(j->frame[f], (uint64_t)i * PIECE_ROWS);
        }
    }
    TRY(base_vector_add(&change, &out->change, env, most, err));
    TRY(base_vector_add(&rows, &out->added, env, (size_t)out->n_after - out->n_before, err));
    base_par_for(env, pieces, 1, join_pieces, j);
    for (size_t i = 0; i < pieces; i++) {
        memmove(change + kept, change + j->first[i], j->count[i] * sizeof *change);
        kept += j->count[i];
    }
    out->change.count = kept;
done:
    return status;
}

/* ---- points and labels -------------------------------------------------------------------------------------------------------------------- */

struct copying {
    const struct joining *joining;
    size_t point_bytes;
};

static void copy_points(void *ctx, size_t begin, size_t end, int thread)
{
    const struct copying *work = ctx;
    struct index_frame *out = work->joining->out;

    (void)thread;
    for (size_t f = begin; f < end; f++) {
        const struct index_frame *frame = work->joining->frame[f];
        size_t n = frame->added.count, first = frame->n_before - out->n_before;

        if (n == 0) continue;
        memcpy((char *)out->point.data + first * work->point_bytes, frame->point.data, n * work->point_bytes);
        memcpy((int64_t *)out->label.data + first, frame->label.data, n * sizeof(int64_t));
    }
}

static int join_points(struct joining *j, const struct metric *metric, struct pcct_error *err)
{
    struct copying work = { j, metric->input_dim * sizeof(double) };
    struct index_frame *out = j->out;
    int status = 0;

    if (out->n_after == out->n_before) return 0;
    TRY(base_buffer_reserve(&out->point, out->env, (size_t)(out->n_after - out->n_before) * work.point_bytes, 0, err));
    TRY(base_buffer_reserve(&out->label, out->env, (size_t)(out->n_after - out->n_before) * sizeof(int64_t), 0, err));
    base_par_for(out->env, j->n, 1, copy_points, &work);
done:
    return status;
}

/* Rows that were there before and die, by row. Those that come and go in between are counted, and their labels compared. */
static int join_gone(struct joining *j, struct pcct_error *err)
{
    struct index_frame *out = j->out;
    struct base_pair *pair = NULL;
    int64_t *label = NULL;
    uint32_t *node = NULL;
    size_t most = 0, n = 0;
    int status = 0;

    for (size_t f = 0; f < j->n; f++) most += j->frame[f]->gone.count;
    TRY(base_take(&pair, out->env, most, sizeof *pair, err));
    for (size_t f = 0; f < j->n; f++) {
        const uint32_t *gone = j->frame[f]->gone.memory.data;
        const int64_t *gone_label = j->frame[f]->gone_label.memory.data;

        for (size_t i = 0; i < j->frame[f]->gone.count; i++) {
            if (gone[i] < out->n_before) {
                pair[n++] = (struct base_pair){ gone[i], (uint64_t)gone_label[i] };
            } else {
                if (((const int64_t *)out->label.data)[gone[i] - out->n_before] != gone_label[i]) index_fault_note(&j->fault, gone[i], GONE);
                out->passing++;
            }
        }
    }
    TRY(base_sort_pairs(pair, n, out->env, err));
    TRY(base_vector_add(&node, &out->gone, out->env, n, err));
    TRY(base_vector_add(&label, &out->gone_label, out->env, n, err));
    for (size_t i = 0; i < n; i++) {
        node[i] = (uint32_t)pair[i].key;
        label[i] = (int64_t)pair[i].value;
    }
done:
    base_free(out->env, pair);
    return status;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------------------- */

/* Whether a frame begins with what the one before it ends with. */
static int is_next(const struct index_frame *frame, const struct index_frame *before)
{
    return frame->renumbered_from == 0 && frame->n_before == before->n_after && frame->live_before == before->live_after &&
           frame->root_before == before->root_after && frame->next_label_before == before->next_label_after && frame->n_after >= frame->n_before &&
           frame->n_after - frame->n_before == frame->added.count &&
           memcmp(frame->digest_before, before->digest_after, sizeof frame->digest_before) == 0;
}

static int take_ends(struct index_frame *out, const struct index_frame *first, const struct index_frame *last)
{
    out->renumbered_from = first->renumbered_from;
    out->n_before = first->n_before;
    out->live_before = first->live_before;
    out->root_before = first->root_before;
    out->next_label_before = first->next_label_before;
    memcpy(out->digest_before, first->digest_before, sizeof out->digest_before);
    out->n_after = last->n_after;
    out->live_after = last->live_after;
    out->root_after = last->root_after;
    out->next_label_after = last->next_label_after;
    memcpy(out->digest_after, last->digest_after, sizeof out->digest_after);
    return first->n_after >= first->n_before && first->n_after - first->n_before == first->added.count;
}

int index_frame_join(struct index_frame *out, const struct index_frame *const *frames, size_t n, const struct metric *metric, struct pcct_error *err)
{
    struct joining j = { .out = out, .frame = frames, .n = n, .fault = INDEX_FAULT_NONE };
    int status = 0, follow;

    assert(n > 0 && !out->sealed && out->change.count == 0 && out->added.count == 0);
    follow = take_ends(out, frames[0], frames[n - 1]);
    for (size_t f = 1; f < n; f++) follow = follow && is_next(frames[f], frames[f - 1]);
    if (!follow) TRY(base_fail(err, PCCT_E_DAMAGED, "the frames do not fit: one does not begin with what the one before it leaves"));
    TRY(join_rows(&j, err));
    TRY(join_points(&j, metric, err));
    TRY(join_gone(&j, err));
    if (index_fault_found(&j.fault)) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the frames do not fit: %s (row %u)", words[index_fault_code(&j.fault)],
                      (unsigned)index_fault_item(&j.fault)));
    }
    out->sealed = 1;
done:
    base_free(out->env, j.slot);
    base_free(out->env, j.count);
    base_free(out->env, j.first);
    if (status != 0) index_frame_free(out);
    return status;
}
