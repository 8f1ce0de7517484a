/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_nodes.h"

#include <assert.h>

/*
 * Entry by entry, without memory of its own. Summaries are exact before and after each step, so a step climbs only as far as something changes.
 */
enum { POOR_LANES = 16, JOINED_LANES = 48, POOR_CHILDREN = 4, JOINED_CHILDREN = 12 };

/* ---- joining ------------------------------------------------------------------------------------------------------------------------------ */

/* Squared distance between the boxes of two slots. */
static double gap(const struct block_layout *layout, uint32_t inner, uint32_t a, uint32_t b)
{
    const double *low = block_boxes(layout, inner), *high = low + (size_t)layout->dim * METRIC_FANOUT;
    double sum = 0;

    for (uint32_t j = 0; j < layout->dim; j++, low += METRIC_FANOUT, high += METRIC_FANOUT) {
        const double t = low[a] > high[b] ? low[a] - high[b] : low[b] > high[a] ? low[b] - high[a] : 0;

        sum += t * t;
    }
    return sum;
}

static uint64_t label_gap(const struct block_layout *layout, uint32_t inner, uint32_t a, uint32_t b)
{
    const int64_t x = block_least_labels(layout, inner)[a], y = block_least_labels(layout, inner)[b];

    return x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
}

/* The slot whose child lies nearest to that of `slot` (ties by least label) and has room for it within `most`; METRIC_FANOUT if there is none. */
static uint32_t partner_of(const struct block_layout *layout, uint32_t inner, uint32_t slot, uint32_t most)
{
    const uint32_t *child = block_children(layout, inner), count = block_inner(layout, inner)->count;
    uint32_t best = METRIC_FANOUT;
    double best_gap = 0;

    for (uint32_t other = 0; other < count; other++) {
        double g;

        if (other == slot || block_child_link(layout, child[other])->count + block_child_link(layout, child[slot])->count > most) continue;
        g = gap(layout, inner, slot, other);
        if (best < METRIC_FANOUT && g > best_gap) continue;
        if (best < METRIC_FANOUT && g == best_gap && label_gap(layout, inner, slot, other) >= label_gap(layout, inner, slot, best)) continue;
        best = other;
        best_gap = g;
    }
    return best;
}

/* Puts what the child of `slot` holds into the child of `partner` and frees it. */
static void join_children(struct block_layout *layout, const struct block_source *source, uint32_t inner, uint32_t slot, uint32_t partner)
{
    const uint32_t from = block_children(layout, inner)[slot], to = block_children(layout, inner)[partner];

    if (from & BLOCK_IS_LEAF) {
        block_move_lanes(layout, source, to & ~BLOCK_IS_LEAF, from & ~BLOCK_IS_LEAF);
        block_give_block(layout, from & ~BLOCK_IS_LEAF);
    } else {
        block_inner(layout, to)->size_at_build += block_inner(layout, from)->size_at_build;
        while (block_inner(layout, from)->count > 0) block_move_slot(layout, to, from, block_inner(layout, from)->count - 1u);
        block_give_inner(layout, from);
    }
    block_summarise(layout, inner, partner);
    block_drop_slot(layout, inner, slot);
}

/* Joins poor children of `inner` with others. Blocks: until none has a partner; returns BLOCK_NONE. Inner nodes: one pair, all summaries above are
 * made right, and the joined node is returned: blocks below it may have found partners. */
static uint32_t join_poor(struct block_layout *layout, const struct block_source *source, uint32_t inner)
{
    const uint32_t *child = block_children(layout, inner);
    const int leaf = (child[0] & BLOCK_IS_LEAF) != 0;
    uint32_t slot = 0;

    while (slot < block_inner(layout, inner)->count) {
        const int poor = block_child_link(layout, child[slot])->count < (leaf ? POOR_LANES : POOR_CHILDREN);
        const uint32_t partner = poor ? partner_of(layout, inner, slot, leaf ? JOINED_LANES : JOINED_CHILDREN) : METRIC_FANOUT;
        const uint32_t joined = poor && partner < METRIC_FANOUT ? child[partner] : BLOCK_NONE;

        if (joined == BLOCK_NONE) {
            slot++;
            continue;
        }
        join_children(layout, source, inner, slot, partner);
        if (!leaf) {
            block_climb(layout, inner);
            return joined;
        }
        slot = 0;
    }
    return BLOCK_NONE;
}

/* Drops an inner node that has no children; returns its parent, BLOCK_NONE if it was the root. */
static uint32_t drop_empty(struct block_layout *layout, uint32_t inner)
{
    const uint32_t parent = block_inner(layout, inner)->parent, slot = block_inner(layout, inner)->slot;

    if (parent == BLOCK_NONE) layout->root = BLOCK_NONE;
    else block_drop_slot(layout, parent, slot);
    block_give_inner(layout, inner);
    return parent;
}

