/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_pairs.h"

#include "block/layout_gap.h"
#include "block/layout_near.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- how far each entry has to look ------------------------------------------------------------------------------------------------------- */

enum { STEPS = 24 };

static inline uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A number that at least k of the values, none of them negative, do not exceed, and hardly more do. Halving an interval of bits costs no mispredicted
 * branch. It is found by growing steps from `guess`, which is what came out for the entry before, as a rule one near by. */
static double kth_at_most(const double value[METRIC_LANES], size_t k, double guess, const struct metric_kernels *kernels)
{
    const size_t few = k / 8 + 1;
    const uint64_t top = bits_of((double)INFINITY);
    uint64_t low = 0, high = top, middle = bits_of(guess), stride = UINT64_C(1) << 51; /* an eighth to a quarter */

    for (int step = 0; step < STEPS && low < high; step++, stride *= 2) {
        const size_t within = kernels->count_within(value, METRIC_LANES, double_of(middle));

        if (within < k) low = middle + 1;
        else high = middle;
        if (within >= k && within <= k + few) break;
        if (high == top) middle = top - low > stride ? low + stride : top;
        else if (low == 0) middle = high > stride ? high - stride : 0;
        else middle = low + (high - low) / 2;
    }
    return double_of(high);
}

/* For each lane a key that k others of its block do not exceed, by the filter's values; returns the greatest. */
static double limit_lanes(struct block_pairs *pairs, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, pairs->block), per_unit = 1 / metric_unit(metric, frame[0]);
    const uint32_t *node = block_nodes(layout, pairs->block), count = block_link_of(layout, pairs->block)->count;
    _Alignas(64) float value[METRIC_LANES];
    _Alignas(64) double wide[METRIC_LANES];
    double kth = 1, greatest = 0;

    for (uint32_t lane = 0; lane < count; lane++) __builtin_prefetch(block_source_place(pairs->source, layout->dim, node[lane]));
    for (uint32_t lane = 0; lane < count; lane++) {
        metric->kernels->lanes(value, block_lanes(layout, pairs->block), frame, block_source_place(pairs->source, layout->dim, node[lane]),
                               layout->dim, (float)INFINITY);
        for (uint32_t i = 0; i < METRIC_LANES; i++) wide[i] = (double)value[i];
        for (uint32_t i = count; i < METRIC_LANES; i++) wide[i] = (double)INFINITY;
        wide[lane] = (double)INFINITY;
        kth = kth_at_most(wide, pairs->k, kth, metric->kernels);
        pairs->limit[lane] = (metric->filter.grow * kth + metric->filter.slack) * per_unit;
        greatest = pairs->limit[lane] > greatest ? pairs->limit[lane] : greatest;
        work->distances += count;
    }
    work->blocks += count;
    return greatest;
}

/* ---- the blocks near ---------------------------------------------------------------------------------------------------------------------- */

static void add_near(struct block_pairs *pairs, uint32_t block)
{
    const size_t axes = 2 * (size_t)pairs->layout->dim;
    const double *from = block_low(pairs->layout, block); /* greatest sides follow the least */
    double *to = pairs->box + pairs->count / METRIC_FANOUT * axes * METRIC_FANOUT + pairs->count % METRIC_FANOUT;

    for (size_t i = 0; i < axes; i++) to[i * METRIC_FANOUT] = from[i];
    pairs->near[pairs->count++] = block;
}

/* Lists all blocks within the limit but the one that asks; returns 0 when there are more than there is room for. */
static int list_near(struct block_pairs *pairs, double limit, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    uint32_t stack[BLOCK_STACK], waiting = 0;
    double bound[METRIC_FANOUT];

    pairs->count = 0;
    stack[waiting++] = layout->root;
    while (waiting > 0) {
        const uint32_t inner = stack[--waiting], *child = block_children(layout, inner);

        work->nodes++;
        for (uint32_t mask = block_gap_slots(bound, layout, inner, pairs->block, limit); mask != 0; mask &= mask - 1) {
            const uint32_t next = child[__builtin_ctz(mask)];

            if (!(next & BLOCK_IS_LEAF)) {
                stack[waiting++] = next;
            } else if ((next & ~BLOCK_IS_LEAF) != pairs->block) {
                if (pairs->count == BLOCK_PAIRS_MOST) return 0;
                add_near(pairs, next & ~BLOCK_IS_LEAF);
            }
        }
    }
    return 1;
}

uint32_t block_pairs_nodes(const uint32_t **node, const struct block_layout *layout, uint32_t block)
{
    *node = block_nodes(layout, block);
    return block_link_of(layout, block)->count;
}

int block_pairs_open(struct block_pairs *pairs, const struct block_layout *layout, const struct block_source *source, uint32_t block, size_t k,
                     struct block_work *work)
{
    assert(layout->dim <= BLOCK_PAIRS_DIM && block_link_of(layout, block)->count > 0);
    pairs->layout = layout;
    pairs->source = source;
    pairs->block = block;
    pairs->k = k;
    if (block_link_of(layout, block)->count <= k) return 0;
    return list_near(pairs, limit_lanes(pairs, work), work);
}

/* ---- what one entry finds ----------------------------------------------------------------------------------------------------------------- */

static int filter_all(struct block_near *near, const struct block_pairs *pairs, uint32_t lane, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    const uint64_t others = block_used_lanes(layout, pairs->block) & ~(UINT64_C(1) << lane);
    const uint32_t dim = layout->dim;
    _Alignas(64) double bound[METRIC_FANOUT];

    if (!block_near_scan(near, layout, pairs->source, pairs->block, others, work)) return 0;
    for (uint32_t first = 0; first < pairs->count; first += METRIC_FANOUT) {
        const uint32_t left = pairs->count - first;
        const double limit = (double)near->found.limit / near->unit;
        uint32_t slots = layout->metric->kernels->boxes_exact(bound, pairs->box + (size_t)first * 2 * dim, near->query.q, dim, limit);

        work->nodes++;
        if (left < METRIC_FANOUT) slots &= (UINT32_C(1) << left) - 1;
        for (; slots != 0; slots &= slots - 1) {
            const uint32_t slot = (uint32_t)__builtin_ctz(slots), block = pairs->near[first + slot];

            if (bound[slot] > (double)near->found.limit / near->unit) continue;
            if (!block_near_scan(near, layout, pairs->source, block, block_used_lanes(layout, block), work)) return 0;
        }
    }
    return 1;
}

void block_pairs_filter(struct block_near *near, const struct block_pairs *pairs, uint32_t lane, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    const uint32_t node = block_nodes(layout, pairs->block)[lane];

    near->query = (struct block_query){ block_source_place(pairs->source, layout->dim, node), node, pairs->limit[lane], NULL, 0 };
    near->self_lane = pairs->block * METRIC_LANES + lane;
    block_near_start(near, layout->metric, pairs->k, block_frame(layout, pairs->block)[0]);
    near->full = !filter_all(near, pairs, lane, work);
    if (!near->full) block_near_finish(near, layout, pairs->source);
}
