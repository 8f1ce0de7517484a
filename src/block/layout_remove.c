/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_split.h"
#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

/*
 * Entry by entry, without memory of its own. Summaries are exact before and after each step, so a step climbs only as far as something changes.
 */
enum {
    THIN_LANES = 48, /* a family with too many blocks has one below that */
    THIN_SPARE = 4,  /* and a quarter more than it needs */
    POOR_CHILDREN = 6,
    UNITED_CHILDREN = 13,
    RECORD_WORDS = sizeof(struct block_record) / sizeof(uint64_t),
    AHEAD = 4,       /* entries stand anywhere: what the next ones need is asked for so many early */
    LINE = 64 / sizeof(double)
};

/* ---- families ----------------------------------------------------------------------------------------------------------------------------- */

/* How many blocks a family, a lowest inner node, would have if it were laid out anew, as long as that is worth it; else 0. */
static uint32_t fewer_blocks(const struct block_layout *layout, uint32_t inner)
{
    const uint32_t count = block_inner(layout, inner)->count;
    uint32_t entries = 0, wanted;

    for (uint32_t slot = 0; slot < count; slot++) entries += block_child_link(layout, block_children(layout, inner)[slot])->count;
    wanted = (entries + BLOCK_PIECE - 1) / BLOCK_PIECE;
    return count > wanted + (wanted + THIN_SPARE - 1) / THIN_SPARE ? wanted : 0;
}

/* Lays a family out anew in some of its blocks. */
static void lay_out_family(struct block_layout *layout, const struct block_source *source, uint32_t inner, uint32_t blocks)
{
    const uint32_t had = block_inner(layout, inner)->count;
    uint64_t memory[METRIC_FANOUT * METRIC_LANES * RECORD_WORDS];
    struct block_records records = { source, (char *)memory, sizeof(struct block_record), layout->dim, 1 };
    struct block_cut cut[METRIC_FANOUT];
    uint32_t number[METRIC_FANOUT];
    size_t count = 0;

    for (uint32_t slot = 0; slot < had; slot++) {
        number[slot] = block_children(layout, inner)[slot] & ~BLOCK_IS_LEAF;
        for (uint32_t lane = 0; lane < block_link_of(layout, number[slot])->count; lane++) {
            block_record_set(&records, count++, block_nodes(layout, number[slot])[lane]);
        }
    }
    block_records_share(cut, layout, &records, 0, count, number, blocks, 1);
    block_clear_inner(layout, inner);
    block_add_slot(layout, inner, number[0] | BLOCK_IS_LEAF);
    for (uint32_t i = 0; i + 1 < blocks; i++) {
        block_divide(layout, inner, block_link_of(layout, number[cut[i].left])->slot, &cut[i].plane, number[cut[i].right] | BLOCK_IS_LEAF);
    }
    block_inner(layout, inner)->size_at_build = (uint32_t)count;
    for (uint32_t i = blocks; i < had; i++) block_give_block(layout, number[i]);
}

/* ---- inner nodes -------------------------------------------------------------------------------------------------------------------------- */

/* Drops an inner node that has no children; returns its parent, BLOCK_NONE if it was the root. */
static uint32_t drop_empty(struct block_layout *layout, uint32_t inner)
{
    const uint32_t parent = block_inner(layout, inner)->parent, slot = block_inner(layout, inner)->slot;

    if (parent == BLOCK_NONE) layout->root = BLOCK_NONE;
    else block_drop_cell(layout, parent, slot);
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

/* Unites an inner node with the one beside it if they are poor; returns whether it did. */
static int unite_poor(struct block_layout *layout, uint32_t inner)
{
    const struct block_link *link = block_inner(layout, inner);
    const uint32_t slot = block_sibling(layout, link->parent, link->slot);
    uint32_t other;

    if (slot == METRIC_FANOUT) return 0;
    other = block_inner(layout, block_children(layout, link->parent)[slot])->count;
    if ((link->count > POOR_CHILDREN && other > POOR_CHILDREN) || link->count + other > UNITED_CHILDREN) return 0;
    block_unite(layout, link->parent, link->slot, slot);
    return 1;
}

/* Puts things right above an inner node that has lost children: drops what is empty, unites what is poor, renews summaries. */
static void tidy(struct block_layout *layout, uint32_t inner)
{
    while (inner != BLOCK_NONE && block_inner(layout, inner)->count == 0) inner = drop_empty(layout, inner);
    if (inner == BLOCK_NONE) return;
    block_climb(layout, inner);
    for (; inner != layout->root; inner = block_inner(layout, inner)->parent) {
        while (unite_poor(layout, inner)) continue;
    }
    lower_root(layout);
}

/* ---- entries ------------------------------------------------------------------------------------------------------------------------------ */

/* Whether an entry decides part of its block's box. */
static int on_edge(const struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t node)
{
    const double *place = block_source_place(source, layout->dim, node), *low = block_low(layout, block), *high = block_high(layout, block);

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
        if (layout->row_words > 0) memcpy(block_row(layout, block, lane), block_row(layout, block, last), layout->row_words * sizeof(double));
    }
    block_clear_lanes(layout, block, last);
}

