/* SPDX-License-Identifier: Apache-2.0 */
#include "index/frame.h"

#include "base/error.h"
#include "base/par.h"
#include "index/digest.h"
#include "index/frame_check.h"
#include "index/labels.h"
#include "index/links.h"
#include "index/renumber.h"
#include "index/rows.h"
#include "index/warm.h"

#include <assert.h>
#include <string.h>

enum { GRAIN = 2048, AHEAD = 8 };

/* ---- forward and back by the same routine -------------------------------------------------------------------------------------------------- */

/* The moves of a frame on the state at hand: its changed rows, then its added ones. */
struct moves {
    const struct index_frame *frame;
    const struct index_state *state;
    int forward;
    struct index_change *move;
    size_t changed, n;
};

static struct index_row overlay(const struct moves *m, const struct index_change *change, struct index_row row)
{
    const struct index_row *to = m->forward ? &change->after : &change->before;
    int told = metric_is_custom(&m->state->metric); /* what a function says is in the frame: it may not be there to be asked */

    if (change->before.level != change->after.level) row.level = to->level;
    if (!index_same_radius(&change->before, &change->after)) row.radius = to->radius;
    if (change->before.parent != change->after.parent) {
        row.parent = to->parent;
        row.pdist = told ? row.pdist : index_row_pdist(m->state, change->node, row.parent);
    }
    if (told && !index_same_pdist(&change->before, &change->after)) row.pdist = to->pdist;
    return row;
}

static void make_moves(void *ctx, size_t begin, size_t end, int thread)
{
    struct moves *m = ctx;
    const struct index_change *change = m->frame->change.memory.data;
    const struct index_row *added = m->frame->added.memory.data;
    const struct index_row absent = { 0, 0, INDEX_NONE, INDEX_LEVEL_FREE, 0 };

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = i < m->changed ? change[i].node : m->frame->n_before + (uint32_t)(i - m->changed);
        struct index_row now = index_row_get(m->state, node), to = absent;

        if (i + AHEAD < m->changed) index_row_ask(m->state, change[i + AHEAD].node);
        if (i < m->changed) {
            to = overlay(m, &change[i], now);
        } else if (m->forward) {
            to = added[i - m->changed];
            if (!metric_is_custom(&m->state->metric)) to.pdist = index_row_pdist(m->state, node, to.parent);
        }
        m->move[i] = (struct index_change){ node, now, to };
    }
}

static int take_moves(struct moves *m, const struct index_frame *frame, const struct index_state *state, int forward, struct pcct_error *err)
{
    int status = 0;

    *m = (struct moves){ frame, state, forward, NULL, frame->change.count, frame->change.count + frame->added.count };
    TRY(base_take(&m->move, state->env, m->n, sizeof *m->move, err));
    base_par_for(state->env, m->n, GRAIN, make_moves, m);
done:
    return status;
}

/* ---- apply -------------------------------------------------------------------------------------------------------------------------------- */

/* That the renumbering leads where the frame begins is then checked like everything else. */
static int renumber_first(struct index_state *state, const struct index_frame *frame, struct pcct_error *err)
{
    int status = 0;

    if (frame->renumbered_from == 0) return 0;
    if (frame->renumbered_from != state->n || frame->n_before != state->n_live) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the frame is for another version: it renumbers %u rows, %u live; there are %u rows, %u live",
                      frame->renumbered_from, frame->n_before, state->n, state->n_live));
    }
    TRY(index_renumber(state, err));
done:
    return status;
}

int index_apply(struct index_state *state, const struct index_frame *frame, struct pcct_error *err)
{
    struct moves moves = { 0 };
    int status = 0;

    assert(!state->frame);
    TRY(renumber_first(state, frame, err));
    if (frame->apart) index_warm(state, frame->change.count, frame->gone.count);
    TRY(index_frame_check(frame, state, err));
    TRY(index_append(state, frame->point.data, frame->label.data, frame->added.count, err));
    TRY(take_moves(&moves, frame, state, 1, err));
    TRY(frame->apart ? index_rows_move_apart(state, moves.move, moves.n, frame->n_before, err) : index_rows_move(state, moves.move, moves.n, err));
    index_digest_changes(state->digest, moves.move, moves.changed, state->env);
    index_digest_rows(state->digest, state, frame->n_before, frame->added.count);
    if (state->n_live != frame->live_after || state->root != frame->root_after ||
        memcmp(state->digest, frame->digest_after, sizeof state->digest) != 0) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: what it makes has not the digests that it tells"));
    }
done:
    base_free(state->env, moves.move);
    return status;
}

/* ---- undo --------------------------------------------------------------------------------------------------------------------------------- */

/* Drops the rows that the frame added and brings back the numbers that go with the rest. */
static void take_numbers_back(struct index_state *state, const struct index_frame *frame)
{
    state->n = frame->n_before;
    state->root = frame->root_before;
    state->next_label = frame->next_label_before;
    memcpy(state->digest, frame->digest_before, sizeof state->digest);
    if (state->layout.rows > state->n) state->layout.rows = state->n; /* none of the dropped rows has a lane */
}

static int undo_sealed(struct index_state *state, const struct index_frame *frame, struct pcct_error *err)
{
    struct moves moves = { 0 };
    int status = 0;

    assert(!state->frame && state->n == frame->n_after);
    TRY(take_moves(&moves, frame, state, 0, err));
    index_labels_strike(state, frame->n_before);
    TRY(index_rows_move(state, moves.move, moves.n, err));
    index_labels_revive(state, frame->gone.memory.data, frame->gone.count);
    take_numbers_back(state, frame);
done:
    base_free(state->env, moves.move);
    return status;
}

/* Planning stopped somewhere: old values from the notes, everything else anew from them. */
static int undo_half_made(struct index_state *state, const struct index_frame *frame, struct pcct_error *err)
{
    const struct index_change *note = frame->change.memory.data;
    int status = 0, labels = state->labels != NULL;

    state->frame = NULL;
    for (size_t i = frame->change.count; i > 0; i--) index_row_put(state, note[i - 1].node, &note[i - 1].before); /* a row's first note comes last */
    index_labels_free(state);
    take_numbers_back(state, frame);
    index_recount(state);
    TRY(index_links_rebuild(state, err));
    TRY(index_rebuild_layout(state, err));
    if (labels) TRY(index_labels_prepare(state, err));
done:
    return status;
}

int index_undo(struct index_state *state, struct index_frame *frame, struct pcct_error *err)
{
    assert(frame->renumbered_from == 0);
    return frame->sealed ? undo_sealed(state, frame, err) : undo_half_made(state, frame, err);
}
