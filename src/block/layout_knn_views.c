/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_knn_views.h"

#include "block/layout_near.h"
#include "block/layout_sieve.h"
#include "block/layout_walk.h"

#include <math.h>

/*
 * Views say what an entry's key is at least, not what it is at most, so the limit comes from keys alone: nearest first, then, the nearest blocks and
 * in each the nearest views. Keys are computed several at a time. Where all that can still enter is as far as the k-th, and that is at no distance,
 * labels close the search; equal points elsewhere are all looked at.
 */
struct seen {
    _Alignas(64) float value[METRIC_LANES]; /* where the mask has a bit */
    uint64_t mask;                          /* of lanes whose views were within the limit */
    uint32_t block;
};

struct looking {
    const struct block_layout *layout;
    const struct block_source *source;
    const struct block_query *query;
    struct base_topk *top;
    uint32_t node[METRIC_KEYS];          /* to be decided next */
    const double *row[METRIC_KEYS];
    unsigned count;
    unsigned turn;                       /* which of `seen` is the last */
    struct seen seen[2];
    struct block_work work;
    const struct block_eye *eye;
    struct block_waiting stack[BLOCK_STACK];
};

/* No key above it can be an answer's. */
static inline double limit_of(const struct looking *looking)
{
    return looking->top->limit < looking->query->limit ? looking->top->limit : looking->query->limit;
}

static void decide(struct looking *looking)
{
    const struct metric *metric = looking->layout->metric;
    double key[METRIC_KEYS];

    metric->kernels->keys(key, looking->eye->q, looking->row, looking->count, metric->dim, limit_of(looking));
    for (unsigned i = 0; i < looking->count; i++) {
        if (key[i] <= looking->query->limit) base_topk_offer(looking->top, key[i], block_source_label(looking->source, looking->node[i]));
    }
    looking->work.exact += looking->count;
    looking->count = 0;
}

static void add(struct looking *looking, uint32_t node)
{
    enum { LINE = 8, LINES = 8 }; /* doubles; what comes next is fetched by itself */
    const uint32_t dim = looking->layout->metric->dim;
    const double *row = block_source_place(looking->source, dim, node);

    for (uint32_t i = 0; i < dim && i < LINE * LINES; i += LINE) __builtin_prefetch(row + i);
    looking->node[looking->count] = node;
    looking->row[looking->count] = row;
    looking->count++;
    if (looking->count == METRIC_KEYS || looking->count + looking->top->count == looking->top->k) decide(looking);
}

/* Lists the lanes of a mask; by ascending value as long as there is no limit to go by. */
static unsigned list_lanes(uint8_t *lane, const float *value, uint64_t mask, int ascending)
{
    unsigned count = 0;

    for (; mask != 0; mask &= mask - 1, count++) {
        const int next = __builtin_ctzll(mask);
        unsigned at = count;

        for (; ascending && at > 0 && value[lane[at - 1]] > value[next]; at--) lane[at] = lane[at - 1];
        lane[at] = (uint8_t)next;
    }
    return count;
}

static void fetch_fine(const struct looking *looking, const uint32_t *node, uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) block_fine_fetch(looking->layout, node[__builtin_ctzll(mask)]);
}

static double unit_of(const struct looking *looking, uint32_t block)
{
    return metric_unit(looking->layout->metric, block_frame(looking->layout, block)[0]);
}

/* Finds the lanes of a block that are within the limit by their views, and has memory fetch what tells more of them. */
static void look_into(struct seen *seen, struct looking *looking, uint32_t block)
{
    const struct block_layout *layout = looking->layout;
    const struct metric *metric = layout->metric;
    const float most = metric_filter_limit(metric, block_eye_limit(looking->eye, limit_of(looking)) * unit_of(looking, block));

    seen->block = block;
    seen->mask = block_used_lanes(layout, block);
    if (looking->query->sieve) seen->mask &= block_sieve_lanes(looking->query, block);
    if (seen->mask == 0) return;
    seen->mask &= metric->kernels->lanes(seen->value, block_lanes(layout, block), block_frame(layout, block), looking->eye->place, layout->dim, most);
    looking->work.blocks++;
    looking->work.distances += block_link_of(layout, block)->count;
    if (looking->eye->fine) fetch_fine(looking, block_nodes(layout, block), seen->mask);
}

