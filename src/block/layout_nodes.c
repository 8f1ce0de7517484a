/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_nodes.h"

#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

enum { BLOCKS_MAX = UINT32_MAX / METRIC_LANES }; /* block * 64 + lane is a 32-bit number below BLOCK_NONE */

int block_height(const struct block_layout *layout)
{
    uint32_t at = layout->root;
    int height = 0;

    if (at == BLOCK_NONE) return 0;
    do {
        height++;
        at = block_children(layout, at)[0];
    } while (!(at & BLOCK_IS_LEAF));
    return height;
}

int block_reserve(struct block_layout *layout, size_t blocks, size_t inners, size_t rows, struct pcct_error *err)
{
    struct block_array array[BLOCK_ARRAYS];
    int status = 0;

    if (blocks > BLOCKS_MAX) return base_fail(err, PCCT_E_MEMORY, "the query layout would need %zu blocks, %d is the most", blocks, (int)BLOCKS_MAX);
    block_arrays(array, layout);
    for (int i = 0; i < BLOCK_ARRAYS_RESERVED; i++) {
        const size_t items = array[i].buffer == &layout->where ? rows : i < BLOCK_ARRAYS_OF_BLOCKS ? blocks : inners;

        TRY(base_buffer_reserve(array[i].buffer, layout->env, items * array[i].item_bytes, array[i].items * array[i].item_bytes, err));
    }
    TRY(base_buffer_reserve(&layout->row, layout->env, blocks * METRIC_LANES * layout->row_words * sizeof(double),
                            layout->blocks * (size_t)METRIC_LANES * layout->row_words * sizeof(double), err));
done:
    return status;
}

void block_clear_lanes(struct block_layout *layout, uint32_t block, uint32_t first)
{
    float *lane = block_lanes(layout, block);

    for (uint32_t j = 0; j < layout->dim; j++) {
        for (uint32_t i = first; i < METRIC_LANES; i++) lane[(size_t)j * METRIC_LANES + i] = 0;
    }
    if (layout->row_words > 0) memset(block_row(layout, block, first), 0, (METRIC_LANES - first) * layout->row_words * sizeof(double));
    for (uint32_t i = first; i < METRIC_LANES; i++) {
        block_reaches(layout, block)[i] = -1;
        block_nodes(layout, block)[i] = BLOCK_NONE;
    }
}

static void clear_slots(struct block_layout *layout, uint32_t inner, uint32_t first)
{
    double *box = block_boxes(layout, inner);
    float *near_box = block_near_boxes(layout, inner);

    for (uint32_t j = 0; j < 2 * layout->dim; j++) {
        for (uint32_t i = first; i < METRIC_FANOUT; i++) {
            box[(size_t)j * METRIC_FANOUT + i] = 0;
            near_box[(size_t)j * METRIC_FANOUT + i] = 0;
        }
    }
    for (uint32_t i = first; i < METRIC_FANOUT; i++) {
        block_top_reaches(layout, inner)[i] = -1;
        block_least_labels(layout, inner)[i] = INT64_MAX;
        block_children(layout, inner)[i] = BLOCK_NONE;
    }
}

static void clear_planes(struct block_layout *layout, uint32_t inner)
{
    memset((struct block_plane *)layout->plane.data + (size_t)inner * BLOCK_PLANES, 0, BLOCK_PLANES * sizeof(struct block_plane));
}

uint32_t block_take_block(struct block_layout *layout)
{
    uint32_t block = layout->free_block;

    if (block != BLOCK_NONE) layout->free_block = block_link_of(layout, block)->parent;
    else block = layout->blocks++;
    *block_link_of(layout, block) = (struct block_link){ BLOCK_NONE, 0, 0, 0 };
    memset(block_frame(layout, block), 0, (1 + 3 * (size_t)layout->dim) * sizeof(double));
    *block_least(layout, block) = INT64_MAX;
    block_clear_lanes(layout, block, 0);
    return block;
}

void block_clear_inner(struct block_layout *layout, uint32_t inner)
{
    block_inner(layout, inner)->count = 0;
    clear_slots(layout, inner, 0);
    clear_planes(layout, inner);
}

