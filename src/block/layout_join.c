/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/error.h"
#include "base/par.h"
#include "block/layout_gap.h"
#include "block/layout_views.h"
#include "block/layout_walk.h"

enum { BLOCKS_AT_ONCE = 4, GROUPS = 32, GROUP_BYTES = 1 << 20 };

struct join {
    const struct block_layout *layout;
    const struct block_source *source;
    double limit;
    block_join_visitor *visit;
    void *ctx;
    struct block_work *work;
    uint32_t groups;     /* that a thread has room for */
    double *box;         /* [threads][groups][2][dim][16]: boxes of blocks near the one at hand */
    uint32_t *near;      /* [threads][groups][16]: which they are */
    uint64_t stopped;
};

/* One thread's work on one block. */
struct joining {
    const struct join *join;
    double *box;
    uint32_t *near;
    uint32_t block, count; /* the block at hand; how many are near */
    double limit;          /* of views, for anything in the block at hand */
    int thread;
    struct block_work work;
};

/* ---- its lanes against blocks ------------------------------------------------------------------------------------------------------------- */

/* Coordinates of a lane. */
static inline const double *place_of(const struct join *join, uint32_t block, uint32_t lane)
{
    return block_source_place(join->source, join->layout->metric->dim, block_nodes(join->layout, block)[lane]);
}

/* The lanes of a block that may be within the limit. */
static uint64_t filter_block(struct joining *at, uint32_t block, const struct block_eye *eye)
{
    const struct block_layout *layout = at->join->layout;
    const double *frame = block_frame(layout, block);
    const float most = metric_filter_limit(layout->metric, block_eye_limit(eye, at->join->limit) * metric_unit(layout->metric, frame[0]));
    _Alignas(64) float value[METRIC_LANES];

    at->work.blocks++;
    at->work.distances += block_link_of(layout, block)->count;
    return layout->metric->kernels->lanes(value, block_lanes(layout, block), frame, eye->place, layout->dim, most) & block_used_lanes(layout, block);
}

/* Shows the pairs of a lane with those in `mask` of another block, or of its own. Returns 1 to stop. */
static int show_pairs(struct joining *at, uint32_t lane, const struct block_eye *eye, uint32_t block, uint64_t mask)
{
    const struct join *join = at->join;

    for (; mask != 0; mask &= mask - 1) {
        const uint32_t other = (uint32_t)__builtin_ctzll(mask);
        double key;

        if (!block_eye_may_see(eye, join->layout, block_nodes(join->layout, block)[other], join->limit)) continue;
        key = metric_key(join->layout->metric, eye->q, place_of(join, block, other));
        at->work.exact++;
        if (key > join->limit) continue;
        if (join->visit(join->ctx, at->thread, at->block * METRIC_LANES + lane, block * METRIC_LANES + other, key) != 0) return 1;
    }
    return 0;
}

/* A lane against the blocks near, in its own block against those after it. */
static int join_lane(struct joining *at, uint32_t lane)
{
    const struct join *join = at->join;
    const struct block_layout *layout = join->layout;
    _Alignas(64) double bound[METRIC_FANOUT];
    struct block_eye eye;
    double limit;

    block_eye_open_entry(&eye, layout, join->source, block_nodes(layout, at->block)[lane]);
    limit = block_eye_limit(&eye, join->limit);
    for (uint32_t first = 0; first < at->count; first += METRIC_FANOUT) {
        uint32_t slots = layout->metric->kernels->boxes_exact(bound, at->box + (size_t)first * 2 * layout->dim, eye.place, layout->dim, limit);

        if (at->count - first < METRIC_FANOUT) slots &= (UINT32_C(1) << (at->count - first)) - 1;
        for (; slots != 0; slots &= slots - 1) {
            const uint32_t block = at->near[first + (uint32_t)__builtin_ctz(slots)];
            uint64_t mask = filter_block(at, block, &eye);

            if (block == at->block) mask &= ~(UINT64_MAX >> (METRIC_LANES - 1 - lane));
            if (show_pairs(at, lane, &eye, block, mask) != 0) return 1;
        }
        at->work.nodes++;
    }
    return 0;
}

/* What is left of the last group gets a box of zeros: whatever stands there else may be slow to reckon with. */
static void fill_group(struct joining *at)
{
    const size_t axes = 2 * (size_t)at->join->layout->dim;
    double *to = at->box + at->count / METRIC_FANOUT * axes * METRIC_FANOUT;

    if (at->count % METRIC_FANOUT == 0) return;
    for (size_t i = 0; i < axes; i++) {
        for (uint32_t slot = at->count % METRIC_FANOUT; slot < METRIC_FANOUT; slot++) to[i * METRIC_FANOUT + slot] = 0;
    }
}

