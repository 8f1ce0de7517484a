/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_nodes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define DAMAGED(err, ...) base_fail(err, PCCT_E_DAMAGED, "query layout: " __VA_ARGS__)

/* ---- links -------------------------------------------------------------------------------------------------------------------------------- */

static int check_sizes(const struct block_layout *layout, struct pcct_error *err)
{
    struct block_layout copy = *layout; /* block_arrays() hands out what may be written to; nothing is */
    struct block_array array[BLOCK_ARRAYS];

    block_arrays(array, &copy);
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        if (array[i].buffer->capacity / array[i].item_bytes < array[i].items) {
            return DAMAGED(err, "array %s is shorter than its %zu items", array[i].name, array[i].items);
        }
    }
    if (layout->blocks > UINT32_MAX / METRIC_LANES || layout->inners >= BLOCK_IS_LEAF) {
        return DAMAGED(err, "%u blocks and %u inner nodes are too many", (unsigned)layout->blocks, (unsigned)layout->inners);
    }
    if (layout->root == BLOCK_NONE ? layout->entries != 0 : layout->root >= layout->inners) {
        return DAMAGED(err, "the root %u is out of range", (unsigned)layout->root);
    }
    return 0;
}

/* Links of blocks or of inner nodes: those in use are what their parent's slot says; the others are all on the free list, once each. */
static int check_link_array(const struct block_layout *layout, int leaf, struct pcct_error *err)
{
    const struct block_link *link = leaf ? layout->block.data : layout->inner.data;
    const uint32_t items = leaf ? layout->blocks : layout->inners, most = leaf ? METRIC_LANES : METRIC_FANOUT;
    const char *what = leaf ? "block" : "inner node";
    uint32_t unused = 0, listed = 0, at = leaf ? layout->free_block : layout->free_inner;

    for (uint32_t i = 0; i < items; i++) {
        const uint32_t parent = link[i].parent;

        if (link[i].count == 0) {
            unused++;
            continue;
        }
        if (link[i].count > most) return DAMAGED(err, "%s %u has a count of %u", what, (unsigned)i, (unsigned)link[i].count);
        if (!leaf && i == layout->root) {
            if (parent != BLOCK_NONE) return DAMAGED(err, "the root has a parent");
        } else if (parent >= layout->inners || link[i].slot >= METRIC_FANOUT || link[i].slot >= block_inner(layout, parent)->count ||
                   block_children(layout, parent)[link[i].slot] != (leaf ? i | BLOCK_IS_LEAF : i)) {
            return DAMAGED(err, "%s %u is not what slot %u of inner node %u says", what, (unsigned)i, (unsigned)link[i].slot, (unsigned)parent);
        }
    }
    for (; at != BLOCK_NONE && listed <= unused; at = link[at].parent, listed++) { /* a ring would be too long */
        if (at >= items || link[at].count != 0) return DAMAGED(err, "%s %u on the free list is not free", what, (unsigned)at);
    }
    if (listed != unused) return DAMAGED(err, "%u of %u free numbers of the %s kind are on the free list", (unsigned)listed, (unsigned)unused, what);
    return 0;
}

static int check_child(const struct block_layout *layout, uint32_t inner, uint32_t slot, struct pcct_error *err)
{
    const uint32_t child = block_children(layout, inner)[slot], number = child & ~BLOCK_IS_LEAF;
    const struct block_link *link;

    if (number >= (child & BLOCK_IS_LEAF ? layout->blocks : layout->inners)) {
        return DAMAGED(err, "child %u of inner node %u is out of range", (unsigned)slot, (unsigned)inner);
    }
    link = block_child_link(layout, child);
    if (link->parent != inner || link->slot != slot || link->count == 0) {
        return DAMAGED(err, "child %u of inner node %u does not say so", (unsigned)slot, (unsigned)inner);
    }
    return 0;
}