uint32_t block_take_inner(struct block_layout *layout)
{
    uint32_t inner = layout->free_inner;

    if (inner != BLOCK_NONE) layout->free_inner = block_inner(layout, inner)->parent;
    else inner = layout->inners++;
    *block_inner(layout, inner) = (struct block_link){ BLOCK_NONE, 0, 0, 0 };
    memset(block_near_frame(layout, inner), 0, (2 + (size_t)layout->dim) * sizeof(double));
    clear_slots(layout, inner, 0);
    clear_planes(layout, inner);
    return inner;
}

void block_give_block(struct block_layout *layout, uint32_t block)
{
    *block_link_of(layout, block) = (struct block_link){ layout->free_block, 0, 0, 0 };
    layout->free_block = block;
}

void block_give_inner(struct block_layout *layout, uint32_t inner)
{
    *block_inner(layout, inner) = (struct block_link){ layout->free_inner, 0, 0, 0 };
    layout->free_inner = inner;
}

static int replace_double(double *at, double value)
{
    const int changed = *at != value;

    *at = value;
    return changed;
}

/* ---- frames and lanes --------------------------------------------------------------------------------------------------------------------- */

float block_reach_kept(const struct block_layout *layout, uint32_t block, uint32_t node, double reach)
{
    reach = block_reach_seen(layout, node, reach);
    return reach < 0 ? -1 : metric_filter_limit(layout->metric, reach * metric_unit(layout->metric, block_frame(layout, block)[0]));
}

double block_reach_told(const struct block_layout *layout, uint32_t block, float kept)
{
    return kept < 0 ? -1 : (double)kept / metric_unit(layout->metric, block_frame(layout, block)[0]);
}

/* Writes the lane of an entry as the block's frame says; returns whether it is inside. */
static int write_lane(struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t lane)
{
    const uint32_t node = block_nodes(layout, block)[lane];
    const double *frame = block_frame(layout, block), *place = block_source_place(source, layout->dim, node);
    float *y = block_lanes(layout, block) + lane;
    int inside = 1;

    for (uint32_t j = 0; j < layout->dim; j++) {
        const float framed = block_framed(frame, j, place[j]);

        inside &= fabsf(framed) <= 1;
        y[(size_t)j * METRIC_LANES] = framed;
    }
    block_reaches(layout, block)[lane] = block_reach_kept(layout, block, node, block_source_reach(source, node));
    return inside;
}

/* How far the sides of a box are from its middle at most, and from 0. */
struct extent {
    double width, magnitude;
};

static void extend(struct extent *extent, double low, double high)
{
    extent->width = fmax(extent->width, high - (low + (high - low) / 2));
    extent->magnitude = fmax(extent->magnitude, fmax(fabs(low), fabs(high)));
}

/*
 * The power of two that brings a box to at most 1: what is between its sides comes to no more, since rounding is monotone and nothing is further from
 * the middle than a side. Boxes of next to no width count as a little wider, in proportion to where they are: from a scale beyond that every query
 * would seem infinitely far.
 */
#define LEAST_WIDTH 0x1p-40

static double scale_for(const struct extent *extent)
{
    const double width = fmax(extent->width, extent->magnitude * LEAST_WIDTH);
    int exponent = 0;

    if (width == 0) return 1;
    if (width < 1 / METRIC_SCALE_MAX) return METRIC_SCALE_MAX;
    frexp(width, &exponent);
    return ldexp(1, -exponent);
}

/* Whether a frame has become so wide for what is in it that the filter suffers. */
static int is_wide(const double *frame, const struct extent *extent)
{
    return scale_for(extent) >= 8 * frame[0];
}

void block_frame_box(struct block_layout *layout, uint32_t block)
{
    const double *low = block_low(layout, block), *high = block_high(layout, block);
    double *frame = block_frame(layout, block);
    struct extent extent = { 0, 0 };

    for (uint32_t j = 0; j < layout->dim; j++) {
        frame[1 + j] = low[j] + (high[j] - low[j]) / 2;
        extend(&extent, low[j], high[j]);
    }
    frame[0] = scale_for(&extent);
}

