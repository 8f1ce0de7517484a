/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_near.h"
#include "block/layout_sieve.h"
#include "block/layout_walk.h"

#include <math.h>

/*
 * Down to the home block first, keeping the bounds met on the way; then up again, level by level: what the way left aside and is still near
 * enough is searched before the level above, which is further off. So the limit is tight early and no bound is computed twice.
 */
struct step {
    _Alignas(64) double bound[METRIC_FANOUT];
    uint32_t inner, slot; /* the slot that was taken */
};

struct filtering {
    const struct block_layout *layout;
    const struct metric_kernels *kernels;
    struct block_near *near;
    struct block_work work;
    struct block_waiting stack[BLOCK_STACK];
};

/* ---- by the filter ------------------------------------------------------------------------------------------------------------------------ */

/* Bounds of the children of an inner node; returns those that are used and within the limit. */
static uint32_t open_inner(double *bound, struct filtering *f, uint32_t inner, double limit)
{
    const struct block_layout *layout = f->layout;

    f->work.nodes++;
    return f->kernels->boxes(bound, block_near_boxes(layout, inner), block_near_frame(layout, inner), &layout->metric->filter, f->near->query.q,
                             layout->dim, limit) & block_used_slots(layout, inner);
}

/* Slots below which there is what the query is for. */
static uint32_t wanted_slots(const struct block_near *near, uint32_t inner, uint32_t slots)
{
    return near->query.sieve ? slots & block_sieve_slots(&near->query, inner) : slots;
}

static uint64_t wanted_lanes(const struct block_near *near, const struct block_layout *layout, uint32_t block)
{
    uint64_t lanes = block_used_lanes(layout, block);

    if (near->query.sieve) lanes &= block_sieve_lanes(&near->query, block);
    return near->self_lane / METRIC_LANES == block ? lanes & ~(UINT64_C(1) << near->self_lane % METRIC_LANES) : lanes;
}

/* Returns 0 when there is no more room for candidates. */
static int filter_block(struct filtering *f, uint32_t block)
{
    const struct block_layout *layout = f->layout;
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, block), unit = metric_unit(metric, frame[0]);
    _Alignas(64) float value[METRIC_LANES];
    uint64_t mask = wanted_lanes(f->near, layout, block);

    if (mask == 0) return 1;
    mask &= f->kernels->lanes(value, block_lanes(layout, block), frame, f->near->query.q, layout->dim,
                              metric_filter_limit(metric, f->near->limit * unit));
    f->work.blocks++;
    f->work.distances += block_link_of(layout, block)->count;
    return mask == 0 || block_near_offer(f->near, metric, unit, value, block, mask);
}

/* Searches what is on the stack. */
static int filter_stack(struct filtering *f, unsigned count)
{
    _Alignas(64) double bound[METRIC_FANOUT];

    while (count > 0) {
        const struct block_waiting at = f->stack[--count];
        uint32_t mask;

        if (at.bound > f->near->limit) continue;
        if (at.child & BLOCK_IS_LEAF) {
            if (!filter_block(f, at.child & ~BLOCK_IS_LEAF)) return 0;
            continue;
        }
        mask = wanted_slots(f->near, at.child, open_inner(bound, f, at.child, f->near->limit));
        count = block_push(f->stack, count, f->layout, at.child, bound, mask);
    }
    return 1;
}

/* Returns the home block and the way there. */
static uint32_t descend(struct filtering *f, struct step *way, int *levels)
{
    const struct block_layout *layout = f->layout;
    uint32_t at = layout->root;
    int level = 0;

    do {
        struct step *step = &way[level++];

        open_inner(step->bound, f, at, (double)INFINITY);
        step->inner = at;
        step->slot = block_first_slot(layout, at, step->bound);
        at = block_children(layout, at)[step->slot];
    } while (!(at & BLOCK_IS_LEAF));
    *levels = level;
    return at & ~BLOCK_IS_LEAF;
}

/* Returns 0 when candidates are too many for their room. */
static int filter_all(struct filtering *f)
{
    struct step way[BLOCK_HEIGHT_MAX];
    int level = 0;

    if (!filter_block(f, descend(f, way, &level))) return 0;
    while (level-- > 0) {
        const struct step *step = &way[level];
        const uint32_t count = block_inner(f->layout, step->inner)->count;
        uint32_t mask = 0;

        for (uint32_t slot = 0; slot < count; slot++) mask |= (uint32_t)(step->bound[slot] <= f->near->limit) << slot;
        mask = wanted_slots(f->near, step->inner, mask & ~(UINT32_C(1) << step->slot));
        if (!filter_stack(f, block_push(f->stack, 0, f->layout, step->inner, step->bound, mask))) return 0;
    }
    return 1;
}

