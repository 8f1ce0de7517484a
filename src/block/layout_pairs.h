/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_PAIRS_H
#define BLOCK_LAYOUT_PAIRS_H

#include "block/layout.h"

/*
 * Self-join for k-NN: the entries of one block ask together. What each finds in its own block limits how far it has to look; one walk with the
 * greatest of these limits lists the blocks that any of them may need. These are gone through one after the other: of each, one step tells which of
 * the entries may find something in it, and those compare themselves with its lanes. That pays where a block's surroundings are small beside what a
 * walk of its own costs, which is so in few dimensions. The scratch of one thread.
 */
enum { BLOCK_PAIRS_DIM = METRIC_PAIRS_DIM, BLOCK_PAIRS_MOST = 128 };

struct block_pairs {
    const struct block_layout *layout;
    const struct block_source *source;
    size_t k;
    uint32_t block, count;                      /* whose entries ask; how many others are near */
    uint32_t near[BLOCK_PAIRS_MOST];
    struct block_near asking[METRIC_LANES];     /* by lane */
    struct metric_near *found[METRIC_LANES];    /* of these */
    struct block_near_room *room;               /* [64] */
    _Alignas(64) double place[BLOCK_PAIRS_DIM * METRIC_LANES]; /* [dim][64] */
    _Alignas(64) float centre[BLOCK_PAIRS_DIM * METRIC_LANES]; /* the same as the block at hand sees it */
    _Alignas(64) float limit[METRIC_LANES];     /* in the unit of the block that asks; -1: of no entry, or of one with too many candidates */
};

/* Makes room. Errors: MEMORY. */
int block_pairs_take(struct block_pairs *pairs, const struct base_env *env, struct pcct_error *err);
void block_pairs_free(struct block_pairs *pairs, const struct base_env *env);

/* The entries of a block by lane, borrowed; returns how many, 0 for a number that is not in use. */
uint32_t block_pairs_nodes(const uint32_t **node, const struct block_layout *layout, uint32_t block);

/* Has all entries of a block look for their k nearest but themselves, in a layout of at most BLOCK_PAIRS_DIM dimensions: here they look into their
 * own block, and pairs->count others are near. Returns 0 when they had better ask one by one: the block has no more than k of them, k is above
 * METRIC_SORTED_MAX, or more blocks are near than there is room for. layout, source: borrowed until the next. */
int block_pairs_open(struct block_pairs *pairs, const struct block_layout *layout, const struct block_source *source, uint32_t block, size_t k,
                     struct block_work *work);

/* Has them look into the i-th block near. */
void block_pairs_look(struct block_pairs *pairs, uint32_t i, struct block_work *work);

/* What the entry in a lane found in all of these, to be decided, as after block_knn_filter(). Once for each. */
const struct block_near *block_pairs_found(struct block_pairs *pairs, uint32_t lane);

#endif