void block_reframe(struct block_layout *layout, const struct block_source *source, uint32_t block)
{
    const uint32_t count = block_link_of(layout, block)->count;

    block_frame_box(layout, block);
    for (uint32_t i = 0; i < count; i++) {
        const int inside = write_lane(layout, source, block, i);

        assert(inside); /* T6e */
        (void)inside;
    }
}

void block_write_row(struct block_layout *layout, uint32_t block, uint32_t lane, const double *place, int64_t label)
{
    double *row;

    if (layout->row_words == 0) return;
    row = block_row(layout, block, lane);
    memcpy(row, place, layout->dim * sizeof *row);
    memcpy(row + layout->dim, &label, sizeof label);
}

/* Takes one more entry into the box and the least label of a block. */
static void widen(struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t node, int first)
{
    const double *place = block_source_place(source, layout->dim, node);
    double *low = block_low(layout, block), *high = block_high(layout, block);
    const int64_t label = block_source_label(source, node);
    int64_t *least = block_least(layout, block);

    for (uint32_t j = 0; j < layout->dim; j++) {
        if (first || place[j] < low[j]) low[j] = place[j];
        if (first || place[j] > high[j]) high[j] = place[j];
    }
    if (first || label < *least) *least = label;
}

void block_put_lane(struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t node)
{
    struct block_link *link = block_link_of(layout, block);
    const uint32_t lane = link->count;

    assert(lane < METRIC_LANES);
    widen(layout, source, block, node, lane == 0);
    block_nodes(layout, block)[lane] = node;
    block_where(layout)[node] = block * METRIC_LANES + lane;
    block_write_row(layout, block, lane, block_source_place(source, layout->dim, node), block_source_label(source, node));
    link->count++;
    if (lane == 0 || !write_lane(layout, source, block, lane)) block_reframe(layout, source, block);
}

static int64_t find_least_label(const struct block_layout *layout, const struct block_source *source, uint32_t block)
{
    const uint32_t count = block_link_of(layout, block)->count, *node = block_nodes(layout, block);
    int64_t least = block_source_label(source, node[0]);

    for (uint32_t i = 1; i < count; i++) {
        const int64_t label = block_source_label(source, node[i]);

        least = label < least ? label : least;
    }
    return least;
}

int block_shrink(struct block_layout *layout, const struct block_source *source, uint32_t block, int label_gone)
{
    const uint32_t count = block_link_of(layout, block)->count, dim = layout->dim, *node = block_nodes(layout, block);
    double *low = block_low(layout, block), *high = block_high(layout, block);
    struct extent extent = { 0, 0 };
    int64_t least = 0;
    int changed = 0;

    assert(count > 0);
    for (uint32_t j = 0; j < dim; j++) {
        double from = block_source_place(source, dim, node[0])[j], to = from;

        for (uint32_t i = 1; i < count; i++) {
            const double x = block_source_place(source, dim, node[i])[j];

            from = x < from ? x : from;
            to = x > to ? x : to;
        }
        changed |= replace_double(&low[j], from);
        changed |= replace_double(&high[j], to);
        extend(&extent, from, to);
    }
    if (is_wide(block_frame(layout, block), &extent)) block_reframe(layout, source, block);
    if (!label_gone) return changed;
    least = find_least_label(layout, source, block);
    changed |= *block_least(layout, block) != least;
    *block_least(layout, block) = least;
    return changed;
}

/* ---- summaries ---------------------------------------------------------------------------------------------------------------------------- */

/* Writes one slot's near box; returns whether it is inside of the frame. */
static int write_near(struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    const double *box = block_boxes(layout, inner) + slot, *frame = block_near_frame(layout, inner);
    float *near_box = block_near_boxes(layout, inner) + slot;
    int inside = frame[0] > 0;

    for (uint32_t j = 0; j < 2 * layout->dim; j++) {
        const float framed = block_framed(frame, j % layout->dim, box[(size_t)j * METRIC_FANOUT]);

        inside &= fabsf(framed) <= 1;
        near_box[(size_t)j * METRIC_FANOUT] = framed;
    }
    return inside;
}

/* Slots in use when this one is, too. */
static uint32_t used_with(const struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    const uint32_t count = block_inner(layout, inner)->count;

    return count > slot ? count : slot + 1;
}

