/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

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
    const struct metric_kernels *kernels;
    const double *q;
    struct base_topk *top;
    uint32_t self; /* where the entry to leave out stands; BLOCK_NONE: nowhere */
    struct block_work work;
    struct block_waiting stack[BLOCK_STACK];
};

/* At equal distance an entry still enters if its label is below that of the last one. */
static inline int can_enter(const struct base_topk *top, double key, int64_t label)
{
    return key < top->limit || (key == top->limit && label < top->limit_id);
}

static void scan_block(struct knn *knn, uint32_t block)
{
    const struct block_layout *layout = knn->layout;
    const int64_t *label = block_labels(layout, block);
    _Alignas(64) double key[METRIC_LANES];
    uint64_t mask = knn->kernels->lanes(key, block_lanes(layout, block), knn->q, layout->dim, knn->top->limit) & block_used_lanes(layout, block);

    knn->work.blocks++;
    knn->work.distances += block_link_of(layout, block)->count;
    if (knn->self / METRIC_LANES == block) mask &= ~(UINT64_C(1) << knn->self % METRIC_LANES);
    for (; mask != 0; mask &= mask - 1) {
        const int lane = __builtin_ctzll(mask);

        if (can_enter(knn->top, key[lane], label[lane])) base_topk_offer(knn->top, key[lane], label[lane]);
    }
}

/* Searches what is on the stack. */
static void drain(struct knn *knn, unsigned count)
{
    const struct block_layout *layout = knn->layout;
    _Alignas(64) double bound[METRIC_FANOUT];

    while (count > 0) {
        const struct block_waiting at = knn->stack[--count];
        uint32_t mask;

        if (!can_enter(knn->top, at.bound, at.least_label)) continue;
        if (at.child & BLOCK_IS_LEAF) {
            scan_block(knn, at.child & ~BLOCK_IS_LEAF);
            continue;
        }
        knn->work.nodes++;
        mask = knn->kernels->boxes(bound, block_boxes(layout, at.child), knn->q, layout->dim, knn->top->limit) & block_used_slots(layout, at.child);
        count = block_push(knn->stack, count, layout, at.child, bound, mask);
    }
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

void block_knn(struct base_topk *top, const struct block_layout *layout, const double *q, uint32_t self, struct block_work *work)
{
    struct step way[BLOCK_HEIGHT_MAX];
    struct knn knn;
    int level = 0;

    if (layout->root == BLOCK_NONE) return;
    knn.layout = layout;
    knn.kernels = layout->metric->kernels;
    knn.q = q;
    knn.top = top;
    knn.self = self < layout->rows ? block_where(layout)[self] : BLOCK_NONE;
    knn.work = (struct block_work){ 0, 0, 0 };
    scan_block(&knn, descend(&knn, way, &level));
    while (level-- > 0) {
        const struct step *step = &way[level];
        const uint32_t count = block_inner(layout, step->inner)->count;
        uint32_t mask = 0;

        for (uint32_t slot = 0; slot < count; slot++) mask |= (uint32_t)(step->bound[slot] <= top->limit) << slot;
        drain(&knn, block_push(knn.stack, 0, layout, step->inner, step->bound, mask & ~(UINT32_C(1) << step->slot)));
    }
    work->nodes += knn.work.nodes;
    work->blocks += knn.work.blocks;
    work->distances += knn.work.distances;
}
