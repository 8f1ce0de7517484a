/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_marks.h"

#include "base/par.h"
#include "block/layout_views.h"
#include "block/layout_walk.h"

#include <assert.h>
#include <math.h>

enum { GRAIN = 256 };

/* The greatest mark of some, and who has it. */
static int is_above(double mark, uint32_t node, const struct block_hit *top)
{
    return mark > top->key || (mark == top->key && node < top->node);
}

static struct block_hit top_of_block(const struct block_marks *marks, const struct block_layout *layout, uint32_t block)
{
    const double *mark = marks->mark + (size_t)block * METRIC_LANES;
    const uint32_t *node = block_nodes(layout, block);
    struct block_hit top = { -(double)INFINITY, BLOCK_NONE };

    for (int lane = 0; lane < METRIC_LANES; lane++) top.key = mark[lane] > top.key ? mark[lane] : top.key;
    if (top.key < 0) return top;
    for (int lane = 0; lane < METRIC_LANES; lane++) {
        if (mark[lane] == top.key && node[lane] < top.node) top.node = node[lane];
    }
    return top;
}

static struct block_hit top_of_inner(const struct block_marks *marks, uint32_t inner)
{
    const double *mark = marks->top + (size_t)inner * METRIC_FANOUT;
    const uint32_t *node = marks->node + (size_t)inner * METRIC_FANOUT;
    struct block_hit top = { -(double)INFINITY, BLOCK_NONE };

    for (int slot = 0; slot < METRIC_FANOUT; slot++) {
        if (is_above(mark[slot], node[slot], &top)) top = (struct block_hit){ mark[slot], node[slot] };
    }
    return top;
}

/* Tells the ancestors of a block its greatest mark, up to the first that learns nothing new. */
static void tell_ancestors(struct block_marks *marks, const struct block_layout *layout, uint32_t block)
{
    const struct block_link *link = block_link_of(layout, block);
    struct block_hit top = top_of_block(marks, layout, block);

    while (link->parent != BLOCK_NONE) {
        const size_t slot = (size_t)link->parent * METRIC_FANOUT + link->slot;

        if (marks->top[slot] == top.key && marks->node[slot] == top.node) return;
        marks->top[slot] = top.key;
        marks->node[slot] = top.node;
        top = top_of_inner(marks, link->parent);
        link = block_inner(layout, link->parent);
    }
}

/* ---- making ------------------------------------------------------------------------------------------------------------------------------- */

struct making {
    struct block_marks *marks;
    const struct block_layout *layout;
    const double *mark;
};

static void mark_lanes(void *ctx, size_t begin, size_t end, int thread)
{
    const struct making *making = ctx;

    (void)thread;
    for (size_t block = begin; block < end; block++) {
        const uint32_t *node = block_nodes(making->layout, (uint32_t)block);
        const int count = block_link_of(making->layout, (uint32_t)block)->count;
        double *mark = making->marks->mark + block * METRIC_LANES;
        float *kept = making->marks->kept + block * METRIC_LANES;

        for (int i = 0; i < METRIC_LANES; i++) {
            mark[i] = i < count ? making->mark[node[i]] : -(double)INFINITY;
            kept[i] = i < count ? block_reach_kept(making->layout, (uint32_t)block, node[i], mark[i]) : -1;
        }
    }
}

static void fill_tops(struct block_marks *marks, const struct block_layout *layout)
{
    const size_t slots = (size_t)layout->inners * METRIC_FANOUT;

    for (size_t slot = 0; slot < slots; slot++) {
        marks->top[slot] = -(double)INFINITY;
        marks->node[slot] = BLOCK_NONE;
    }
    for (uint32_t block = 0; block < layout->blocks; block++) {
        /* on the free list a block's parent is the next free one */
        if (block_link_of(layout, block)->count > 0) tell_ancestors(marks, layout, block);
    }
}

int block_marks_possible(const struct block_layout *layout)
{
    return !block_has_views(layout);
}

int block_marks_make(struct block_marks *marks, const struct block_layout *layout, const double *mark, const struct base_env *env,
                     struct pcct_error *err)
{
    struct making making = { marks, layout, mark };
    const size_t lanes = (size_t)layout->blocks * METRIC_LANES, slots = (size_t)layout->inners * METRIC_FANOUT;
    int status = 0;

    assert(block_marks_possible(layout));
    *marks = (struct block_marks){ NULL, NULL, NULL, NULL };
    TRY(base_take(&marks->mark, env, lanes, sizeof *marks->mark, err));
    TRY(base_take(&marks->kept, env, lanes, sizeof *marks->kept, err));
    TRY(base_take(&marks->top, env, slots, sizeof *marks->top, err));
    TRY(base_take(&marks->node, env, slots, sizeof *marks->node, err));
    base_par_for(env, layout->blocks, GRAIN, mark_lanes, &making);
    fill_tops(marks, layout);
done:
    return status;
}

void block_marks_free(struct block_marks *marks, const struct base_env *env)
{
    base_free(env, marks->mark);
    base_free(env, marks->kept);
    base_free(env, marks->top);
    base_free(env, marks->node);
    *marks = (struct block_marks){ NULL, NULL, NULL, NULL };
}

/* ---- searching ---------------------------------------------------------------------------------------------------------------------------- */

struct search {
    const struct block_marks *marks;
    const struct block_layout *layout;
    const struct block_source *source;
    const double *q;
    struct block_work work;
    struct block_waiting stack[BLOCK_STACK];
    unsigned count;
};

