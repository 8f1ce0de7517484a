/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_sieve.h"
#include "block/layout_views.h"
#include "block/layout_walk.h"

#include <float.h>
#include <math.h>

/*
 * A child whose box lies within the limit with every corner counts as a whole: below it only the numbers of lanes are added up, or, with a sieve,
 * what it knows of slots, and ranks are looked at where a slot has some on each side of the bound. Of other blocks the filter tells for nearly all
 * entries on which side of the limit they are; keys are computed for what is between.
 */
struct counting {
    const struct block_layout *layout;
    const struct block_source *source;
    const struct block_query *query;
    uint64_t count, most;
    struct block_work work;
    uint32_t whole[BLOCK_STACK];         /* inner nodes of which everything is within */
    struct block_waiting stack[BLOCK_STACK];
};

/* No computed key between q and a point of the box is above this: metric_key() of the farthest corner, by the same operations in the same order,
 * each of which is monotone (see metric.h on bounds). */
static double farthest(const struct block_layout *layout, uint32_t inner, uint32_t slot, const double *q)
{
    const double *low = block_boxes(layout, inner) + slot, *high = low + (size_t)layout->dim * METRIC_FANOUT;
    double sum = 0;

    for (uint32_t j = 0; j < layout->dim; j++, low += METRIC_FANOUT, high += METRIC_FANOUT) {
        const double under = fabs(*low - q[j]), over = fabs(*high - q[j]), t = under > over ? under : over;

        switch (layout->metric->sum) {
        case METRIC_SQUARES: sum = sum + t * t; break;
        case METRIC_SIZES: sum = sum + t; break;
        default: sum = t > sum ? t : sum; break;
        }
    }
    return sum;
}

/* What the query is for in a block, wherever it is. */
static uint64_t wanted_lanes(const struct counting *c, uint32_t block)
{
    const uint64_t lanes = block_used_lanes(c->layout, block);

    return c->query->sieve ? lanes & block_sieve_lanes(c->query, block) : lanes;
}

/* Counts what the query is for below a slot, or leaves an inner node in `whole` to be looked into; returns the new number that waits there. */
static unsigned count_slot(struct counting *c, unsigned waiting, uint32_t inner, uint32_t slot)
{
    const struct block_sieve *sieve = c->query->sieve;
    const size_t at = (size_t)inner * METRIC_FANOUT + slot;
    const uint32_t child = block_children(c->layout, inner)[slot];

    if (sieve && (sieve->least[at] >= c->query->below || sieve->most[at] < c->query->below)) {
        c->count += sieve->least[at] < c->query->below ? sieve->number[at] : 0;
    } else if (child & BLOCK_IS_LEAF) {
        c->count += (uint64_t)__builtin_popcountll(wanted_lanes(c, child & ~BLOCK_IS_LEAF));
    } else {
        c->whole[waiting++] = child;
    }
    return waiting;
}

static void count_whole(struct counting *c, uint32_t inner, uint32_t slot)
{
    unsigned waiting = count_slot(c, 0, inner, slot);

    while (waiting > 0 && c->count < c->most) {
        const uint32_t below = c->whole[--waiting];

        c->work.nodes++;
        for (uint32_t i = 0; i < block_inner(c->layout, below)->count; i++) waiting = count_slot(c, waiting, below, i);
    }
}

static void count_block(struct counting *c, uint32_t block)
{
    const struct block_layout *layout = c->layout;
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, block), limit = c->query->limit * metric_unit(metric, frame[0]);
    const double within = (limit - metric->filter.slack) / metric->filter.grow * (1 - 0x1p-22); /* K <= grow f + slack */
    const float sure = (float)fmin(within, (double)FLT_MAX); /* an infinite f says that K is great, not how great */
    _Alignas(64) float value[METRIC_LANES];
    uint64_t mask = wanted_lanes(c, block);

    mask &= metric->kernels->lanes(value, block_lanes(layout, block), frame, c->query->q, layout->dim, metric_filter_limit(metric, limit));
    c->work.blocks++;
    c->work.distances += block_link_of(layout, block)->count;
    for (; mask != 0; mask &= mask - 1) {
        const int lane = __builtin_ctzll(mask);
        const uint32_t node = block_nodes(layout, block)[lane];

        if (value[lane] <= sure) {
            c->count++;
            continue;
        }
        c->count += metric_key(metric, c->query->q, block_source_place(c->source, layout->dim, node)) <= c->query->limit;
        c->work.exact++;
    }
}

/* Puts what has to be looked into on the stack and counts what is within as a whole; returns the new number that waits. */
static unsigned open_inner(struct counting *c, unsigned waiting, uint32_t inner)
{
    _Alignas(64) double bound[METRIC_FANOUT];
    uint32_t slots = block_open(bound, c->layout, inner, c->query->q, c->query->limit), partly = 0;

    c->work.nodes++;
    if (c->query->sieve) slots &= block_sieve_slots(c->query, inner);
    for (uint32_t mask = slots; mask != 0; mask &= mask - 1) {
        const uint32_t slot = (uint32_t)__builtin_ctz(mask);

        if (farthest(c->layout, inner, slot, c->query->q) <= c->query->limit) count_whole(c, inner, slot);
        else partly |= UINT32_C(1) << slot;
    }
    return block_push(c->stack, waiting, c->layout, inner, bound, partly);
}

/* Whether the query would meet the entry that it leaves out. */
static int meets_itself(const struct block_layout *layout, const struct block_source *source, const struct block_query *query)
{
    const uint32_t where = query->self < layout->rows ? block_where(layout)[query->self] : BLOCK_NONE;

    if (where == BLOCK_NONE || (query->sieve && query->sieve->lane[where] >= query->below)) return 0;
    return metric_key(layout->metric, query->q, block_source_place(source, layout->dim, query->self)) <= query->limit;
}

/* A box of views says what is outside of a limit, not what is inside. */
struct seen {
    uint64_t count, most;
};

static int count_seen(void *ctx, uint32_t node, double key)
{
    struct seen *seen = ctx;

    (void)node;
    (void)key;
    return ++seen->count >= seen->most;
}

uint64_t block_count(const struct block_layout *layout, const struct block_source *source, const struct block_query *query, uint64_t most,
                     struct block_work *work)
{
    struct counting c;
    uint64_t own = 0;
    unsigned waiting = 0;

    if (layout->root == BLOCK_NONE || most == 0) return 0;
    if (block_has_views(layout)) {
        struct seen seen = { 0, most };

        block_within(layout, source, query, count_seen, &seen, work);
        return seen.count;
    }
    own = (uint64_t)meets_itself(layout, source, query);
    c.layout = layout;
    c.source = source;
    c.query = query;
    c.count = 0;
    c.most = most < UINT64_MAX ? most + own : most;
    c.work = (struct block_work){ 0, 0, 0, 0 };
    c.stack[waiting++] = (struct block_waiting){ 0, layout->root };
    while (waiting > 0 && c.count < c.most) {
        const uint32_t child = c.stack[--waiting].child;

        if (child & BLOCK_IS_LEAF) count_block(&c, child & ~BLOCK_IS_LEAF);
        else waiting = open_inner(&c, waiting, child);
    }
    block_work_add(work, &c.work);
    return c.count - own < most ? c.count - own : most;
}
