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
    int64_t least_label;
    uint32_t child;
};

static inline uint64_t block_used_lanes(const struct block_layout *layout, uint32_t block)
{
    const unsigned count = block_link_of(layout, block)->count;

    return count == METRIC_LANES ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static inline uint32_t block_used_slots(const struct block_layout *layout, uint32_t inner)
{
    return (UINT32_C(1) << block_inner(layout, inner)->count) - 1;
}

/* Nearer first; of equally near ones the one with the lesser label, which is the likelier to close a search among equal points. */
static inline int block_waiting_less(const struct block_waiting *a, const struct block_waiting *b)
{
    return a->bound < b->bound || (a->bound == b->bound && a->least_label < b->least_label);
}

/* Puts the children of the slots in `mask` on the stack, the first of them on top and the others as they come. Returns the new count. */
static inline unsigned block_push(struct block_waiting *stack, unsigned count, const struct block_layout *layout, uint32_t inner, const double *bound,
                                  uint32_t mask)
{
    const int64_t *least = block_least_labels(layout, inner);
    const uint32_t *child = block_children(layout, inner);
    struct block_waiting nearest;

    if (mask == 0) return count;
    nearest = (struct block_waiting){ bound[__builtin_ctz(mask)], least[__builtin_ctz(mask)], child[__builtin_ctz(mask)] };
    for (mask &= mask - 1; mask != 0; mask &= mask - 1) {
        const int slot = __builtin_ctz(mask);
        const struct block_waiting next = { bound[slot], least[slot], child[slot] };
        const int first = block_waiting_less(&next, &nearest);

        stack[count++] = first ? nearest : next;
        if (first) nearest = next;
    }
    stack[count++] = nearest;
    return count;
}

/* The slot to go to first among all that are used. */
static inline uint32_t block_first_slot(const struct block_layout *layout, uint32_t inner, const double *bound)
{
    const int64_t *least = block_least_labels(layout, inner);
    const uint32_t count = block_inner(layout, inner)->count;
    uint32_t first = 0;

    for (uint32_t slot = 1; slot < count; slot++) {
        if (bound[slot] < bound[first] || (bound[slot] == bound[first] && least[slot] < least[first])) first = slot;
    }
    return first;
}

#endif
