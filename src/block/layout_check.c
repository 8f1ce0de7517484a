/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_cells.h"
#include "block/layout_views.h"

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
        if (array[i].item_bytes > 0 && array[i].buffer->capacity / array[i].item_bytes < array[i].items) {
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

/* Planes: each but plane 0, and each slot, is one side of one plane, and all are met from plane 0 on; so they are a tree. */
static int check_planes(const struct block_layout *layout, uint32_t inner, struct pcct_error *err)
{
    const struct block_plane *plane = block_planes(layout, inner);
    const uint32_t count = block_inner(layout, inner)->count;
    uint32_t waiting = count > 1, met = 0, slots = 0; /* sets: planes known but not looked at, planes known, slots known */

    for (met = waiting; waiting != 0;) {
        const uint32_t i = (uint32_t)__builtin_ctz(waiting);

        waiting &= waiting - 1;
        if (plane[i].axis >= layout->dim && plane[i].axis != BLOCK_BY_NUMBER) {
            return DAMAGED(err, "plane %u of inner node %u has axis %u", (unsigned)i, (unsigned)inner, (unsigned)plane[i].axis);
        }
        for (int right = 0; right < 2; right++) {
            const uint32_t side = right ? plane[i].right : plane[i].left, at = side & ~(uint32_t)BLOCK_CELL;
            uint32_t *known = side & BLOCK_CELL ? &slots : &met;

            if (at >= (side & BLOCK_CELL ? count : count - 1) || *known >> at & 1) {
                return DAMAGED(err, "plane %u of inner node %u leads to %u", (unsigned)i, (unsigned)inner, (unsigned)side);
            }
            *known |= UINT32_C(1) << at;
            if (!(side & BLOCK_CELL)) waiting |= UINT32_C(1) << at;
        }
    }
    return count < 2 || slots == (UINT32_C(1) << count) - 1 ? 0 : DAMAGED(err, "inner node %u has slots without a cell", (unsigned)inner);
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

int block_shape_check(const struct block_shape *shape, const struct metric *metric, struct pcct_error *err)
{
    if (shape->dim == metric->dim && shape->fine == 0) return 0;
    if (metric->sum == METRIC_SQUARES && shape->dim >= 2 && shape->dim <= BLOCK_VIEW_MAX && shape->dim < metric->dim &&
        (shape->fine == 0 || (shape->fine > shape->dim && shape->fine <= BLOCK_FINE_MAX && shape->fine <= metric->dim && shape->fine % 16 == 0))) {
        return 0;
    }
    return DAMAGED(err, "views of %u and %u numbers do not belong to %u dimensions", (unsigned)shape->dim, (unsigned)shape->fine,
                   (unsigned)metric->dim);
}

/* Whether `scale` may be a block's. */
static int good_scale(double scale)
{
    int exponent = 0;

    return scale > 0 && scale <= METRIC_SCALE_MAX && frexp(scale, &exponent) == 0.5;
}

/* What frames and boxes are made anew from when entries come and go: numbers that points, rotated ones too, can have, and no others. */
static int good_box(const double *low, const double *high, size_t stride, uint32_t dim)
{
    const double most = METRIC_COORDINATE_LIMIT * METRIC_DIM_MAX;

    for (size_t j = 0; j < dim; j++) {
        if (!(low[j * stride] >= -most && high[j * stride] <= most && low[j * stride] <= high[j * stride])) return 0;
    }
    return 1;
}

static int check_boxes(const struct block_layout *layout, struct pcct_error *err)
{
    for (uint32_t block = 0; block < layout->blocks; block++) {
        const double scale = block_frame(layout, block)[0];

        if (block_link_of(layout, block)->count == 0) continue;
        if (!good_scale(scale)) return DAMAGED(err, "T6e: block %u has the scale %g", (unsigned)block, scale);
        if (good_box(block_low(layout, block), block_high(layout, block), 1, layout->dim)) continue;
        return DAMAGED(err, "T6b: the box of block %u is none that points can have", (unsigned)block);
    }
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        const double *low = block_boxes(layout, inner), *high = low + (size_t)layout->dim * METRIC_FANOUT;

        for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) {
            if (good_box(low + slot, high + slot, METRIC_FANOUT, layout->dim)) continue;
            return DAMAGED(err, "T6b: the box in slot %u of inner node %u is none that points can have", (unsigned)slot, (unsigned)inner);
        }
    }
    return 0;
}

