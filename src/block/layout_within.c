/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_sieve.h"
#include "block/layout_views.h"
#include "block/layout_walk.h"

struct within {
    const struct block_layout *layout;
    const struct block_source *source;
    const struct block_query *query;
    struct block_eye eye;
    block_visitor *visit;
    void *ctx;
    struct block_work work;
};

/* Shows the entries of a block; other than 0 stops. The filter lets through every entry within the limit, and few others; the key decides. */
static int scan_block(struct within *w, uint32_t block)
{
    const struct block_layout *layout = w->layout;
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, block), limit = w->query->limit;
    _Alignas(64) float value[METRIC_LANES];
    uint64_t mask = block_used_lanes(layout, block);

    if (w->query->sieve) mask &= block_sieve_lanes(w->query, block);
    mask &= metric->kernels->lanes(value, block_lanes(layout, block), frame, w->eye.place, layout->dim,
                                   metric_filter_limit(metric, block_eye_limit(&w->eye, limit) * metric_unit(metric, frame[0])));
    w->work.blocks++;
    w->work.distances += block_link_of(layout, block)->count;
    for (; mask != 0; mask &= mask - 1) {
        const uint32_t node = block_nodes(layout, block)[__builtin_ctzll(mask)];
        double key;

        if (!block_eye_may_see(&w->eye, layout, node, limit)) continue;
        key = metric_key(metric, w->query->q, block_source_place(w->source, metric->dim, node));
        w->work.exact++;
        if (key <= limit && node != w->query->self && w->visit(w->ctx, node, key) != 0) return 1;
    }
    return 0;
}

static uint32_t open_inner(double *bound, struct within *w, uint32_t inner)
{
    const struct block_layout *layout = w->layout;
    uint32_t slots = block_open(bound, layout, inner, w->eye.place, block_eye_limit(&w->eye, w->query->limit));

    w->work.nodes++;
    if (w->query->sieve) slots &= block_sieve_slots(w->query, inner);
    return slots;
}

/* In no order worth keeping: the limit does not move. */
void block_within(const struct block_layout *layout, const struct block_source *source, const struct block_query *query, block_visitor *visit,
                  void *ctx, struct block_work *work)
{
    struct within within = { .layout = layout, .source = source, .query = query, .visit = visit, .ctx = ctx };
    struct block_waiting stack[BLOCK_STACK];
    _Alignas(64) double bound[METRIC_FANOUT];
    unsigned count = 0;

    block_eye_open(&within.eye, layout, query->q);
    if (layout->root != BLOCK_NONE) stack[count++] = (struct block_waiting){ 0, layout->root };
    while (count > 0) {
        const uint32_t child = stack[--count].child;

        if (!(child & BLOCK_IS_LEAF)) count = block_push(stack, count, layout, child, bound, open_inner(bound, &within, child));
        else if (scan_block(&within, child & ~BLOCK_IS_LEAF) != 0) break;
    }
    block_work_add(work, &within.work);
}
