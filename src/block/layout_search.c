/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_walk.h"

#include <math.h>

struct search {
    const struct block_layout *layout;
    const struct metric_kernels *kernels;
    const double *q;
    struct block_work work;
    struct block_waiting stack[BLOCK_STACK];
    unsigned count;
};

static void start(struct search *search, const struct block_layout *layout, const double *q)
{
    search->layout = layout;
    search->kernels = layout->metric->kernels;
    search->q = q;
    search->work = (struct block_work){ 0, 0, 0 };
    search->count = 0;
    if (layout->root != BLOCK_NONE) search->stack[search->count++] = (struct block_waiting){ 0, 0, layout->root };
}

static void add_work(struct block_work *work, const struct block_work *more)
{
    work->nodes += more->nodes;
    work->blocks += more->blocks;
    work->distances += more->distances;
}

/* Puts the children of an inner node on the stack whose bounds are within the limit and their reach. */
static void open_inner(struct search *search, uint32_t inner, double limit)
{
    const struct block_layout *layout = search->layout;
    _Alignas(64) double bound[METRIC_FANOUT];
    const uint32_t mask = search->kernels->boxes_reaching(bound, block_boxes(layout, inner), block_top_reaches(layout, inner), search->q,
                                                          layout->dim, limit);

    search->work.nodes++;
    search->count = block_push(search->stack, search->count, layout, inner, bound, mask & block_used_slots(layout, inner));
}

/* Keys of a block; returns the lanes within the limit and their reach. */
static uint64_t scan_block(double *key, struct search *search, uint32_t block, double limit)
{
    const struct block_layout *layout = search->layout;

    search->work.blocks++;
    search->work.distances += block_link_of(layout, block)->count;
    return search->kernels->lanes_reaching(key, block_lanes(layout, block), block_reaches(layout, block), search->q, layout->dim, limit) &
           block_used_lanes(layout, block);
}

void block_nearest(struct block_hit *best, const struct block_layout *layout, const double *q, uint32_t self, struct block_work *work)
{
    _Alignas(64) double key[METRIC_LANES];
    struct search search;

    start(&search, layout, q);
    while (search.count > 0) {
        const struct block_waiting at = search.stack[--search.count];
        const uint32_t block = at.child & ~BLOCK_IS_LEAF;
        uint64_t mask;

        if (at.bound > best->key) continue;
        if (!(at.child & BLOCK_IS_LEAF)) {
            open_inner(&search, at.child, best->key);
            continue;
        }
        for (mask = scan_block(key, &search, block, best->key); mask != 0; mask &= mask - 1) {
            const int lane = __builtin_ctzll(mask);
            const uint32_t node = block_nodes(layout, block)[lane];

            if (node != self && (key[lane] < best->key || (key[lane] == best->key && node < best->node))) {
                *best = (struct block_hit){ key[lane], node };
            }
        }
    }
    add_work(work, &search.work);
}

void block_visit(const struct block_layout *layout, const double *q, double limit, block_visitor *visit, void *ctx, struct block_work *work)
{
    _Alignas(64) double key[METRIC_LANES];
    struct search search;

    start(&search, layout, q);
    while (search.count > 0) {
        const struct block_waiting at = search.stack[--search.count];
        const uint32_t block = at.child & ~BLOCK_IS_LEAF;
        uint64_t mask;

        if (!(at.child & BLOCK_IS_LEAF)) {
            open_inner(&search, at.child, limit);
            continue;
        }
        for (mask = scan_block(key, &search, block, limit); mask != 0; mask &= mask - 1) {
            const int lane = __builtin_ctzll(mask);

            if (visit(ctx, block_nodes(layout, block)[lane], key[lane]) != 0) goto done;
        }
    }
done:
    add_work(work, &search.work);
}

uint32_t block_home(const struct block_layout *layout, const double *q)
{
    _Alignas(64) double bound[METRIC_FANOUT];
    uint32_t at = layout->root;

    if (at == BLOCK_NONE) return BLOCK_NONE;
    do {
        layout->metric->kernels->boxes(bound, block_boxes(layout, at), q, layout->dim, (double)INFINITY);
        at = block_children(layout, at)[block_first_slot(layout, at, bound)];
    } while (!(at & BLOCK_IS_LEAF));
    return at & ~BLOCK_IS_LEAF;
}