/* Decides what was seen in a block, by the limit as it is now. */
static void take(struct looking *looking, struct seen *seen)
{
    const struct block_layout *layout = looking->layout;
    const uint32_t *node = block_nodes(layout, seen->block);
    const double unit = unit_of(looking, seen->block);
    uint8_t lane[METRIC_LANES];
    const unsigned count = list_lanes(lane, seen->value, seen->mask, looking->top->count < looking->top->k);

    seen->mask = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint32_t next = node[lane[i]];
        const double limit = limit_of(looking);

        if (next == looking->query->self) continue;
        if (seen->value[lane[i]] > metric_filter_limit(layout->metric, block_eye_limit(looking->eye, limit) * unit)) continue;
        if (block_eye_may_see(looking->eye, layout, next, limit)) add(looking, next);
    }
}

/* Looks into a block, then decides what was seen in the one before, which has come from memory meanwhile. As long as there is no limit to go by none
 * waits. */
static void visit(struct looking *looking, uint32_t block)
{
    const unsigned last = looking->turn;

    looking->turn = !last;
    look_into(&looking->seen[!last], looking, block);
    if (looking->seen[last].mask != 0) take(looking, &looking->seen[last]);
    if (looking->top->count < looking->top->k) take(looking, &looking->seen[!last]);
}

/* Whether what waits can still enter. At no distance its least label tells, which is known at its parent. */
static int can_enter(const struct looking *looking, const struct block_waiting *at)
{
    const struct block_link *link = block_child_link(looking->layout, at->child);

    if (at->bound > block_eye_limit(looking->eye, limit_of(looking))) return 0;
    if (looking->top->limit > 0 || link->parent == BLOCK_NONE) return 1;
    return block_least_labels(looking->layout, link->parent)[link->slot] < looking->top->limit_id;
}

/* Whether one child is looked into before another: the nearer; of equally near ones the one with the lesser label, which is the likelier to close a
 * search among equal points. */
static inline int is_before(double bound, int64_t label, double other_bound, int64_t other_label)
{
    return bound < other_bound || (bound == other_bound && label < other_label);
}

/* Puts children on the stack, the first on top: what lies beyond a limit that is tight early is never looked into. */
static unsigned push(struct looking *looking, uint32_t inner, const double *bound, uint32_t mask, unsigned waiting)
{
    const uint32_t *child = block_children(looking->layout, inner);
    const int64_t *least = block_least_labels(looking->layout, inner);
    const unsigned first = waiting;
    int64_t label[METRIC_FANOUT];

    for (; mask != 0; mask &= mask - 1, waiting++) {
        const int slot = __builtin_ctz(mask);
        unsigned at = waiting;

        for (; at > first && is_before(looking->stack[at - 1].bound, label[at - 1 - first], bound[slot], least[slot]); at--) {
            looking->stack[at] = looking->stack[at - 1];
            label[at - first] = label[at - 1 - first];
        }
        looking->stack[at] = (struct block_waiting){ bound[slot], child[slot] };
        label[at - first] = least[slot];
        if (child[slot] & BLOCK_IS_LEAF) __builtin_prefetch(block_frame(looking->layout, child[slot] & ~BLOCK_IS_LEAF));
    }
    return waiting;
}

static unsigned open_inner(struct looking *looking, uint32_t inner, unsigned waiting)
{
    const struct block_layout *layout = looking->layout;
    _Alignas(64) double bound[METRIC_FANOUT];
    uint32_t mask = block_open(bound, layout, inner, looking->eye->place, block_eye_limit(looking->eye, limit_of(looking)));

    looking->work.nodes++;
    if (looking->query->sieve) mask &= block_sieve_slots(looking->query, inner);
    return push(looking, inner, bound, mask, waiting);
}

static void start(struct looking *looking, struct base_topk *top, const struct block_layout *layout, const struct block_source *source,
                  const struct block_query *query, const struct block_eye *eye)
{
    looking->layout = layout;
    looking->source = source;
    looking->query = query;
    looking->top = top;
    looking->eye = eye;
    looking->count = 0;
    looking->turn = 0;
    looking->seen[0].mask = looking->seen[1].mask = 0;
    looking->work = (struct block_work){ 0, 0, 0, 0 };
}

void block_knn_views(struct base_topk *top, const struct block_layout *layout, const struct block_source *source, const struct block_query *query,
                     struct block_work *work)
{
    struct looking looking;
    struct block_eye eye;
    unsigned waiting = 0;

    block_eye_open(&eye, layout, query->q);
    start(&looking, top, layout, source, query, &eye);
    if (layout->root != BLOCK_NONE) looking.stack[waiting++] = (struct block_waiting){ 0, layout->root };
    while (waiting > 0) {
        const struct block_waiting at = looking.stack[--waiting];

        if (!can_enter(&looking, &at)) continue;
        if (at.child & BLOCK_IS_LEAF) visit(&looking, at.child & ~BLOCK_IS_LEAF);
        else waiting = open_inner(&looking, at.child, waiting);
    }
    if (looking.seen[looking.turn].mask != 0) take(&looking, &looking.seen[looking.turn]);
    if (looking.count > 0) decide(&looking);
    block_work_add(work, &looking.work);
}

