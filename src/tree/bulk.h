/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_BULK_H
#define TREE_BULK_H

#include "tree/settle.h"

/*
 * Building a tree from nothing, scale by scale from the bottom: of the points that are more than 2^scale apart by the rules below it, those that have
 * an earlier eligible one within the next scale find their parent; the others are left for the scale after. The tree is the one of insertion one
 * after the other (docs/algorithm.md), but most points meet a few neighbours only and never search the whole.
 */
struct tree_bulk_pair {
    double key;
    uint32_t at, before;         /* items; before comes earlier in the order */
};
struct tree_bulk {
    struct index_state *state;
    const struct tree_batch *batch;
    struct base_span span;       /* of the whole; up to `done` of it the steps are that were begun */
    double done;
    struct block_source source;  /* entries are nodes, within reach of everything */
    uint32_t *turn;              /* by node: its place in the order */
    uint32_t *left;              /* nodes without a parent yet, near in space where they are near in the list */
    size_t n, n_left;
    int scale;                   /* no node left has an earlier eligible one within 2^scale; METRIC_LEVEL_MIN - 1 at first */
    struct base_vector *pair;    /* struct tree_bulk_pair: one list for each thread; of one step, as what follows */
    struct base_vector grouped;  /* struct tree_pair */
    struct base_arena arena;
};

/* Settles the list into a state without entries if that is worth it, which the points alone decide (or the batch's builder); *taken says whether it
 * was. After a failure, and when it was not, nothing has changed. */
int tree_bulk_settle(int *taken, struct index_state *state, const uint32_t *order, size_t n, const struct tree_batch *batch, struct pcct_error *err);

/*
 * Where to go next, from the nearest neighbours of a sample of the nodes left: scale, the greatest at which an entry has few others within 2^scale
 * on average; spread, over how many scales the samples' nearest neighbours are; sparse = 0 when even the least scale has too many. others: how many
 * there are within 2^scale, next: within 2^(scale + 1), at least.
 */
enum { TREE_BULK_FEW = 8 };
struct tree_outlook {
    int scale, spread, sparse;
    double others, next;
};
int tree_bulk_look(struct tree_outlook *outlook, const struct tree_bulk *bulk, const struct block_layout *layout, struct pcct_error *err);

/*
 * One scale at once: all pairs of nodes left within 2^scale, any number of scales up; layout is over the nodes left. Those settled are written to
 * their rows and leave the list. *over = 1 and nothing changed when there are too many pairs.
 */
int tree_bulk_join(int *over, struct tree_bulk *bulk, const struct block_layout *layout, const struct tree_outlook *outlook, struct pcct_error *err);

/*
 * The next scale, however dense: prefixes of the order, each twice the one before. What an accepted node reaches hangs on one; of the others the
 * earlier of any two within 2^scale is accepted.
 */
int tree_bulk_rounds(struct tree_bulk *bulk, struct pcct_error *err);

/*
 * The items of a layout as a chunk, settled among themselves within 2^scale: items are numbered as they stand in the layout, whose blocks are full.
 * parent is INDEX_NONE for those that stay. *over = 1 and nothing else told when there are too many pairs.
 */
int tree_bulk_resolve(struct tree_chunk *chunk, int *over, struct tree_bulk *bulk, const struct block_layout *layout, int scale,
                      struct pcct_error *err);

/* Writes the row of a node. */
void tree_bulk_seat(const struct tree_bulk *bulk, uint32_t node, uint32_t parent, double key);

/* A layout over nodes that anything may find. */
int tree_bulk_lay_out(struct block_layout *layout, const struct tree_bulk *bulk, const uint32_t *node, size_t n, struct pcct_error *err);

#endif
