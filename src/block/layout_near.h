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

/*
 * A block is looked at, which says what is within the limit, and what was seen is kept, which lowers the limit. Whether there is anything to keep is
 * hard to predict: a search that looks at the next block before it keeps what it saw in the last one need not wait for the answer.
 */
struct block_near_seen {
    _Alignas(64) float value[METRIC_LANES]; /* in the unit of the query, where the mask has a bit */
    uint64_t mask;                          /* of lanes within the limit as it was */
    uint32_t number;                        /* of lane 0 */
};
void block_near_look(struct block_near_seen *seen, const struct block_near *near, const struct block_layout *layout,
                     const struct block_source *source, uint32_t block, uint64_t wanted, struct block_work *work);
/* Nothing is left in `seen`. Returns 0 when there are more entries within the limit than there is room for, which is so among many equal distances
 * only. */
int block_near_keep(struct block_near *near, const struct metric_kernels *kernels, struct block_near_seen *seen);
/* Looks at the lanes in `wanted` of a block and keeps what is seen. */
int block_near_scan(struct block_near *near, const struct block_layout *layout, const struct block_source *source, uint32_t block, uint64_t wanted,
                    struct block_work *work);

/* Leaves those entries that can be among the k nearest of all that were scanned, in near->entry, and has memory fetch what decides; or sets
 * near->full. */
void block_near_finish(struct block_near *near, const struct block_layout *layout, const struct block_source *source);

#endif
