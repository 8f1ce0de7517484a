/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_WALK_H
#define BLOCK_LAYOUT_WALK_H

#include "block/layout_nodes.h"

/*
 * What the searches share: children that wait to be visited, on an explicit stack. A visited inner node puts at most 15 more than it took, so
 * the stack holds BLOCK_HEIGHT_MAX times that. For this room only.
 */
enum { BLOCK_STACK = BLOCK_HEIGHT_MAX * (METRIC_FANOUT - 1) + 1 };

struct block_waiting {
    double bound;
    uint32_t child;
};

static inline uint64_t block_used_lanes(const struct block_layout *layout, uint32_t block)
{
    return UINT64_MAX >> (METRIC_LANES - block_link_of(layout, block)->count); /* 1 to 64 */
}

static inline uint32_t block_used_slots(const struct block_layout *layout, uint32_t inner)
{
    return (UINT32_C(1) << block_inner(layout, inner)->count) - 1;
}

/* Bounds of the children of an inner node: returns the slots in use that are within the limit; and within their reach. By the filter, or in double
 * precision where the filter cannot tell. */
static inline uint32_t block_open(double bound[METRIC_FANOUT], const struct block_layout *layout, uint32_t inner, const double *q, double limit)
{
    const struct metric *metric = layout->metric;
    const double *frame = block_near_frame(layout, inner);
    const uint32_t used = block_used_slots(layout, inner);

    if (block_is_coarse(layout, inner)) return used & metric->kernels->boxes_exact(bound, block_boxes(layout, inner), q, layout->dim, limit);
    return used & metric->kernels->boxes(bound, block_near_boxes(layout, inner), frame, &metric->filter, q, layout->dim, limit);
}

static inline uint32_t block_open_reaching(double bound[METRIC_FANOUT], const struct block_layout *layout, uint32_t inner, const double *q,
                                           double limit)
{
    const struct metric *metric = layout->metric;
    const double *reach = block_top_reaches(layout, inner), *frame = block_near_frame(layout, inner);
    uint32_t mask = block_used_slots(layout, inner);

    if (!block_is_coarse(layout, inner)) {
        const float *box = block_near_boxes(layout, inner);

        return mask & metric->kernels->boxes_reaching(bound, box, reach, frame, &metric->filter, q, layout->dim, limit);
    }
    mask &= metric->kernels->boxes_exact(bound, block_boxes(layout, inner), q, layout->dim, limit);
    for (uint32_t slot = 0; slot < METRIC_FANOUT; slot++) mask &= ~((uint32_t)(bound[slot] > reach[slot]) << slot);
    return mask;
}

/* Puts the children of the slots in `mask` on the stack, the nearest of them on top and the others as they come. Returns the new count. */
static inline unsigned block_push(struct block_waiting *stack, unsigned count, const struct block_layout *layout, uint32_t inner, const double *bound,
                                  uint32_t mask)
{
    const uint32_t *child = block_children(layout, inner);
    unsigned nearest = count;
    double least = (double)INFINITY;

    if (mask == 0) return count;
    for (; mask != 0; mask &= mask - 1, count++) {
        const int slot = __builtin_ctz(mask);
        const int first = bound[slot] < least;

        stack[count] = (struct block_waiting){ bound[slot], child[slot] };
        if (child[slot] & BLOCK_IS_LEAF) __builtin_prefetch(block_frame(layout, child[slot] & ~BLOCK_IS_LEAF)); /* needed first when it is visited */
        nearest = first ? count : nearest;
        least = first ? bound[slot] : least;
    }
    const struct block_waiting kept = stack[nearest];

    stack[nearest] = stack[count - 1];
    stack[count - 1] = kept;
    return count;
}

/* The slot with the least bound. */
static inline uint32_t block_first_slot(const struct block_layout *layout, uint32_t inner, const double *bound)
{
    const uint32_t count = block_inner(layout, inner)->count;
    uint32_t first = 0;

    for (uint32_t slot = 1; slot < count; slot++) first = bound[slot] < bound[first] ? slot : first;
    return first;
}

#endif
