/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_pairs.h"

#include "base/error.h"
#include "block/layout_gap.h"
#include "block/layout_near.h"

#include <assert.h>
#include <math.h>

int block_pairs_take(struct block_pairs *pairs, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    TRY(base_take(&pairs->room, env, METRIC_LANES, sizeof *pairs->room, err));
    for (uint32_t lane = 0; lane < METRIC_LANES; lane++) {
        block_near_lend(&pairs->asking[lane], &pairs->room[lane]);
        pairs->found[lane] = &pairs->asking[lane].found;
    }
done:
    return status;
}

void block_pairs_free(struct block_pairs *pairs, const struct base_env *env)
{
    base_free(env, pairs->room);
}

uint32_t block_pairs_nodes(const uint32_t **node, const struct block_layout *layout, uint32_t block)
{
    *node = block_nodes(layout, block);
    return block_link_of(layout, block)->count;
}

/* ---- the block itself --------------------------------------------------------------------------------------------------------------------- */

/* Coordinates of a lane. */
static const double *place_of(const struct block_pairs *pairs, uint32_t lane)
{
    const struct block_layout *layout = pairs->layout;

    if (layout->row_words > 0) return block_row(layout, pairs->block, lane);
    return block_source_place(pairs->source, layout->dim, block_nodes(layout, pairs->block)[lane]);
}

static void start(struct block_pairs *pairs)
{
    const struct block_layout *layout = pairs->layout;
    const uint32_t *node = block_nodes(layout, pairs->block), count = block_link_of(layout, pairs->block)->count, dim = layout->dim;
    const double scale = block_frame(layout, pairs->block)[0];

    for (uint32_t lane = 0; lane < METRIC_LANES; lane++) {
        struct block_near *near = &pairs->asking[lane];
        const double *place = place_of(pairs, lane < count ? lane : 0);

        for (uint32_t j = 0; j < dim; j++) pairs->place[j * METRIC_LANES + lane] = place[j];
        if (lane >= count) continue;
        near->query = (struct block_query){ place, node[lane], (double)INFINITY, NULL, 0 };
        near->self_lane = pairs->block * METRIC_LANES + lane;
        block_near_start(near, layout->metric, pairs->k, scale);
    }
}

/* Leaves no more than there is room for beside what one block can add. */
static void make_room(struct block_pairs *pairs)
{
    for (uint32_t lane = 0; lane < METRIC_LANES; lane++) {
        struct block_near *near = &pairs->asking[lane];

        if (pairs->limit[lane] < 0 || near->found.count + METRIC_LANES <= near->capacity) continue;
        pairs->layout->metric->kernels->near_drop(&near->found);
        if (near->found.count + METRIC_LANES <= near->capacity) continue;
        near->full = 1;
        pairs->limit[lane] = -1;
    }
}

static void look(struct block_pairs *pairs, uint64_t asking, uint32_t block, const float *centre, float unit, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    const uint64_t count = (uint64_t)__builtin_popcountll(asking);

    work->blocks += count;
    work->distances += count * block_link_of(layout, block)->count;
    if (layout->metric->kernels->pair_lanes(pairs->found, pairs->limit, asking, block_lanes(layout, block), centre, layout->dim, unit,
                                            block_used_lanes(layout, block), block * METRIC_LANES) +
            METRIC_LANES > pairs->asking[0].capacity) {
        make_room(pairs);
    }
}

/* ---- the blocks near ---------------------------------------------------------------------------------------------------------------------- */

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
                pairs->near[pairs->count++] = next & ~BLOCK_IS_LEAF;
                __builtin_prefetch(block_frame(layout, next & ~BLOCK_IS_LEAF));
            }
        }
    }
    return 1;
}

/* A block in a frame of which floats do not tell enough. */
static void look_exactly(struct block_pairs *pairs, uint32_t block, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, block), unit = metric_unit(metric, frame[0]);
    _Alignas(64) float limit[METRIC_LANES];
    uint64_t asking;

    for (uint32_t lane = 0; lane < METRIC_LANES; lane++) {
        limit[lane] = pairs->limit[lane] < 0 ? -1 : metric_filter_limit(metric, (double)pairs->limit[lane] / pairs->asking[0].unit * unit);
    }
    asking = metric->kernels->pair_boxes(pairs->centre, pairs->place, layout->dim, frame, limit, 1);
    for (; asking != 0; asking &= asking - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctzll(asking);
        struct block_near *near = &pairs->asking[lane];

        near->full = !block_near_scan(near, layout, pairs->source, block, block_used_lanes(layout, block), work);
        pairs->limit[lane] = near->full ? -1 : near->found.limit;
    }
}

void block_pairs_look(struct block_pairs *pairs, uint32_t i, struct block_work *work)
{
    const struct block_layout *layout = pairs->layout;
    const uint32_t block = pairs->near[i];
    const double *frame = block_frame(layout, block), unit = pairs->asking[0].unit / metric_unit(layout->metric, frame[0]);
    uint64_t asking;

    work->nodes++;
    if (!(unit <= BLOCK_NEAR_WIDER && unit >= BLOCK_NEAR_NARROWER)) {
        look_exactly(pairs, block, work);
        return;
    }
    asking = layout->metric->kernels->pair_boxes(pairs->centre, pairs->place, layout->dim, frame, pairs->limit, 1 / (float)unit);
    if (asking != 0) look(pairs, asking, block, pairs->centre, (float)unit, work);
}

int block_pairs_open(struct block_pairs *pairs, const struct block_layout *layout, const struct block_source *source, uint32_t block, size_t k,
                     struct block_work *work)
{
    const uint32_t count = block_link_of(layout, block)->count;
    float greatest = 0;

    assert(layout->dim <= BLOCK_PAIRS_DIM && count > 0);
    if (count <= k || k > METRIC_SORTED_MAX) return 0;
    pairs->layout = layout;
    pairs->source = source;
    pairs->block = block;
    pairs->k = k;
    start(pairs);
    layout->metric->kernels->pair_own(pairs->found, pairs->limit, block_lanes(layout, block), layout->dim, count, block * METRIC_LANES, k);
    work->blocks += count;
    work->distances += count * count;
    for (uint32_t lane = 0; lane < METRIC_LANES; lane++) greatest = pairs->limit[lane] > greatest ? pairs->limit[lane] : greatest;
    return list_near(pairs, (double)greatest / pairs->asking[0].unit, work);
}

const struct block_near *block_pairs_found(struct block_pairs *pairs, uint32_t lane)
{
    struct block_near *near = &pairs->asking[lane];

    if (!near->full) block_near_finish(near, pairs->layout, pairs->source);
    return near;
}