/* ---- by a flat scan ----------------------------------------------------------------------------------------------------------------------- */

/* What a scanned value comes to at most when the key is within the limit: the tail's norm is rounded in both of two. */
static int32_t scanned_limit(const struct looking *looking)
{
    const double fine = sqrt(looking->eye->fine_grow * limit_of(looking) + looking->eye->fine_slack) + 1.01;
    const double limit = fine * fine * (1 + 0x1p-20) + 1;

    return limit < METRIC_FLAT_MOST ? (int32_t)limit : METRIC_FLAT_MOST;
}

/* Decides what was picked whose values are above `from`, by the limit as it is now. */
static void take_picked(struct looking *looking, struct metric_near *found, const uint32_t *order, float from)
{
    enum { AHEAD = 8 };
    const uint32_t *node = looking->layout->node.data;
    float most = (float)scanned_limit(looking);
    unsigned count = looking->count;

    for (size_t i = 0; i < found->count; i++) found->number[i] = node[found->number[i]];
    for (size_t i = 0; i < found->count && i < AHEAD; i++) block_fine_fetch(looking->layout, found->number[order ? order[i] : i]);
    for (size_t i = 0; i < found->count; i++) {
        const size_t at = order ? order[i] : i;

        if (i + AHEAD < found->count) block_fine_fetch(looking->layout, found->number[order ? order[i + AHEAD] : i + AHEAD]);
        if (found->value[at] <= from || found->value[at] > most || found->number[at] == looking->query->self) continue;
        if (!block_eye_may_see(looking->eye, looking->layout, found->number[at], limit_of(looking))) continue;
        add(looking, found->number[at]);
        if (looking->count <= count) most = (float)scanned_limit(looking); /* some have been decided */
        count = looking->count;
    }
    found->count = 0;
}

/* The rows that seem nearest, in that order: all whose value, as a float, is at most what is returned. */
static float take_nearest(struct looking *looking, struct block_flat_some *some, const struct block_flat *flat, size_t i)
{
    enum { TWICE = 2, MORE = 16, SPARE = 128 /* more than rounding a value to float takes */ };
    const struct metric_kernels *kernels = looking->layout->metric->kernels;
    const struct block_flat_seen seen = block_flat_seen_all(some, flat, i);
    struct block_near *near = &some->near[i];
    const float within = block_flat_nearest(near, flat, &seen, TWICE * near->k + MORE);
    struct metric_near *found = &near->found;
    uint32_t order[METRIC_ORDERED_MAX];

    found->count = 0;
    found->limit = within;
    if (!((double)within < METRIC_FLAT_MOST - SPARE)) return -1;
    if (!block_flat_pick(near, flat, &some->rounded[i], &seen, some->hit, (int32_t)within + SPARE)) {
        found->count = 0;
        return -1;
    }
    kernels->near_drop(found);
    if (found->count <= METRIC_ORDERED_MAX) kernels->near_order(order, found->value, found->count);
    take_picked(looking, found, found->count <= METRIC_ORDERED_MAX ? order : NULL, -1);
    return within;
}

void block_knn_views_scanned(struct base_topk *top, struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work)
{
    struct block_flat part = *flat;
    struct block_near *near = &some->near[i];
    struct looking looking;
    const size_t groups = flat->rows.groups, together = near->capacity / METRIC_LANES / 2;
    float from;

    start(&looking, top, flat->layout, flat->source, &near->query, &some->eye[i]);
    from = take_nearest(&looking, some, flat, i);
    for (size_t group = 0; group < groups; group += together) {
        struct block_flat_seen seen = block_flat_seen_all(some, flat, i);

        part.rows.lane = flat->rows.lane + group * part.rows.pairs * METRIC_LANES * 2;
        part.rows.square = flat->rows.square + group * METRIC_LANES;
        part.rows.number = flat->rows.number + group;
        seen.least += group * seen.step;
        seen.count = groups - group < together ? groups - group : together;
        (void)block_flat_pick(near, &part, &some->rounded[i], &seen, some->hit, scanned_limit(&looking)); /* they fit */
        if (near->found.count > near->capacity / 2 - METRIC_LANES || group + together >= groups) take_picked(&looking, &near->found, NULL, from);
    }
    if (looking.count > 0) decide(&looking);
    block_work_add(work, &looking.work);
}
