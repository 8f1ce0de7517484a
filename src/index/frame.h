/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_FRAME_H
#define INDEX_FRAME_H

#include "base/hash.h"
#include "index/state.h"

/*
 * A frame: what one commit changes, redo and undo. Planning (tree/) changes a state between index_frame_begin and index_frame_seal, which makes the
 * frame; index_apply makes the same change to any state that equals the one before, index_undo takes it back. So a version is a fold:
 * state(v) = index_apply(state(parent), frame(v)).
 */
struct index_change {
    uint32_t node;
    struct index_row before, after; /* after.level DEAD: deleted */
};

struct index_frame {
    const struct base_env *env;
    uint32_t renumbered_from; /* the frame begins with a renumbering (index/renumber.h) of so many rows; all else is after it. 0: it does not */
    uint32_t n_before, n_after, live_before, live_after, root_before, root_after;
    int64_t next_label_before, next_label_after;
    uint64_t digest_before[INDEX_ARRAYS], digest_after[INDEX_ARRAYS];
    struct base_vector change;   /* struct index_change, ascending by node, each node once, rows below n_before only */
    struct base_vector gone;     /* uint32_t: nodes of `change` that die, ascending; their labels stand in gone_label */
    struct base_vector gone_label; /* int64_t */
    struct base_vector added;    /* struct index_row of rows n_before .. n_after-1 */
    struct base_buffer point, label; /* their coordinates (input_dim) and labels */
    uint32_t passing;            /* of them, those that are dead at the end: only frames that were joined have any (index/frame_join.h) */
    int apart;                   /* set by who opens a version: nothing of the state has been read yet (index/warm.h), and
                                  * the new rows may be laid out apart from the others (block/layout_annex.h) */
    int sealed;
};

void index_frame_init(struct index_frame *frame, const struct base_env *env);
void index_frame_free(struct index_frame *frame);

/* From here on changes of the state are noted in the frame. Whoever has renumbered the state for it before has set renumbered_from. */
void index_frame_begin(struct index_frame *frame, struct index_state *state);
/* Notes the old values of a row before its first change (called by the functions of state.h; later notes of the same row are ignored). */
int index_frame_note(struct index_state *state, uint32_t node, struct pcct_error *err);
/* Ends the noting, brings the state's digest up to date and completes the frame. */
int index_frame_seal(struct index_frame *frame, struct index_state *state, struct pcct_error *err);

/* Takes a sealed or half-made frame back: the state, layout included, is as before index_frame_begin (the layout may be arranged otherwise).
 * The frame must not begin with a renumbering: the dead rows that it drops are nowhere else, so the state must be freed instead.
 * Errors: MEMORY (the state is then of no use and must be freed). */
int index_undo(struct index_state *state, struct index_frame *frame, struct pcct_error *err);

/* Redoes a decoded frame, its renumbering first if it begins with one. Then everything is checked against the state before anything else is changed:
 * counts, ranges, levels, labels, old values, digests; after it the digests must be those that the frame tells. Errors: DAMAGED (naming what does
 * not fit), MEMORY; the state is then of no use. */
int index_apply(struct index_state *state, const struct index_frame *frame, struct pcct_error *err);

/* The frame as bytes: sections as formats/pcct-store.md says (ADD, DEL, APPEND, SCATTER with redo and undo, STATE, DIGEST), little-endian, every
 * section 8-byte aligned. Appended to `bytes` (item_bytes 1). pdist is by rule (in no section), as child and next are; not so for a custom
 * metric. */
int index_frame_encode(struct base_vector *bytes, const struct index_frame *frame, const struct metric *metric, struct pcct_error *err);
/* Errors: DAMAGED (naming the section), MEMORY. Nothing in `bytes` is trusted. */
int index_frame_decode(struct index_frame *frame, const void *bytes, size_t n_bytes, const struct metric *metric, struct pcct_error *err);

/* The labels that a frame adds and deletes, borrowed from `bytes` (8-byte aligned), each list proved by its own hash: the rest may be unread and
 * unverified. Errors: DAMAGED (naming the section). */
struct index_frame_labels {
    const int64_t *added, *gone;
    size_t n_added, n_gone;
};
int index_frame_labels(struct index_frame_labels *labels, const void *bytes, size_t n_bytes, const struct metric *metric, struct pcct_error *err);

/* Hash of the logical content: ADD (labels, points) and DEL (labels), in node order. Part of the identity of a version. */
int index_frame_content(struct base_hash128 *hash, const struct index_frame *frame, const struct metric *metric, struct pcct_error *err);

#endif