int block_check_links(const struct block_layout *layout, struct pcct_error *err)
{
    int status = 0;

    TRY(check_sizes(layout, err));
    TRY(block_views_check_basis(layout, err));
    TRY(check_link_array(layout, 0, err));
    TRY(check_link_array(layout, 1, err));
    TRY(check_reach_of_root(layout, err));
    for (uint32_t inner = 0; inner < layout->inners; inner++) TRY(check_planes(layout, inner, err));
    TRY(check_where(layout, err));
    TRY(check_boxes(layout, err));
done:
    return status;
}

/* ---- contents ----------------------------------------------------------------------------------------------------------------------------- */

static int check_lane(const struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t lane, struct pcct_error *err)
{
    const uint32_t node = block_nodes(layout, block)[lane];
    const double *frame = block_frame(layout, block), *low = block_low(layout, block), *high = block_high(layout, block);
    const double *place = block_source_place(source, layout->dim, node);
    const float *y = block_lanes(layout, block) + lane, kept = block_reaches(layout, block)[lane];

    for (uint32_t j = 0; j < layout->dim; j++) {
        const float wanted = block_framed(frame, j, place[j]);

        if (!(place[j] >= low[j] && place[j] <= high[j])) {
            return DAMAGED(err, "T6b: coordinate %u of entry %u is outside of the box of block %u", (unsigned)j, (unsigned)node, (unsigned)block);
        }
        if (memcmp(&y[(size_t)j * METRIC_LANES], &wanted, sizeof wanted) != 0 || !(fabsf(wanted) <= 1)) {
            return DAMAGED(err, "T6e: entry %u has another coordinate %u in block %u", (unsigned)node, (unsigned)j, (unsigned)block);
        }
    }
    if (layout->row_words > 0) {
        const int64_t label = block_source_label(source, node);
        const double *row = block_row(layout, block, lane);

        if (memcmp(row, place, layout->dim * sizeof *row) != 0 || memcmp(row + layout->dim, &label, sizeof label) != 0) {
            return DAMAGED(err, "T6e: the row beside entry %u in block %u is another's", (unsigned)node, (unsigned)block);
        }
    }
    if (block_source_label(source, node) < *block_least(layout, block)) {
        return DAMAGED(err, "T6c: the least label of block %u is above that of entry %u", (unsigned)block, (unsigned)node);
    }
    if (block_route(layout, source, node) != block) {
        return DAMAGED(err, "T6f: entry %u is not in a cell of block %u", (unsigned)node, (unsigned)block);
    }
    if (kept != block_reach_kept(layout, block, node, block_source_reach(source, node))) {
        return DAMAGED(err, "T6e: entry %u has reach %g in block %u instead of %g", (unsigned)node, block_reach_told(layout, block, kept),
                       (unsigned)block, block_source_reach(source, node));
    }
    return 0;
}

static int check_block(const struct block_layout *layout, const struct block_source *source, uint32_t block, struct pcct_error *err)
{
    const uint32_t count = block_link_of(layout, block)->count;
    int status = 0;

    for (uint32_t lane = 0; lane < count; lane++) TRY(check_lane(layout, source, block, lane, err));
done:
    return status;
}

/* What a slot says of its child. */
struct summary {
    const double *low, *high; /* step apart */
    size_t step;
    double reach;
    int64_t label;
};

static int check_summary(const struct block_layout *layout, uint32_t inner, uint32_t slot, const struct summary *below, struct pcct_error *err)
{
    const double *from = block_boxes(layout, inner) + slot, *to = from + (size_t)layout->dim * METRIC_FANOUT;

    for (uint32_t j = 0; j < layout->dim; j++) {
        if (!(below->low[j * below->step] >= from[(size_t)j * METRIC_FANOUT] && below->high[j * below->step] <= to[(size_t)j * METRIC_FANOUT])) {
            return DAMAGED(err, "T6b: the box in slot %u of inner node %u leaves out coordinate %u of what is below", (unsigned)slot, (unsigned)inner,
                           (unsigned)j);
        }
    }
    if (!(below->reach <= block_top_reaches(layout, inner)[slot])) {
        return DAMAGED(err, "T6c: the reach in slot %u of inner node %u is less than one below", (unsigned)slot, (unsigned)inner);
    }
    if (below->label < block_least_labels(layout, inner)[slot]) {
        return DAMAGED(err, "T6c: the label in slot %u of inner node %u is above one below", (unsigned)slot, (unsigned)inner);
    }
    return 0;
}