/* A root with a single inner child gives way to it. */
static void lower_root(struct block_layout *layout)
{
    while (layout->root != BLOCK_NONE && block_inner(layout, layout->root)->count == 1) {
        const uint32_t child = block_children(layout, layout->root)[0];

        if (child & BLOCK_IS_LEAF) return;
        block_give_inner(layout, layout->root);
        layout->root = child;
        block_inner(layout, child)->parent = BLOCK_NONE;
        block_inner(layout, child)->slot = 0;
    }
}

/* Puts things right above a lowest inner node whose slots have changed: joins what is poor, drops what is empty, renews summaries. */
static void tidy(struct block_layout *layout, const struct block_source *source, uint32_t inner)
{
    while (inner != BLOCK_NONE) {
        const struct block_link *link = block_inner(layout, inner);
        uint32_t joined = BLOCK_NONE;

        if (link->count == 0) {
            inner = drop_empty(layout, inner);
            continue;
        }
        joined = join_poor(layout, source, inner);
        if (joined == BLOCK_NONE) {
            if (inner == layout->root) break;
            if (!block_summarise(layout, link->parent, link->slot) && link->count >= POOR_CHILDREN) break;
            joined = link->parent;
        }
        inner = joined;
    }
    lower_root(layout);
}

/* ---- entries ------------------------------------------------------------------------------------------------------------------------------ */

/* Whether an entry decides part of its block's box or the least label. */
static int on_edge(const struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t node)
{
    const double *place = block_source_place(source, layout->dim, node), *low = block_low(layout, block), *high = block_high(layout, block);

    if (block_source_label(source, node) <= *block_least(layout, block)) return 1;
    for (uint32_t j = 0; j < layout->dim; j++) {
        if (place[j] <= low[j] || place[j] >= high[j]) return 1;
    }
    return 0;
}

/* The last lane takes the place of the one that goes. */
static void drop_lane(struct block_layout *layout, uint32_t block, uint32_t lane)
{
    const uint32_t last = --block_link_of(layout, block)->count;
    float *y = block_lanes(layout, block);
    uint32_t *node = block_nodes(layout, block);

    block_where(layout)[node[lane]] = BLOCK_NONE;
    if (lane != last) {
        for (uint32_t j = 0; j < layout->dim; j++) y[(size_t)j * METRIC_LANES + lane] = y[(size_t)j * METRIC_LANES + last];
        block_reaches(layout, block)[lane] = block_reaches(layout, block)[last];
        node[lane] = node[last];
        block_where(layout)[node[lane]] = block * METRIC_LANES + lane;
    }
    block_clear_lanes(layout, block, last);
}

static void remove_entry(struct block_layout *layout, const struct block_source *source, uint32_t node)
{
    const uint32_t at = block_where(layout)[node], block = at / METRIC_LANES;
    int changed = on_edge(layout, source, block, node);
    const struct block_link link = *block_link_of(layout, block);
    const int reaching = block_reach_told(layout, block, block_reaches(layout, block)[at % METRIC_LANES]) >=
                         block_top_reaches(layout, link.parent)[link.slot];

    drop_lane(layout, block, at % METRIC_LANES);
    if (link.count == 1) {
        block_drop_slot(layout, link.parent, link.slot);
        block_give_block(layout, block);
        tidy(layout, source, link.parent);
        return;
    }
    if (changed) changed = block_shrink(layout, source, block);
    if ((changed || reaching) && block_summarise(layout, link.parent, link.slot)) block_climb(layout, link.parent);
    if (link.count <= POOR_LANES) tidy(layout, source, link.parent);
}

void block_remove(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert(node[i] < layout->rows && block_where(layout)[node[i]] != BLOCK_NONE);
        remove_entry(layout, source, node[i]);
    }
    layout->entries -= n;
}

void block_renew_reach(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert(node[i] < layout->rows && block_where(layout)[node[i]] != BLOCK_NONE);
        const uint32_t at = block_where(layout)[node[i]], block = at / METRIC_LANES;
        const struct block_link *link = block_link_of(layout, block);
        float *kept = block_reaches(layout, block) + at % METRIC_LANES;
        const double top = block_top_reaches(layout, link->parent)[link->slot], before = block_reach_told(layout, block, *kept);

        *kept = block_reach_kept(layout, block, block_source_reach(source, node[i]));
        if (block_reach_told(layout, block, *kept) <= top && before < top) continue; /* neither was nor becomes the greatest */
        if (block_summarise(layout, link->parent, link->slot)) block_climb(layout, link->parent);
    }
}