/* Brings the near boxes of `count` slots in step with their boxes, of which that of `slot` is new: all of them if the frame has to change. */
static void renew_near(struct block_layout *layout, uint32_t inner, uint32_t slot, uint32_t count)
{
    const double *low = block_boxes(layout, inner), *high = low + (size_t)layout->dim * METRIC_FANOUT;
    double *frame = block_near_frame(layout, inner), middle[METRIC_DIM_MAX];
    struct extent extent = { 0, 0 };
    int inside = write_near(layout, inner, slot);

    for (uint32_t j = 0; j < layout->dim; j++, low += METRIC_FANOUT, high += METRIC_FANOUT) {
        double from = low[0], to = high[0];

        for (uint32_t i = 1; i < count; i++) {
            from = low[i] < from ? low[i] : from;
            to = high[i] > to ? high[i] : to;
        }
        middle[j] = from + (to - from) / 2;
        extend(&extent, from, to);
    }
    if (inside && !is_wide(frame, &extent)) return;
    memcpy(frame + 1, middle, layout->dim * sizeof *middle);
    frame[0] = scale_for(&extent);
    for (uint32_t i = 0; i < count; i++) {
        inside = write_near(layout, inner, i);
        assert(inside); /* T6e */
    }
}

double block_narrowest(const struct block_layout *layout, uint32_t inner, uint32_t count)
{
    const double *low = block_boxes(layout, inner), *high = low + (size_t)layout->dim * METRIC_FANOUT;
    const uint32_t *child = block_children(layout, inner);
    double width[METRIC_FANOUT] = { 0 }, narrowest = (double)INFINITY;

    if (!(child[0] & BLOCK_IS_LEAF)) {
        for (uint32_t i = 0; i < count; i++) narrowest = fmin(narrowest, block_near_frame(layout, child[i])[1 + layout->dim]);
        return narrowest;
    }
    for (uint32_t j = 0; j < layout->dim; j++, low += METRIC_FANOUT, high += METRIC_FANOUT) {
        for (uint32_t i = 0; i < METRIC_FANOUT; i++) width[i] = high[i] - low[i] > width[i] ? high[i] - low[i] : width[i];
    }
    for (uint32_t i = 0; i < count; i++) narrowest = width[i] < narrowest ? width[i] : narrowest;
    return narrowest;
}

static int renew_narrowest(struct block_layout *layout, uint32_t inner, uint32_t count)
{
    return replace_double(block_near_frame(layout, inner) + 1 + layout->dim, block_narrowest(layout, inner, count));
}

/* Writes one slot's reach and label; returns whether they changed. */
static int replace_rest(struct block_layout *layout, uint32_t inner, uint32_t slot, double reach, int64_t label)
{
    int64_t *least = block_least_labels(layout, inner) + slot;
    const int changed = replace_double(block_top_reaches(layout, inner) + slot, reach) | (*least != label);

    *least = label;
    return changed;
}

static int summarise_block(struct block_layout *layout, uint32_t inner, uint32_t slot, uint32_t block)
{
    const double *low = block_low(layout, block), *high = block_high(layout, block);
    const float *reach = block_reaches(layout, block);
    const uint32_t count = block_link_of(layout, block)->count, dim = layout->dim;
    double *box = block_boxes(layout, inner) + slot;
    float most = reach[0];
    int changed = 0;

    for (uint32_t j = 0; j < dim; j++) {
        changed |= replace_double(box + (size_t)j * METRIC_FANOUT, low[j]);
        changed |= replace_double(box + (size_t)(dim + j) * METRIC_FANOUT, high[j]);
    }
    renew_near(layout, inner, slot, used_with(layout, inner, slot));
    for (uint32_t i = 1; i < count; i++) most = reach[i] > most ? reach[i] : most;
    return changed | replace_rest(layout, inner, slot, block_reach_told(layout, block, most), *block_least(layout, block));
}

