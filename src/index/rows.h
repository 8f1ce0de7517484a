/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_ROWS_H
#define INDEX_ROWS_H

#include "index/frame.h"

/* Rows: reading, and the one routine through which every change of rows goes. */

static inline struct index_row index_row_get(const struct index_state *s, uint32_t node)
{
    return (struct index_row){ index_radius(s)[node], index_pdist(s)[node], index_parent(s)[node], index_level(s)[node], 0 };
}

/* The row will be read soon: rows that change stand anywhere. */
static inline void index_row_ask(const struct index_state *s, uint32_t node)
{
    __builtin_prefetch(&index_radius(s)[node], 1);
    __builtin_prefetch(&index_pdist(s)[node], 1);
    __builtin_prefetch(&index_parent(s)[node], 1);
    __builtin_prefetch(&index_level(s)[node], 1);
}

static inline void index_row_put(struct index_state *s, uint32_t node, const struct index_row *row)
{
    index_radius(s)[node] = row->radius;
    index_pdist(s)[node] = row->pdist;
    index_parent(s)[node] = row->parent;
    index_level(s)[node] = row->level;
}

static inline int index_row_is_live(const struct index_row *row) { return row->level > 0 || row->level == INDEX_LEVEL_TWIN; }

/* Bytes of one row of an array of the state; 0: an array that states of this metric do not have. */
size_t index_array_bytes(const struct metric *metric, int array);

/* pdist by rule: the inner distance to the parent, 0 without one. */
double index_row_pdist(const struct index_state *state, uint32_t node, uint32_t parent);

/* The key of 2^level for an ordinary live row, +infinity for the root, -1 for a twin. */
double index_row_reach(const struct metric *metric, const struct index_row *row);

/* Level counts, twins and live rows counted anew. */
void index_recount(struct index_state *state);

/*
 * Founds a tree in one go: rows of a state that had no live one hold their parents and levels already, and layout, which has a lane with any reach
 * for each of them and keeps rows, becomes the state's. Counts, root, lists and reaches follow from the rows. Errors: MEMORY; both layouts are then
 * as before.
 */
int index_rows_found(struct index_state *state, struct block_layout *layout, struct pcct_error *err);

/*
 * Moves rows, each named once and below n, from `before`, what they are now, to `after`: arrays, lists, root, counts and layout. Live children of a
 * node that dies, if they are not moved themselves, keep their row and stand in no list. A row whose new parent is dead stands in no list either.
 * Errors: MEMORY; the state is then half changed.
 */
int index_rows_move(struct index_state *state, const struct index_change *moves, size_t n, struct pcct_error *err);
/* The same, where all that become live are rows `first` and above and all others are below: many of them may be laid out apart (block_annex). */
int index_rows_move_apart(struct index_state *state, const struct index_change *moves, size_t n, uint32_t first, struct pcct_error *err);

#endif
