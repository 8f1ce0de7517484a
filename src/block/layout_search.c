/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_views.h"
#include "block/layout_walk.h"

#include <math.h>

/*
 * The filter lets through every entry within the limit and the reach, and few others; what it lets through is decided by its key and reach in double
 * precision.
 */
struct search {
    const struct block_layout *layout;
    const struct block_source *source;
    const struct metric_kernels *kernels;
    struct block_eye eye;
    struct block_work work;
    struct block_waiting stack[BLOCK_STACK];
    unsigned count;
};

static void start(struct search *search, const struct block_layout *layout, const struct block_source *source, const double *q)
{
    search->layout = layout;
    search->source = source;
    search->kernels = layout->metric->kernels;
    block_eye_open(&search->eye, layout, q);
    search->work = (struct block_work){ 0, 0, 0, 0 };
    search->count = 0;
    if (layout->root != BLOCK_NONE) search->stack[search->count++] = (struct block_waiting){ 0, layout->root };
}

/* Puts the children of an inner node on the stack whose bounds are within the limit and their reach. */
static void open_inner(struct search *search, uint32_t inner, double limit)
{
    const struct block_layout *layout = search->layout;
    _Alignas(64) double bound[METRIC_FANOUT];
    const uint32_t mask = block_open_reaching(bound, layout, inner, search->eye.place, block_eye_limit(&search->eye, limit));

    search->work.nodes++;
    search->count = block_push(search->stack, search->count, layout, inner, bound, mask);
}

/* Filter's values of a block; returns the lanes that may be within the limit, a key, and their reach. */
static uint64_t scan_block(float *value, struct search *search, uint32_t block, double limit, double bound)
{
    const struct block_layout *layout = search->layout;
    const double *frame = block_frame(layout, block), unit = metric_unit(layout->metric, frame[0]);
    const float most = metric_filter_limit(layout->metric, block_eye_limit(&search->eye, limit) * unit);
    const float least = (float)(bound * unit * (1 - 0x1p-22));

    search->work.blocks++;
    search->work.distances += block_link_of(layout, block)->count;
    return search->kernels->lanes_reaching(value, block_lanes(layout, block), block_reaches(layout, block), frame, search->eye.place, layout->dim,
                                           most, least) & block_used_lanes(layout, block);
}

/* The key of an entry if it is within its reach and the limit, as far as can be seen, else NaN, which is within nothing. */
static double key_within_reach(struct search *search, uint32_t node, double limit)
{
    const struct metric *metric = search->layout->metric;
    double key;

    if (!block_eye_may_see(&search->eye, search->layout, node, limit)) return (double)NAN;
    key = metric_key(metric, search->eye.q, block_source_place(search->source, metric->dim, node));
    search->work.exact++;
    return key <= block_source_reach(search->source, node) ? key : (double)NAN;
}

/* Takes from a block what is better than *best. */
static void nearest_in_block(struct block_hit *best, struct search *search, uint32_t block, double bound, uint32_t self)
{
    const struct metric *metric = search->layout->metric;
    const double unit = metric_unit(metric, block_frame(search->layout, block)[0]);
    _Alignas(64) float value[METRIC_LANES];
    float most = (float)INFINITY;

    for (uint64_t mask = scan_block(value, search, block, best->key, bound); mask != 0; mask &= mask - 1) {
        const int lane = __builtin_ctzll(mask);
        const uint32_t node = block_nodes(search->layout, block)[lane];
        double key;

        if (node == self || value[lane] > most) continue;
        key = key_within_reach(search, node, best->key);
        if (!(key < best->key || (key == best->key && node < best->node))) continue;
        *best = (struct block_hit){ key, node };
        most = metric_filter_limit(metric, block_eye_limit(&search->eye, key) * unit);
    }
}

void block_nearest(struct block_hit *best, const struct block_layout *layout, const struct block_source *source, const double *q, uint32_t self,
                   struct block_work *work)
{
    struct search search;

    start(&search, layout, source, q);
    while (search.count > 0) {
        const struct block_waiting at = search.stack[--search.count];

        if (at.bound > block_eye_limit(&search.eye, best->key)) continue;
        if (at.child & BLOCK_IS_LEAF) nearest_in_block(best, &search, at.child & ~BLOCK_IS_LEAF, at.bound, self);
        else open_inner(&search, at.child, best->key);
    }
    block_work_add(work, &search.work);
}

void block_visit(const struct block_layout *layout, const struct block_source *source, const double *q, double limit, block_visitor *visit, void *ctx,
                 struct block_work *work)
{
    _Alignas(64) float value[METRIC_LANES];
    struct search search;

    start(&search, layout, source, q);
    while (search.count > 0) {
        const struct block_waiting at = search.stack[--search.count];
        const uint32_t block = at.child & ~BLOCK_IS_LEAF;

        if (!(at.child & BLOCK_IS_LEAF)) {
            open_inner(&search, at.child, limit);
            continue;
        }
        for (uint64_t mask = scan_block(value, &search, block, limit, at.bound); mask != 0; mask &= mask - 1) {
            const uint32_t node = block_nodes(layout, block)[__builtin_ctzll(mask)];
            const double key = key_within_reach(&search, node, limit);

            if (key <= limit && visit(ctx, node, key) != 0) goto done;
        }
    }
done:
    block_work_add(work, &search.work);
}