static void start(struct search *search, const struct block_marks *marks, const struct block_layout *layout, const struct block_source *source,
                  const double *q)
{
    search->marks = marks;
    search->layout = layout;
    search->source = source;
    search->q = q;
    search->work = (struct block_work){ 0, 0, 0, 0 };
    search->count = 0;
    if (layout->root != BLOCK_NONE) search->stack[search->count++] = (struct block_waiting){ 0, layout->root };
}

/* Puts the children of an inner node on the stack below which there may be a mark that reaches q. */
static void open_inner(struct search *search, uint32_t inner)
{
    const struct block_layout *layout = search->layout;
    const double *top = search->marks->top + (size_t)inner * METRIC_FANOUT;
    _Alignas(64) double bound[METRIC_FANOUT];
    const uint32_t mask = layout->metric->kernels->boxes_reaching(bound, block_near_boxes(layout, inner), top, block_near_frame(layout, inner),
                                                                  &layout->metric->filter, search->q, layout->dim, (double)INFINITY);

    search->work.nodes++;
    search->count = block_push(search->stack, search->count, layout, inner, bound, mask & block_used_slots(layout, inner));
}

/* The next block on the stack, BLOCK_NONE when there is none, and its lanes whose marks may reach q. */
static uint32_t next_block(uint64_t *lanes, struct search *search)
{
    const struct block_layout *layout = search->layout;
    _Alignas(64) float value[METRIC_LANES];

    while (search->count > 0) {
        const struct block_waiting at = search->stack[--search->count];
        const uint32_t block = at.child & ~BLOCK_IS_LEAF;
        const float *kept = search->marks->kept + (size_t)block * METRIC_LANES;
        const double *frame = block_frame(layout, block);

        if (!(at.child & BLOCK_IS_LEAF)) {
            open_inner(search, at.child);
            continue;
        }
        search->work.blocks++;
        search->work.distances += block_link_of(layout, block)->count;
        *lanes = layout->metric->kernels->lanes_reaching(value, block_lanes(layout, block), kept, frame, search->q, layout->dim, (float)INFINITY,
                                                         (float)(at.bound * metric_unit(layout->metric, frame[0]) * (1 - 0x1p-22))) &
                 block_used_lanes(layout, block);
        return block;
    }
    return BLOCK_NONE;
}

static double key_of_lane(struct search *search, uint32_t block, int lane)
{
    const uint32_t node = block_nodes(search->layout, block)[lane];

    search->work.exact++;
    return metric_key(search->layout->metric, search->q, block_source_place(search->source, search->layout->dim, node));
}

void block_marks_visit(const struct block_marks *marks, const struct block_layout *layout, const struct block_source *source, const double *q,
                       block_visitor *visit, void *ctx, struct block_work *work)
{
    struct search search;
    uint64_t mask = 0;

    start(&search, marks, layout, source, q);
    for (uint32_t block = next_block(&mask, &search); block != BLOCK_NONE; block = next_block(&mask, &search)) {
        for (; mask != 0; mask &= mask - 1) {
            const int lane = __builtin_ctzll(mask);
            const double key = key_of_lane(&search, block, lane);

            if (key <= marks->mark[(size_t)block * METRIC_LANES + (size_t)lane] && visit(ctx, block_nodes(layout, block)[lane], key) != 0) goto done;
        }
    }
done:
    block_work_add(work, &search.work);
}

/* ---- changing ----------------------------------------------------------------------------------------------------------------------------- */

struct block_hit block_marks_top(const struct block_marks *marks, const struct block_layout *layout)
{
    return layout->root == BLOCK_NONE ? (struct block_hit){ -(double)INFINITY, BLOCK_NONE } : top_of_inner(marks, layout->root);
}

void block_marks_drop(struct block_marks *marks, const struct block_layout *layout, uint32_t node)
{
    const uint32_t where = block_where(layout)[node];

    assert(where != BLOCK_NONE);
    marks->mark[where] = -(double)INFINITY;
    marks->kept[where] = -1;
    tell_ancestors(marks, layout, where / METRIC_LANES);
}

/* Lowers the marks of these lanes; returns whether one of them was the block's greatest, so that its ancestors are to be told. */
static int lower_lanes(struct search *search, struct block_marks *marks, uint32_t block, uint64_t mask)
{
    const struct block_layout *layout = search->layout;
    const struct block_link *link = block_link_of(layout, block);
    const uint32_t top = marks->node[(size_t)link->parent * METRIC_FANOUT + link->slot];
    int topped = 0;

    for (; mask != 0; mask &= mask - 1) {
        const int lane = __builtin_ctzll(mask);
        const size_t at = (size_t)block * METRIC_LANES + (size_t)lane;
        const double key = key_of_lane(search, block, lane);

        if (!(key < marks->mark[at])) continue;
        marks->mark[at] = key;
        marks->kept[at] = block_reach_kept(layout, block, block_nodes(layout, block)[lane], key);
        topped |= block_nodes(layout, block)[lane] == top;
    }
    return topped;
}

void block_marks_lower(struct block_marks *marks, const struct block_layout *layout, const struct block_source *source, const double *q,
                       struct block_work *work)
{
    struct search search;
    uint64_t mask = 0;

    start(&search, marks, layout, source, q);
    for (uint32_t block = next_block(&mask, &search); block != BLOCK_NONE; block = next_block(&mask, &search)) {
        if (lower_lanes(&search, marks, block, mask)) tell_ancestors(marks, layout, block);
    }
    block_work_add(work, &search.work);
}
