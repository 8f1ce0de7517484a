/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_GAP_H
#define BLOCK_LAYOUT_GAP_H

#include "block/layout_walk.h"

/* How far boxes are from each other: a block against the hierarchy. For this room only. */

static inline double block_gap_add(double sum, double t, enum metric_sum how)
{
    if (how == METRIC_SQUARES) return sum + t * t;
    return how == METRIC_SIZES ? sum + t : sum > t ? sum : t;
}

static inline void block_gap_bounds(double bound[METRIC_FANOUT], const double *box, const double *low, const double *high, uint32_t dim,
                                    enum metric_sum how)
{
    const double *top = box + (size_t)dim * METRIC_FANOUT;

    for (int slot = 0; slot < METRIC_FANOUT; slot++) bound[slot] = 0;
    for (uint32_t j = 0; j < dim; j++, box += METRIC_FANOUT, top += METRIC_FANOUT) {
        const double least = low[j], most = high[j];

        for (int slot = 0; slot < METRIC_FANOUT; slot++) {
            const double under = box[slot] - most, over = least - top[slot], gap = under > over ? under : over;

            bound[slot] = block_gap_add(bound[slot], gap > 0 ? gap : 0, how);
        }
    }
}

/*
 * The slots of an inner node within the limit of a block's box. bound: for each a number that no computed key between a point of its box and one of
 * the block's is below: like the bound of a point and a box (metric.h), since the gap between two boxes is no wider than any difference between
 * their points.
 */
static inline uint32_t block_gap_slots(double bound[METRIC_FANOUT], const struct block_layout *layout, uint32_t inner, uint32_t block, double limit)
{
    const double *low = block_low(layout, block), *high = block_high(layout, block), *box = block_boxes(layout, inner);
    uint32_t mask = 0;

    switch (layout->metric->sum) {
    case METRIC_SQUARES: block_gap_bounds(bound, box, low, high, layout->dim, METRIC_SQUARES); break;
    case METRIC_SIZES: block_gap_bounds(bound, box, low, high, layout->dim, METRIC_SIZES); break;
    default: block_gap_bounds(bound, box, low, high, layout->dim, METRIC_GREATEST); break;
    }
    for (int slot = 0; slot < METRIC_FANOUT; slot++) mask |= (uint32_t)(bound[slot] <= limit) << slot;
    return mask & block_used_slots(layout, inner);
}

#endif