/* Walks from the root, without a stack: every child names its parent and slot, which has been checked, so the way back is known and no node is
 * met twice. What is not met is in use but does not hang at the root. */
static int check_reach_of_root(const struct block_layout *layout, struct pcct_error *err)
{
    uint32_t at = layout->root, slot = 0, met = 1, used = 0;
    int depth = 1, bottom = 0, status = 0;

    for (uint32_t i = 0; i < layout->inners; i++) used += block_inner(layout, i)->count > 0;
    if (at == BLOCK_NONE) return used == 0 ? 0 : DAMAGED(err, "there are inner nodes but no root");
    if (block_inner(layout, at)->count == 0) return DAMAGED(err, "the root is free");
    for (;;) {
        if (slot == block_inner(layout, at)->count) {
            if (at == layout->root) break;
            slot = block_inner(layout, at)->slot + 1u;
            at = block_inner(layout, at)->parent;
            depth--;
            continue;
        }
        TRY(check_child(layout, at, slot, err));
        if (block_children(layout, at)[slot] & BLOCK_IS_LEAF) {
            if (bottom == 0) bottom = depth;
            if (depth != bottom) return DAMAGED(err, "blocks hang at depths %d and %d", bottom, depth);
            slot++;
        } else {
            at = block_children(layout, at)[slot];
            slot = 0;
            met++;
            if (++depth > BLOCK_HEIGHT_MAX) return DAMAGED(err, "it is more than %d levels deep", (int)BLOCK_HEIGHT_MAX);
        }
    }
    if (met != used) return DAMAGED(err, "%u of %u inner nodes hang at the root", (unsigned)met, (unsigned)used);
done:
    return status;
}

static int check_where(const struct block_layout *layout, struct pcct_error *err)
{
    const uint32_t *where = block_where(layout);
    uint64_t lanes = 0, listed = 0;

    for (uint32_t block = 0; block < layout->blocks; block++) {
        const uint32_t count = block_link_of(layout, block)->count, *node = block_nodes(layout, block);

        lanes += count;
        for (uint32_t i = 0; i < count; i++) {
            if (node[i] >= layout->rows || where[node[i]] != block * METRIC_LANES + i) {
                return DAMAGED(err, "T6a: lane %u of block %u holds entry %u, which should not be there", (unsigned)i, (unsigned)block,
                               (unsigned)node[i]);
            }
        }
    }
    for (uint32_t row = 0; row < layout->rows; row++) listed += where[row] != BLOCK_NONE;
    if (lanes != layout->entries) return DAMAGED(err, "%" PRIu64 " lanes hold %" PRIu64 " entries", lanes, layout->entries);
    if (listed != layout->entries) return DAMAGED(err, "%" PRIu64 " rows have places for %" PRIu64 " entries", listed, layout->entries);
    return 0;
}

int block_check_links(const struct block_layout *layout, struct pcct_error *err)
{
    int status = 0;

    TRY(check_sizes(layout, err));
    TRY(check_link_array(layout, 0, err));
    TRY(check_link_array(layout, 1, err));
    TRY(check_reach_of_root(layout, err));
    TRY(check_where(layout, err));
done:
    return status;
}

/* ---- contents ----------------------------------------------------------------------------------------------------------------------------- */

static int check_lane(const struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t lane, struct pcct_error *err)
{
    const uint32_t node = block_nodes(layout, block)[lane];
    const double *x = block_lanes(layout, block) + lane;

    for (uint32_t j = 0; j < layout->dim; j++) {
        if (memcmp(&x[(size_t)j * METRIC_LANES], &source->place[(size_t)node * layout->dim + j], sizeof *x) != 0) {
            return DAMAGED(err, "T6e: entry %u has another coordinate %u in block %u", (unsigned)node, (unsigned)j, (unsigned)block);
        }
    }
    if (block_labels(layout, block)[lane] != (source->label ? source->label[node] : (int64_t)node)) {
        return DAMAGED(err, "T6e: entry %u has label %" PRId64 " in block %u", (unsigned)node, block_labels(layout, block)[lane], (unsigned)block);
    }
    return 0;
}

