/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_NEAR_H
#define BLOCK_LAYOUT_NEAR_H

#include "block/layout.h"

/*
 * What a k-NN search knows of the entries that it has filtered: for each that may still be among the k nearest, between what its key lies. From the
 * upper ends follows a limit that the k-th key does not exceed; what begins above it is dropped. Which entries are left in the end, about k, is
 * decided by keys in double precision. Few nearest are kept sorted by upper end, which gives the limit at once; of many the k-th is selected now and
 * then. For this room only.
 */

/* Begins a query for the k nearest of those with keys within the limit. */
void block_near_start(struct block_near *near, size_t k, double limit);

/* Takes in the lanes in `mask` of a block by the filter's values, in the unit of the block. Returns 0 when there are more entries within
 * the limit than there is room for, which is so among many equal distances only. */
int block_near_offer(struct block_near *near, const struct metric *metric, double unit, const float *value, uint32_t block, uint64_t mask);

/* Leaves those candidates that can be among the k nearest of all that were offered. */
void block_near_finish(struct block_near *near, const struct metric *metric);

#endif