/* The near box as the frame says. */
static int check_near(const struct block_layout *layout, uint32_t inner, uint32_t slot, struct pcct_error *err)
{
    const double *box = block_boxes(layout, inner) + slot, *frame = block_near_frame(layout, inner);
    const float *near_box = block_near_boxes(layout, inner) + slot;

    if (!good_scale(frame[0])) return DAMAGED(err, "T6e: inner node %u has the scale %g", (unsigned)inner, frame[0]);
    for (uint32_t j = 0; j < 2 * layout->dim; j++) {
        const float wanted = block_framed(frame, j % layout->dim, box[(size_t)j * METRIC_FANOUT]);

        if (memcmp(&near_box[(size_t)j * METRIC_FANOUT], &wanted, sizeof wanted) == 0 && fabsf(wanted) <= 1) continue;
        return DAMAGED(err, "T6e: the near box in slot %u of inner node %u is not that of its box", (unsigned)slot, (unsigned)inner);
    }
    return 0;
}

/* A slot against its child: a block, which has been checked against its entries, or each slot of an inner node. Enclosing is transitive, so checking
 * each slot against the level below checks every ancestor against every entry. */
static int check_slot(const struct block_layout *layout, uint32_t inner, uint32_t slot, struct pcct_error *err)
{
    const uint32_t child = block_children(layout, inner)[slot], number = child & ~BLOCK_IS_LEAF, dim = layout->dim;
    const uint32_t count = block_child_link(layout, child)->count;
    int status = 0;

    TRY(check_near(layout, inner, slot, err));
    for (uint32_t i = 0; i < count; i++) {
        struct summary below;

        if (child & BLOCK_IS_LEAF) {
            below = (struct summary){ block_low(layout, number), block_high(layout, number), 1,
                                      block_reach_told(layout, number, block_reaches(layout, number)[i]), *block_least(layout, number) };
        } else {
            const double *low = block_boxes(layout, number) + i;

            below = (struct summary){ low, low + (size_t)dim * METRIC_FANOUT, METRIC_FANOUT, block_top_reaches(layout, number)[i],
                                      block_least_labels(layout, number)[i] };
        }
        TRY(check_summary(layout, inner, slot, &below, err));
    }
done:
    return status;
}

/* Entry by entry: in the layout exactly if it should be. */
static int check_entry(const struct block_layout *layout, uint32_t node, int wanted, struct pcct_error *err)
{
    const uint32_t at = node < layout->rows ? block_where(layout)[node] : BLOCK_NONE;

    if (wanted == (at != BLOCK_NONE)) return 0;
    return DAMAGED(err, "T6a: entry %u is %s", (unsigned)node, wanted ? "missing" : "there and should not be");
}

int block_check(const struct block_layout *layout, const struct block_source *source, int (*has)(const void *owner, uint32_t node),
                struct pcct_error *err)
{
    const struct block_source seen = block_seen(layout, source);
    int status = 0;

    TRY(block_check_links(layout, err)); /* T6a: one lane each, by `where` both ways; T6d */
    for (uint32_t node = source->rows; node < layout->rows; node++) TRY(check_entry(layout, node, 0, err));
    for (uint32_t node = 0; node < source->rows; node++) TRY(check_entry(layout, node, has(source->owner, node) != 0, err));
    for (uint32_t node = 0; node < layout->rows && block_has_views(layout); node++) {
        if (block_where(layout)[node] != BLOCK_NONE) TRY(block_views_check(layout, source, node, err));
    }
    for (uint32_t block = 0; block < layout->blocks; block++) TRY(check_block(layout, &seen, block, err));
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) TRY(check_slot(layout, inner, slot, err));
    }
done:
    return status;
}
