/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_NEAR_H
#define BLOCK_LAYOUT_NEAR_H

#include "block/layout_nodes.h"

/*
 * What a k-NN search knows of the entries that it has filtered: filter's values, all in the unit of one frame, that of the block where the search
 * begins. From the k-th least of them follows a limit for values; what is above it is dropped. Which entries are left in the end, about k, is decided
 * by keys in double precision. Few nearest are kept sorted, which gives the limit at once; of many the k-th is selected now and then. For this room
 * only.
 *
 * Blocks in frames of other scales: values are multiplied by a power of two, which keeps all inequalities of the filter but makes the slack of wide
 * frames as much greater. The slack of the query allows for frames that are up to BLOCK_NEAR_WIDER times as wide (in units of keys); of blocks in
 * wider ones, and in ones that are so narrow that floats would not reach, what passes their own filter is compared in double precision and the key,
 * rounded to float, is the value.
 */
#define BLOCK_NEAR_WIDER 0x1p10
#define BLOCK_NEAR_NARROWER 0x1p-20

/* Begins a search for the k nearest of near->query, with room for them, from a block of this scale. */
void block_near_start(struct block_near *near, const struct metric *metric, size_t k, double scale);

/* Takes in the lanes in `wanted` of a block. Returns 0 when there are more entries within the limit than there is room for, which is so among many
 * equal distances only. */
int block_near_scan(struct block_near *near, const struct block_layout *layout, const struct block_source *source, uint32_t block, uint64_t wanted,
                    struct block_work *work);

/* Leaves those entries that can be among the k nearest of all that were scanned, in near->entry, and has memory fetch what decides; or sets
 * near->full. */
void block_near_finish(struct block_near *near, const struct block_layout *layout, const struct block_source *source);

#endif
