/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_knn_views.h"
#include "block/layout_near.h"
#include "block/layout_sieve.h"
#include "block/layout_walk.h"

#include <math.h>
#include <string.h>

/*
 * Down to the home block first, keeping the values met on the way; then up again, level by level: what the way left aside and is still near
 * enough is searched before the level above, which is further off. So the limit is tight early and no value is computed twice.
 */
struct step {
    _Alignas(64) float value[METRIC_FANOUT];
    uint32_t inner, slot; /* the slot that was taken */
};

struct filtering {
    const struct block_layout *layout;
    const struct block_source *source;
    const struct metric_kernels *kernels;
    struct block_near *near;
    float slack;                                  /* of values of boxes */
    struct block_work work;
    struct block_near_seen seen[2];               /* in the last block and the one before */
    unsigned turn;                                /* which is the last */
    float bound[BLOCK_STACK + METRIC_FANOUT];     /* a stack of what waits, in the unit of the query */
    uint32_t child[BLOCK_STACK + METRIC_FANOUT];
};

/* ---- by the filter ------------------------------------------------------------------------------------------------------------------------ */

/* Returns the slot that is nearest. */
static uint32_t open_inner(float *value, struct filtering *f, uint32_t inner)
{
    const struct block_layout *layout = f->layout;

    f->work.nodes++;
    return f->kernels->near_boxes(value, block_near_boxes(layout, inner), block_near_frame(layout, inner), f->near->query.q, layout->dim,
                                  block_used_slots(layout, inner));
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
    const uint64_t wanted = wanted_lanes(f->near, f->layout, block);

    return wanted == 0 || block_near_scan(f->near, f->layout, f->source, block, wanted, &f->work);
}

/* What is needed first when a block is visited. */
static void expect_block(const struct block_layout *layout, uint32_t block)
{
    enum { PER_LINE = 8 };
    const double *frame = block_frame(layout, block);

    __builtin_prefetch(frame);
    if (layout->dim >= PER_LINE / 2) __builtin_prefetch(frame + PER_LINE);
    __builtin_prefetch(block_link_of(layout, block));
    __builtin_prefetch(block_lanes(layout, block));
}

/* Puts the children in `slots` that are within the limit on the stack of `count`; returns the new count. Bounds are (value - slack) * times. */
static unsigned put(struct filtering *f, unsigned count, uint32_t inner, const float *value, uint32_t slots, float times, float slack)
{
    const struct block_layout *layout = f->layout;
    const unsigned end = count + f->kernels->near_push(f->bound + count, f->child + count, value, block_children(layout, inner),
                                                       wanted_slots(f->near, inner, slots), times, slack, f->near->found.limit);

    for (unsigned i = count; i < end; i++) {
        if (f->child[i] & BLOCK_IS_LEAF) expect_block(layout, f->child[i] & ~BLOCK_IS_LEAF);
    }
    return end;
}

static unsigned push(struct filtering *f, unsigned count, uint32_t inner, const float *value, uint32_t slots)
{
    const double unit = f->near->unit / metric_unit(f->layout->metric, block_near_frame(f->layout, inner)[0]);
    const float times = (float)(unit < 0x1p100 ? unit : 0x1p100); /* less than it is does no harm to a bound, infinity would */

    return put(f, count, inner, value, slots, times, f->slack);
}

/* The same where values of boxes would not tell them apart (block_is_coarse): by bounds in double precision, which are no more than float's rounding,
 * far less than the limit allows for, from those of the entries below. */
static unsigned push_exactly(struct filtering *f, unsigned count, uint32_t inner, uint32_t slots)
{
    const struct block_layout *layout = f->layout;
    _Alignas(64) double bound[METRIC_FANOUT];
    _Alignas(64) float value[METRIC_FANOUT];

    f->kernels->boxes_exact(bound, block_boxes(layout, inner), f->near->query.q, layout->dim, (double)INFINITY);
    for (int slot = 0; slot < METRIC_FANOUT; slot++) {
        const double scaled = bound[slot] * f->near->unit;

        value[slot] = scaled < 0x1p100 ? (float)scaled : 0x1p100F;
    }
    return put(f, count, inner, value, slots, 1, 0);
}

/* Looks at a block, then keeps what was seen in the one before. */
static int filter_next(struct filtering *f, uint32_t block)
{
    const uint64_t wanted = wanted_lanes(f->near, f->layout, block);
    const unsigned last = f->turn;

    if (wanted == 0) return 1;
    f->turn = !last;
    block_near_look(&f->seen[!last], f->near, f->layout, f->source, block, wanted, &f->work);
    return block_near_keep(f->near, f->kernels, &f->seen[last]);
}

/* Searches what is on the stack. */
static int filter_stack(struct filtering *f, unsigned count)
{
    _Alignas(64) float value[METRIC_FANOUT];

    while (count > 0) {
        const uint32_t child = f->child[--count];

        if (f->bound[count] > f->near->found.limit) continue;
        if (child & BLOCK_IS_LEAF) {
            if (!filter_next(f, child & ~BLOCK_IS_LEAF)) return 0;
            continue;
        }
        if (block_is_coarse(f->layout, child)) {
            f->work.nodes++;
            count = push_exactly(f, count, child, block_used_slots(f->layout, child));
        } else {
            open_inner(value, f, child);
            count = push(f, count, child, value, block_used_slots(f->layout, child));
        }
    }
    return block_near_keep(f->near, f->kernels, &f->seen[f->turn]);
}