static int summarise_inner(struct block_layout *layout, uint32_t inner, uint32_t slot, uint32_t child)
{
    const uint32_t count = block_inner(layout, child)->count, dim = layout->dim;
    const double *low = block_boxes(layout, child), *high = low + (size_t)dim * METRIC_FANOUT, *reach = block_top_reaches(layout, child);
    const int64_t *label = block_least_labels(layout, child);
    double *box = block_boxes(layout, inner) + slot, most = reach[0];
    int64_t least = label[0];
    int changed = 0;

    for (uint32_t j = 0; j < dim; j++, low += METRIC_FANOUT, high += METRIC_FANOUT) {
        double from = low[0], to = high[0];

        for (uint32_t i = 1; i < count; i++) {
            from = low[i] < from ? low[i] : from;
            to = high[i] > to ? high[i] : to;
        }
        changed |= replace_double(box + (size_t)j * METRIC_FANOUT, from);
        changed |= replace_double(box + (size_t)(dim + j) * METRIC_FANOUT, to);
    }
    renew_near(layout, inner, slot, used_with(layout, inner, slot));
    for (uint32_t i = 1; i < count; i++) {
        most = reach[i] > most ? reach[i] : most;
        least = label[i] < least ? label[i] : least;
    }
    return changed | replace_rest(layout, inner, slot, most, least);
}

int block_summarise(struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    const uint32_t child = block_children(layout, inner)[slot];
    int changed;

    assert(block_child_link(layout, child)->count > 0);
    changed = child & BLOCK_IS_LEAF ? summarise_block(layout, inner, slot, child & ~BLOCK_IS_LEAF) : summarise_inner(layout, inner, slot, child);
    return changed | renew_narrowest(layout, inner, used_with(layout, inner, slot));
}

void block_climb(struct block_layout *layout, uint32_t inner)
{
    while (inner != layout->root) {
        const struct block_link *link = block_inner(layout, inner);

        if (!block_summarise(layout, link->parent, link->slot)) return;
        inner = link->parent;
    }
}

/* ---- slots -------------------------------------------------------------------------------------------------------------------------------- */

static void set_child(struct block_layout *layout, uint32_t inner, uint32_t slot, uint32_t child)
{
    struct block_link *link = block_child_link(layout, child);

    block_children(layout, inner)[slot] = child;
    link->parent = inner;
    link->slot = (uint16_t)slot;
}

static void copy_slot(struct block_layout *layout, uint32_t to, uint32_t to_slot, uint32_t from, uint32_t from_slot)
{
    double *out = block_boxes(layout, to) + to_slot;
    const double *in = block_boxes(layout, from) + from_slot;

    for (size_t j = 0; j < 2 * (size_t)layout->dim; j++) out[j * METRIC_FANOUT] = in[j * METRIC_FANOUT];
    block_top_reaches(layout, to)[to_slot] = block_top_reaches(layout, from)[from_slot];
    block_least_labels(layout, to)[to_slot] = block_least_labels(layout, from)[from_slot];
    renew_near(layout, to, to_slot, used_with(layout, to, to_slot));
    set_child(layout, to, to_slot, block_children(layout, from)[from_slot]);
    renew_narrowest(layout, to, used_with(layout, to, to_slot));
}

void block_add_slot(struct block_layout *layout, uint32_t inner, uint32_t child)
{
    struct block_link *link = block_inner(layout, inner);

    assert(link->count < METRIC_FANOUT);
    set_child(layout, inner, link->count, child);
    block_summarise(layout, inner, link->count++);
}

void block_drop_slot(struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    struct block_link *link = block_inner(layout, inner);

    assert(slot < link->count);
    link->count--;
    if (slot != link->count) copy_slot(layout, inner, slot, inner, link->count);
    clear_slots(layout, inner, link->count);
    if (link->count == 0) return;
    renew_near(layout, inner, 0, link->count);
    renew_narrowest(layout, inner, link->count);
}

void block_copy_slot(struct block_layout *layout, uint32_t to, uint32_t from, uint32_t slot)
{
    assert(block_inner(layout, to)->count < METRIC_FANOUT);
    copy_slot(layout, to, block_inner(layout, to)->count++, from, slot);
}

void block_raise_root(struct block_layout *layout)
{
    const uint32_t old = layout->root, root = block_take_inner(layout);

    block_inner(layout, root)->size_at_build = block_inner(layout, old)->size_at_build;
    layout->root = root;
    block_add_slot(layout, root, old);
}
