/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_PAIRS_H
#define BLOCK_LAYOUT_PAIRS_H

#include "block/layout.h"

/*
 * Self-join for k-NN: the entries of one block ask together. What each finds in its own block limits how far it has to look; one walk with the
 * greatest of these limits lists the blocks that any of them may need, and each looks at the listed boxes alone, 16 at a time, in double precision.
 * That pays where a block's surroundings are small beside what a walk of its own costs, which is so in few dimensions. The scratch of one thread.
 */
enum { BLOCK_PAIRS_DIM = 3, BLOCK_PAIRS_GROUPS = 8, BLOCK_PAIRS_MOST = BLOCK_PAIRS_GROUPS * METRIC_FANOUT };

struct block_pairs {
    const struct block_layout *layout;
    const struct block_source *source;
    size_t k;
    uint32_t block, count;             /* whose entries ask; how many others are near */
    uint32_t near[BLOCK_PAIRS_MOST];
    double limit[METRIC_LANES];        /* by lane: the k-th nearest has at most this key */
    _Alignas(64) double box[BLOCK_PAIRS_GROUPS * 2 * BLOCK_PAIRS_DIM * METRIC_FANOUT]; /* of those near: [groups][2][dim][16] */
};

/* The entries of a block by lane, borrowed; returns how many, 0 for a number that is not in use. */
uint32_t block_pairs_nodes(const uint32_t **node, const struct block_layout *layout, uint32_t block);

/* Begins with a block of a layout of at most BLOCK_PAIRS_DIM dimensions. Returns 0 when its entries had better ask one by one: it has no more than k
 * of them, or more blocks are near than there is room for. layout, source: borrowed until the next. */
int block_pairs_open(struct block_pairs *pairs, const struct block_layout *layout, const struct block_source *source, uint32_t block, size_t k,
                     struct block_work *work);

/* The same as block_knn_filter() for the entry in a lane, which leaves itself out, of the block that was opened. */
void block_pairs_filter(struct block_near *near, const struct block_pairs *pairs, uint32_t lane, struct block_work *work);

#endif