/* The nearest child of an inner node, whose values are kept unless the node is coarse. */
static uint32_t first_slot(float *value, struct filtering *f, uint32_t inner)
{
    _Alignas(64) double bound[METRIC_FANOUT];

    if (!block_is_coarse(f->layout, inner)) return open_inner(value, f, inner);
    f->work.nodes++;
    f->kernels->boxes_exact(bound, block_boxes(f->layout, inner), f->near->query.q, f->layout->dim, (double)INFINITY);
    return block_first_slot(f->layout, inner, bound);
}

/* Returns the home block and the way there. */
static uint32_t descend(struct filtering *f, struct step *way, int *levels)
{
    const struct block_layout *layout = f->layout;
    uint32_t at = layout->root;
    int level = 0;

    do {
        struct step *step = &way[level++];

        step->inner = at;
        step->slot = first_slot(step->value, f, at);
        at = block_children(layout, at)[step->slot];
    } while (!(at & BLOCK_IS_LEAF));
    *levels = level;
    return at & ~BLOCK_IS_LEAF;
}

/* Returns 0 when candidates are too many for their room. */
static int filter_all(struct filtering *f, size_t k)
{
    const struct block_layout *layout = f->layout;
    struct step way[BLOCK_HEIGHT_MAX];
    int level = 0;
    const uint32_t home = descend(f, way, &level);

    block_near_start(f->near, layout->metric, k, block_frame(layout, home)[0]);
    if (!filter_block(f, home)) return 0;
    while (level-- > 0) {
        const struct step *step = &way[level];
        const uint32_t others = block_used_slots(layout, step->inner) & ~(UINT32_C(1) << step->slot);

        const unsigned waiting = block_is_coarse(layout, step->inner) ? push_exactly(f, 0, step->inner, others)
                                                                      : push(f, 0, step->inner, step->value, others);

        if (!filter_stack(f, waiting)) return 0;
    }
    return 1;
}

/* Member by member: the caller has just written them so, and a copy of the whole would wait until they have reached the cache. */
static void keep_query(struct block_query *kept, const struct block_query *query)
{
    kept->q = query->q;
    kept->self = query->self;
    kept->limit = query->limit;
    kept->sieve = query->sieve;
    kept->below = query->below;
}

void block_knn_filter(struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                      const struct block_query *query, size_t k, struct block_work *work)
{
    struct filtering f;

    keep_query(&near->query, query);
    if (block_has_views(layout)) return; /* all is decided at once */
    f.layout = layout;
    f.source = source;
    f.kernels = layout->metric->kernels;
    f.near = near;
    f.slack = (float)(layout->metric->filter.slack * (1 + 0x1p-20));
    f.work = (struct block_work){ 0, 0, 0, 0 };
    f.turn = 0;
    f.seen[0].mask = f.seen[1].mask = 0;
    near->self_lane = query->self < layout->rows ? block_where(layout)[query->self] : BLOCK_NONE;
    near->found.count = 0;
    near->full = layout->root != BLOCK_NONE && !filter_all(&f, k);
    if (!near->full && layout->root != BLOCK_NONE) block_near_finish(near, layout, source);
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

/* Whether keys ascend and no two are equal: labels do not decide then. */
static int ascend(const double *key, size_t n)
{
    unsigned so = 1;

    for (size_t i = 1; i < n; i++) so &= key[i - 1] < key[i];
    return (int)so;
}

/* Keys come in the order of the filter's values, which mostly is their own. If not, nearly nothing is moved when they are offered. */
static void compare_all(struct decision *d)
{
    enum { SIDE = BASE_TOPK_SORTED };
    const struct block_layout *layout = d->layout;
    const struct block_near *near = d->near;
    const double *rows = layout->row_words > 0 ? layout->row.data : d->source->place;
    const size_t stride = layout->row_words > 0 ? layout->row_words : layout->dim, all = near->found.count;
    double key[SIDE];
    int64_t label[SIDE];

    for (size_t from = 0; from < all; from += SIDE) {
        const size_t n = all - from < SIDE ? all - from : SIDE;
        const uint32_t *entry = near->entry + from;

        metric_keys(key, layout->metric, near->query.q, rows, stride, entry, n);
        if (layout->row_words > 0) {
            for (size_t i = 0; i < n; i++) memcpy(&label[i], rows + entry[i] * stride + layout->dim, sizeof label[i]);
        } else {
            for (size_t i = 0; i < n; i++) label[i] = block_source_label(d->source, entry[i]);
        }
        if (n == all && d->top->k <= BASE_TOPK_SORTED && key[n - 1] <= near->query.limit && ascend(key, n)) {
            base_topk_offer_sorted(d->top, key, label, n);
            break;
        }
        for (size_t i = 0; i < n; i++) {
            if (key[i] <= near->query.limit) base_topk_offer(d->top, key[i], label[i]);
        }
    }
    d->work.exact += all;
}

void block_knn_decide(struct base_topk *top, const struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                      struct block_work *work)
{
    struct decision decision = { top, near, layout, source, { 0, 0, 0, 0 } };

    if (block_has_views(layout)) {
        block_knn_views(top, layout, source, &near->query, work);
        return;
    }
    if (near->full) search_exactly(&decision);
    else compare_all(&decision);
    block_work_add(work, &decision.work);
}