static void remove_entry(struct block_layout *layout, const struct block_source *source, uint32_t node)
{
    const uint32_t at = block_where(layout)[node], block = at / METRIC_LANES;
    const int label_gone = block_source_label(source, node) <= *block_least(layout, block);
    int changed = label_gone || on_edge(layout, source, block, node);
    const struct block_link link = *block_link_of(layout, block);
    const int reaching = block_reach_told(layout, block, block_reaches(layout, block)[at % METRIC_LANES]) >=
                         block_top_reaches(layout, link.parent)[link.slot];
    uint32_t blocks;

    drop_lane(layout, block, at % METRIC_LANES);
    if (link.count == 1) {
        block_drop_cell(layout, link.parent, link.slot);
        block_give_block(layout, block);
        tidy(layout, link.parent);
        return;
    }
    if (changed) changed = block_shrink(layout, source, block, label_gone);
    if ((changed || reaching) && block_summarise(layout, link.parent, link.slot)) block_climb(layout, link.parent);
    if (link.count > THIN_LANES) return;
    blocks = fewer_blocks(layout, link.parent);
    if (blocks == 0) return;
    lay_out_family(layout, source, link.parent, blocks);
    tidy(layout, link.parent);
}

/* What the removal of an entry looks at first. */
static void ask_for(const struct block_layout *layout, const struct block_source *source, uint32_t node)
{
    const uint32_t at = block_where(layout)[node], block = at / METRIC_LANES, lane = at % METRIC_LANES;
    const double *place = block_source_place(source, layout->dim, node);

    __builtin_prefetch(block_link_of(layout, block));
    __builtin_prefetch(block_least(layout, block));
    __builtin_prefetch(block_nodes(layout, block) + lane, 1);
    __builtin_prefetch(block_reaches(layout, block) + lane, 1);
    for (uint32_t j = 0; j < layout->dim; j++) __builtin_prefetch(block_lanes(layout, block) + (size_t)j * METRIC_LANES + lane, 1);
    for (uint32_t j = 0; j < layout->dim; j += LINE) {
        __builtin_prefetch(place + j);
        __builtin_prefetch(block_low(layout, block) + j);
        __builtin_prefetch(block_high(layout, block) + j);
    }
}

void block_remove(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n)
{
    const struct block_source seen = block_seen(layout, source);

    for (size_t i = 0; i < n; i++) {
        if (n - i > 2 * AHEAD) __builtin_prefetch(block_where(layout) + node[i + 2 * AHEAD], 1);
        if (n - i > AHEAD) ask_for(layout, &seen, node[i + AHEAD]);
        assert(node[i] < layout->rows && block_where(layout)[node[i]] != BLOCK_NONE);
        remove_entry(layout, &seen, node[i]);
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

        *kept = block_reach_kept(layout, block, node[i], block_source_reach(source, node[i]));
        if (block_reach_told(layout, block, *kept) <= top && before < top) continue; /* neither was nor becomes the greatest */
        if (block_summarise(layout, link->parent, link->slot)) block_climb(layout, link->parent);
    }
}
