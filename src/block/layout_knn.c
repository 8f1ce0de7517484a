/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_near.h"
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

struct knn {
    const struct block_layout *layout;
    const struct block_source *source;
    const struct metric_kernels *kernels;
    const double *q;
    struct base_topk *top;
    struct block_near *near;
    uint32_t self; /* where the entry to leave out stands; BLOCK_NONE: nowhere */
    struct block_work work;
    struct block_waiting stack[BLOCK_STACK];
};

static uint64_t wanted_lanes(const struct knn *knn, uint32_t block)
{
    const uint64_t used = block_used_lanes(knn->layout, block);

    return knn->self / METRIC_LANES == block ? used & ~(UINT64_C(1) << knn->self % METRIC_LANES) : used;
}

/* ---- by the filter ------------------------------------------------------------------------------------------------------------------------ */

/* Returns 0 when there is no more room for candidates. */
static int filter_block(struct knn *knn, uint32_t block)
{
    const struct block_layout *layout = knn->layout;
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, block), unit = metric_unit(metric, frame[0]);
    _Alignas(64) float value[METRIC_LANES];
    const uint64_t mask = knn->kernels->lanes(value, block_lanes(layout, block), frame, knn->q, layout->dim,
                                              metric_filter_limit(metric, knn->near->limit * unit)) & wanted_lanes(knn, block);

    knn->work.blocks++;
    knn->work.distances += block_link_of(layout, block)->count;
    return mask == 0 || block_near_offer(knn->near, &metric->filter, 1 / unit, value, block, mask);
}

/* Searches what is on the stack. */
static int filter_stack(struct knn *knn, unsigned count)
{
    const struct block_layout *layout = knn->layout;
    _Alignas(64) double bound[METRIC_FANOUT];

    while (count > 0) {
        const struct block_waiting at = knn->stack[--count];
        uint32_t mask;

        if (at.bound > knn->near->limit) continue;
        if (at.child & BLOCK_IS_LEAF) {
            if (!filter_block(knn, at.child & ~BLOCK_IS_LEAF)) return 0;
            continue;
        }
        knn->work.nodes++;
        mask = knn->kernels->boxes(bound, block_boxes(layout, at.child), knn->q, layout->dim, knn->near->limit) & block_used_slots(layout, at.child);
        count = block_push(knn->stack, count, layout, at.child, bound, mask);
    }
    return 1;
}

/* Returns the home block and the way there. */
static uint32_t descend(struct knn *knn, struct step *way, int *levels)
{
    const struct block_layout *layout = knn->layout;
    uint32_t at = layout->root;
    int level = 0;

    do {
        struct step *step = &way[level++];

        knn->kernels->boxes(step->bound, block_boxes(layout, at), knn->q, layout->dim, (double)INFINITY);
        step->inner = at;
        step->slot = block_first_slot(layout, at, step->bound);
        at = block_children(layout, at)[step->slot];
        knn->work.nodes++;
    } while (!(at & BLOCK_IS_LEAF));
    *levels = level;
    return at & ~BLOCK_IS_LEAF;
}

/* Returns 0 when candidates are too many for their room. */
static int filter_all(struct knn *knn)
{
    struct step way[BLOCK_HEIGHT_MAX];
    int level = 0;

    if (!filter_block(knn, descend(knn, way, &level))) return 0;
    while (level-- > 0) {
        const struct step *step = &way[level];
        const uint32_t count = block_inner(knn->layout, step->inner)->count;
        uint32_t mask = 0;

        for (uint32_t slot = 0; slot < count; slot++) mask |= (uint32_t)(step->bound[slot] <= knn->near->limit) << slot;
        mask &= ~(UINT32_C(1) << step->slot);
        if (!filter_stack(knn, block_push(knn->stack, 0, knn->layout, step->inner, step->bound, mask))) return 0;
    }
    return 1;
}

/* ---- in double precision ------------------------------------------------------------------------------------------------------------------ */

static void offer_lane(struct knn *knn, uint32_t node)
{
    const double key = metric_key(knn->layout->metric, knn->q, block_source_place(knn->source, knn->layout->dim, node));

    knn->work.exact++;
    base_topk_offer(knn->top, key, block_source_label(knn->source, node));
}

/* What the filter has left, about k entries all over memory. */
static void offer_candidates(struct knn *knn)
{
    const struct block_near *near = knn->near;
    const uint32_t *node = knn->layout->node.data;

    for (size_t i = 0; i < near->count; i++) {
        __builtin_prefetch(block_source_place(knn->source, knn->layout->dim, node[near->candidate[i].lane]));
    }
    for (size_t i = 0; i < near->count; i++) offer_lane(knn, node[near->candidate[i].lane]);
}

/* At equal distance an entry still enters if its label is below that of the last one. */
static int can_enter(const struct base_topk *top, double key, int64_t label)
{
    return key < top->limit || (key == top->limit && label < top->limit_id);
}

/* Every block that can hold an answer, every lane of it: where so many distances are equal, or nearly, that labels close the search. */
static void search_exactly(struct knn *knn)
{
    const struct block_layout *layout = knn->layout;
    _Alignas(64) double bound[METRIC_FANOUT];
    unsigned count = 0;

    knn->stack[count++] = (struct block_waiting){ 0, INT64_MIN, layout->root };
    while (count > 0) {
        const struct block_waiting at = knn->stack[--count];
        const uint32_t block = at.child & ~BLOCK_IS_LEAF;
        uint32_t mask;

        if (!can_enter(knn->top, at.bound, at.least_label)) continue;
        if (at.child & BLOCK_IS_LEAF) {
            for (uint64_t lanes = wanted_lanes(knn, block); lanes != 0; lanes &= lanes - 1) {
                offer_lane(knn, block_nodes(layout, block)[__builtin_ctzll(lanes)]);
            }
            knn->work.blocks++;
            continue;
        }
        knn->work.nodes++;
        mask = knn->kernels->boxes(bound, block_boxes(layout, at.child), knn->q, layout->dim, knn->top->limit) & block_used_slots(layout, at.child);
        count = block_push(knn->stack, count, layout, at.child, bound, mask);
    }
}

void block_knn(struct base_topk *top, struct block_near *near, const struct block_layout *layout, const struct block_source *source, const double *q,
               uint32_t self, struct block_work *work)
{
    struct knn knn;

    if (layout->root == BLOCK_NONE) return;
    knn.layout = layout;
    knn.source = source;
    knn.kernels = layout->metric->kernels;
    knn.q = q;
    knn.top = top;
    knn.near = near;
    knn.self = self < layout->rows ? block_where(layout)[self] : BLOCK_NONE;
    knn.work = (struct block_work){ 0, 0, 0, 0 };
    block_near_start(near, top->k);
    if (filter_all(&knn)) {
        block_near_finish(near);
        offer_candidates(&knn);
    } else {
        search_exactly(&knn);
    }
    work->nodes += knn.work.nodes;
    work->blocks += knn.work.blocks;
    work->distances += knn.work.distances;
    work->exact += knn.work.exact;
}