static int join_near(struct joining *at)
{
    const uint32_t count = block_link_of(at->join->layout, at->block)->count;
    int stop = 0;

    fill_group(at);
    for (uint32_t lane = 0; lane < count; lane++) __builtin_prefetch(place_of(at->join, at->block, lane));
    for (uint32_t lane = 0; lane < count && !stop; lane++) stop = join_lane(at, lane);
    at->count = 0;
    return stop;
}

/* Copies a block's box beside those of the others near. */
static void add_near(struct joining *at, uint32_t block)
{
    const size_t axes = 2 * (size_t)at->join->layout->dim;
    const double *from = block_low(at->join->layout, block); /* greatest sides follow the least */
    double *to = at->box + at->count / METRIC_FANOUT * axes * METRIC_FANOUT + at->count % METRIC_FANOUT;

    for (size_t i = 0; i < axes; i++) to[i * METRIC_FANOUT] = from[i];
    at->near[at->count++] = block;
}

/* Whether a lowest inner node has a block of this number or a greater one. */
static int has_later(const struct block_layout *layout, uint32_t inner, uint32_t block)
{
    const uint32_t *child = block_children(layout, inner);
    int later = 0;

    for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) later |= (child[slot] & ~BLOCK_IS_LEAF) >= block;
    return later;
}

/* A block with itself and with those of greater number. Returns 1 to stop. */
static int join_block(struct joining *at)
{
    const struct block_layout *layout = at->join->layout;
    uint32_t stack[BLOCK_STACK], waiting = 0;
    double bound[METRIC_FANOUT];

    at->limit = block_views_limit(layout, block_low(layout, at->block), block_high(layout, at->block), at->join->limit);
    stack[waiting++] = layout->root;
    while (waiting > 0) {
        const uint32_t inner = stack[--waiting], *child = block_children(layout, inner);

        if (child[0] & BLOCK_IS_LEAF && !has_later(layout, inner, at->block)) continue;
        at->work.nodes++;
        for (uint32_t mask = block_gap_slots(bound, layout, inner, at->block, at->limit); mask != 0; mask &= mask - 1) {
            const uint32_t slot = (uint32_t)__builtin_ctz(mask);

            if (!(child[slot] & BLOCK_IS_LEAF)) {
                stack[waiting++] = child[slot];
            } else if ((child[slot] & ~BLOCK_IS_LEAF) >= at->block) {
                add_near(at, child[slot] & ~BLOCK_IS_LEAF);
                if (at->count == at->join->groups * METRIC_FANOUT && join_near(at) != 0) return 1;
            }
        }
    }
    return at->count > 0 && join_near(at) != 0;
}

static void join_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    struct join *join = ctx;
    const size_t places = (size_t)thread * join->groups * METRIC_FANOUT;
    struct joining at = { join, join->box + places * 2 * join->layout->dim, join->near + places, 0, 0, 0, thread, { 0, 0, 0, 0 } };

    for (size_t block = begin; block < end && !base_par_read(&join->stopped); block++) {
        at.block = (uint32_t)block;
        at.count = 0;
        if (block_link_of(join->layout, at.block)->count > 0 && join_block(&at) != 0) base_par_add(&join->stopped, 1);
    }
    block_work_add(&join->work[thread], &at.work);
}

int block_join(const struct block_layout *layout, const struct block_source *source, double limit, block_join_visitor *visit, void *ctx,
               struct block_work *work, struct pcct_error *err)
{
    const size_t group_bytes = 2 * (size_t)layout->dim * METRIC_FANOUT * sizeof(double);
    struct join join = { layout, source, limit, visit, ctx, work, GROUPS, NULL, NULL, 0 };
    size_t groups = 0;
    int status = 0;

    if (layout->root == BLOCK_NONE) return 0;
    if (GROUP_BYTES / group_bytes < GROUPS) join.groups = (uint32_t)(GROUP_BYTES / group_bytes > 0 ? GROUP_BYTES / group_bytes : 1);
    groups = (size_t)base_par_threads(layout->env) * join.groups;
    TRY(base_take(&join.box, layout->env, groups, group_bytes, err));
    TRY(base_take(&join.near, layout->env, groups * METRIC_FANOUT, sizeof *join.near, err));
    base_par_for(layout->env, layout->blocks, BLOCKS_AT_ONCE, join_blocks, &join);
done:
    base_free(layout->env, join.near);
    base_free(layout->env, join.box);
    return status;
}