void block_knn_filter(struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                      const struct block_query *query, size_t k, struct block_work *work)
{
    const uint32_t *node = layout->node.data;
    struct filtering f;

    f.layout = layout;
    f.kernels = layout->metric->kernels;
    f.near = near;
    f.work = (struct block_work){ 0, 0, 0, 0 };
    block_near_start(near, k, query->limit);
    near->query = *query;
    near->self_lane = query->self < layout->rows ? block_where(layout)[query->self] : BLOCK_NONE;
    near->full = layout->root != BLOCK_NONE && !filter_all(&f);
    if (!near->full) block_near_finish(near, layout->metric);
    for (size_t i = 0; i < near->count; i++) {
        const uint32_t next = node[near->lane[i]];

        __builtin_prefetch(block_source_place(source, layout->dim, next));
        if (source->label) __builtin_prefetch(source->label + next);
    }
    block_work_add(work, &f.work);
}

/* ---- in double precision ------------------------------------------------------------------------------------------------------------------ */

struct decision {
    struct base_topk *top;
    const struct block_near *near;
    const struct block_layout *layout;
    const struct block_source *source;
    struct block_work work;
};

static void offer_lane(struct decision *d, uint32_t node)
{
    const double key = metric_key(d->layout->metric, d->near->query.q, block_source_place(d->source, d->layout->dim, node));

    d->work.exact++;
    if (key <= d->near->query.limit) base_topk_offer(d->top, key, block_source_label(d->source, node));
}

/* At equal distance an entry still enters if its label is below that of the last one. */
static int can_enter(const struct base_topk *top, double key, int64_t label)
{
    return key < top->limit || (key == top->limit && label < top->limit_id);
}

/* What of a visited inner node is still to be searched. */
struct rest {
    _Alignas(64) double bound[METRIC_FANOUT];
    uint32_t inner, mask;
};

/* The child to go to next, and out of the rest: the nearest; of equally near ones the one with the least label, which is the likelier to close a
 * search among equal points. */
static uint32_t take_slot(struct rest *rest, const int64_t *least)
{
    int first = __builtin_ctz(rest->mask);

    for (uint32_t mask = rest->mask & (rest->mask - 1); mask != 0; mask &= mask - 1) {
        const int slot = __builtin_ctz(mask);

        if (rest->bound[slot] < rest->bound[first] || (rest->bound[slot] == rest->bound[first] && least[slot] < least[first])) first = slot;
    }
    rest->mask &= ~(UINT32_C(1) << first);
    return (uint32_t)first;
}

/* Every block that can hold an answer, every lane of it, nearest first by bounds in double precision: where so many distances are equal, or nearly,
 * that labels close the search. */
static void search_exactly(struct decision *d)
{
    const struct block_layout *layout = d->layout;
    struct rest way[BLOCK_HEIGHT_MAX];
    uint32_t at = layout->root;
    int level = 0;

    for (;;) {
        struct rest *rest = &way[level];

        if (at & BLOCK_IS_LEAF) {
            const uint32_t block = at & ~BLOCK_IS_LEAF;

            for (uint64_t lanes = wanted_lanes(d->near, layout, block); lanes != 0; lanes &= lanes - 1) {
                offer_lane(d, block_nodes(layout, block)[__builtin_ctzll(lanes)]);
            }
            d->work.blocks++;
            level--;
        } else {
            d->work.nodes++;
            rest->inner = at;
            rest->mask = layout->metric->kernels->boxes_exact(rest->bound, block_boxes(layout, at), d->near->query.q, layout->dim,
                                                              fmin(d->top->limit, d->near->query.limit)) & block_used_slots(layout, at);
            rest->mask = wanted_slots(d->near, at, rest->mask);
        }
        for (at = BLOCK_NONE; level >= 0 && at == BLOCK_NONE;) {
            rest = &way[level];
            if (rest->mask == 0) {
                level--;
                continue;
            }
            const int64_t *least = block_least_labels(layout, rest->inner);
            const uint32_t slot = take_slot(rest, least);

            if (can_enter(d->top, rest->bound[slot], least[slot])) at = block_children(layout, rest->inner)[slot];
        }
        if (at == BLOCK_NONE) return;
        level++;
    }
}

void block_knn_decide(struct base_topk *top, const struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                      struct block_work *work)
{
    struct decision decision = { top, near, layout, source, { 0, 0, 0, 0 } };

    if (near->full) search_exactly(&decision);
    for (size_t i = 0; !near->full && i < near->count; i++) offer_lane(&decision, ((const uint32_t *)layout->node.data)[near->lane[i]]);
    block_work_add(work, &decision.work);
}