/* A slot against its child: a lane of a block, or a slot of an inner node. Enclosing is transitive, so checking each slot against the level below
 * checks every ancestor against every entry. */
static int check_slot(const struct block_layout *layout, uint32_t inner, uint32_t slot, struct pcct_error *err)
{
    const uint32_t child = block_children(layout, inner)[slot], number = child & ~BLOCK_IS_LEAF, dim = layout->dim;
    const int leaf = (child & BLOCK_IS_LEAF) != 0;
    const size_t step = leaf ? METRIC_LANES : METRIC_FANOUT;
    const double *low = leaf ? block_lanes(layout, number) : block_boxes(layout, number), *high = leaf ? low : low + (size_t)dim * METRIC_FANOUT;
    const double *reach = leaf ? block_reaches(layout, number) : block_top_reaches(layout, number);
    const int64_t *label = leaf ? block_labels(layout, number) : block_least_labels(layout, number);
    const double *from = block_boxes(layout, inner) + slot, *to = from + (size_t)dim * METRIC_FANOUT;

    for (uint32_t i = 0; i < block_child_link(layout, child)->count; i++) {
        for (uint32_t j = 0; j < dim; j++) {
            if (!(low[j * step + i] >= from[(size_t)j * METRIC_FANOUT] && high[j * step + i] <= to[(size_t)j * METRIC_FANOUT])) {
                return DAMAGED(err, "T6b: the box in slot %u of inner node %u leaves out coordinate %u of %u below", (unsigned)slot, (unsigned)inner,
                               (unsigned)j, (unsigned)i);
            }
        }
        if (!(reach[i] <= block_top_reaches(layout, inner)[slot])) {
            return DAMAGED(err, "T6c: the reach in slot %u of inner node %u is below that of %u below", (unsigned)slot, (unsigned)inner, (unsigned)i);
        }
        if (label[i] < block_least_labels(layout, inner)[slot]) {
            return DAMAGED(err, "T6c: the label in slot %u of inner node %u is above that of %u below", (unsigned)slot, (unsigned)inner, (unsigned)i);
        }
    }
    return 0;
}

/* Entry by entry: in the layout exactly if it should be, with the reach that it should have. */
static int check_entry(const struct block_layout *layout, uint32_t node, double reach, struct pcct_error *err)
{
    const uint32_t at = node < layout->rows ? block_where(layout)[node] : BLOCK_NONE;
    const int wanted = reach != -(double)INFINITY;
    double kept;

    if (wanted != (at != BLOCK_NONE)) return DAMAGED(err, "T6a: entry %u is %s", (unsigned)node, wanted ? "missing" : "there and should not be");
    if (!wanted) return 0;
    kept = block_reaches(layout, at / METRIC_LANES)[at % METRIC_LANES];
    return kept == reach ? 0 : DAMAGED(err, "T6e: entry %u has reach %g instead of %g", (unsigned)node, kept, reach);
}

int block_check(const struct block_layout *layout, const struct block_source *source, double (*reach_of)(const void *ctx, uint32_t node),
                const void *ctx, struct pcct_error *err)
{
    int status = 0;

    TRY(block_check_links(layout, err)); /* T6a: one lane each, by `where` both ways; T6d */
    for (uint32_t node = source->rows; node < layout->rows; node++) TRY(check_entry(layout, node, -(double)INFINITY, err));
    for (uint32_t node = 0; node < source->rows; node++) TRY(check_entry(layout, node, reach_of(ctx, node), err));
    for (uint32_t block = 0; block < layout->blocks; block++) {
        for (uint32_t lane = 0; lane < block_link_of(layout, block)->count; lane++) TRY(check_lane(layout, source, block, lane, err));
    }
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) TRY(check_slot(layout, inner, slot, err));
    }
done:
    return status;
}
