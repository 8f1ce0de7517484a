/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_nodes.h"

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
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        const size_t items = array[i].buffer == &layout->where ? rows : i < BLOCK_ARRAYS_OF_BLOCKS ? blocks : inners;

        TRY(base_buffer_reserve(array[i].buffer, layout->env, items * array[i].item_bytes, array[i].items * array[i].item_bytes, err));
    }
done:
    return status;
}

void block_clear_lanes(struct block_layout *layout, uint32_t block, uint32_t first)
{
    double *lane = block_lanes(layout, block);

    for (uint32_t j = 0; j < layout->dim; j++) {
        for (uint32_t i = first; i < METRIC_LANES; i++) lane[(size_t)j * METRIC_LANES + i] = 0;
    }
    for (uint32_t i = first; i < METRIC_LANES; i++) {
        block_reaches(layout, block)[i] = -1;
        block_labels(layout, block)[i] = INT64_MAX;
        block_nodes(layout, block)[i] = BLOCK_NONE;
    }
}

static void clear_slots(struct block_layout *layout, uint32_t inner, uint32_t first)
{
    double *box = block_boxes(layout, inner);

    for (uint32_t j = 0; j < 2 * layout->dim; j++) {
        for (uint32_t i = first; i < METRIC_FANOUT; i++) box[(size_t)j * METRIC_FANOUT + i] = 0;
    }
    for (uint32_t i = first; i < METRIC_FANOUT; i++) {
        block_top_reaches(layout, inner)[i] = -1;
        block_least_labels(layout, inner)[i] = INT64_MAX;
        block_children(layout, inner)[i] = BLOCK_NONE;
    }
}

uint32_t block_take_block(struct block_layout *layout)
{
    uint32_t block = layout->free_block;

    if (block != BLOCK_NONE) layout->free_block = block_link_of(layout, block)->parent;
    else block = layout->blocks++;
    *block_link_of(layout, block) = (struct block_link){ BLOCK_NONE, 0, 0, 0 };
    block_clear_lanes(layout, block, 0);
    return block;
}

void block_clear_inner(struct block_layout *layout, uint32_t inner)
{
    block_inner(layout, inner)->count = 0;
    clear_slots(layout, inner, 0);
}

uint32_t block_take_inner(struct block_layout *layout)
{
    uint32_t inner = layout->free_inner;

    if (inner != BLOCK_NONE) layout->free_inner = block_inner(layout, inner)->parent;
    else inner = layout->inners++;
    *block_inner(layout, inner) = (struct block_link){ BLOCK_NONE, 0, 0, 0 };
    clear_slots(layout, inner, 0);
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

void block_put_lane(struct block_layout *layout, uint32_t block, uint32_t node, const double *place, double reach, int64_t label)
{
    struct block_link *link = block_link_of(layout, block);
    double *lane = block_lanes(layout, block) + link->count;

    assert(link->count < METRIC_LANES);
    for (uint32_t j = 0; j < layout->dim; j++) lane[(size_t)j * METRIC_LANES] = place[j];
    block_reaches(layout, block)[link->count] = reach;
    block_labels(layout, block)[link->count] = label;
    block_nodes(layout, block)[link->count] = node;
    block_where(layout)[node] = block * METRIC_LANES + link->count;
    link->count++;
}

void block_move_lanes(struct block_layout *layout, uint32_t to, uint32_t from)
{
    const uint32_t have = block_link_of(layout, to)->count, more = block_link_of(layout, from)->count;
    const uint32_t *node = block_nodes(layout, from);

    assert(have + more <= METRIC_LANES);
    for (uint32_t j = 0; j < layout->dim; j++) {
        const size_t axis = (size_t)j * METRIC_LANES;

        memcpy(block_lanes(layout, to) + axis + have, block_lanes(layout, from) + axis, more * sizeof(double));
    }
    memcpy(block_reaches(layout, to) + have, block_reaches(layout, from), more * sizeof(double));
    memcpy(block_labels(layout, to) + have, block_labels(layout, from), more * sizeof(int64_t));
    memcpy(block_nodes(layout, to) + have, node, more * sizeof *node);
    for (uint32_t i = 0; i < more; i++) block_where(layout)[node[i]] = to * METRIC_LANES + have + i;
    block_link_of(layout, to)->count = (uint16_t)(have + more);
    block_link_of(layout, from)->count = 0;
}

/* ---- summaries ---------------------------------------------------------------------------------------------------------------------------- */

static int replace_double(double *at, double value)
{
    const int changed = *at != value;

    *at = value;
    return changed;
}

int block_summarise(struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    const uint32_t child = block_children(layout, inner)[slot], number = child & ~BLOCK_IS_LEAF, dim = layout->dim;
    const int leaf = (child & BLOCK_IS_LEAF) != 0;
    const uint32_t count = block_child_link(layout, child)->count;
    const size_t step = leaf ? METRIC_LANES : METRIC_FANOUT;
    const double *low = leaf ? block_lanes(layout, number) : block_boxes(layout, number);
    const double *high = leaf ? low : low + (size_t)dim * METRIC_FANOUT;
    const double *reach = leaf ? block_reaches(layout, number) : block_top_reaches(layout, number);
    const int64_t *label = leaf ? block_labels(layout, number) : block_least_labels(layout, number);
    double *box = block_boxes(layout, inner) + slot, most = reach[0];
    int64_t *least_at = block_least_labels(layout, inner) + slot, least = label[0];
    int changed = 0;

    assert(count > 0);
    for (uint32_t j = 0; j < dim; j++, low += step, high += step) {
        double from = low[0], to = high[0];

        for (uint32_t i = 1; i < count; i++) {
            from = low[i] < from ? low[i] : from;
            to = high[i] > to ? high[i] : to;
        }
        changed |= replace_double(box + (size_t)j * METRIC_FANOUT, from);
        changed |= replace_double(box + (size_t)(dim + j) * METRIC_FANOUT, to);
    }
    for (uint32_t i = 1; i < count; i++) {
        most = reach[i] > most ? reach[i] : most;
        least = label[i] < least ? label[i] : least;
    }
    changed |= replace_double(block_top_reaches(layout, inner) + slot, most);
    changed |= *least_at != least;
    *least_at = least;
    return changed;
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
    set_child(layout, to, to_slot, block_children(layout, from)[from_slot]);
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
}

void block_move_slot(struct block_layout *layout, uint32_t to, uint32_t from, uint32_t slot)
{
    struct block_link *link = block_inner(layout, to);

    assert(link->count < METRIC_FANOUT);
    copy_slot(layout, to, link->count++, from, slot);
    block_drop_slot(layout, from, slot);
}

/* ---- overflow ----------------------------------------------------------------------------------------------------------------------------- */

enum { OVERFLOWING = METRIC_FANOUT + 1, LOWER_HALF = OVERFLOWING / 2 + 1 };

/* Twice the centre of a slot's box along an axis. */
static double centre(const struct block_layout *layout, uint32_t inner, uint32_t slot, uint32_t axis)
{
    const double *box = block_boxes(layout, inner) + slot;

    return box[(size_t)axis * METRIC_FANOUT] + box[(size_t)(layout->dim + axis) * METRIC_FANOUT];
}

/* The axis along which the centres of the 16 slots of `inner` and slot 0 of `extra` lie widest apart. */
static uint32_t widest_axis(const struct block_layout *layout, uint32_t inner, uint32_t extra)
{
    uint32_t widest = 0;
    double width = -1;

    for (uint32_t axis = 0; axis < layout->dim; axis++) {
        double from = centre(layout, extra, 0, axis), to = from;

        for (uint32_t slot = 0; slot < METRIC_FANOUT; slot++) {
            const double c = centre(layout, inner, slot, axis);

            from = c < from ? c : from;
            to = c > to ? c : to;
        }
        if (to - from > width) {
            width = to - from;
            widest = axis;
        }
    }
    return widest;
}

/* Shares out the slots of a full inner node and the single one of `sibling`: the lower and the upper half by centre (ties by least label, then by
 * slot) along the widest axis; the half with the sibling's own slot goes to the sibling. */
static void share_slots(struct block_layout *layout, uint32_t inner, uint32_t sibling)
{
    const uint32_t axis = widest_axis(layout, inner, sibling);
    double c[OVERFLOWING];
    int64_t least[OVERFLOWING];
    unsigned rank[OVERFLOWING] = { 0 };

    for (uint32_t i = 0; i < OVERFLOWING; i++) {
        const uint32_t at = i < METRIC_FANOUT ? inner : sibling, slot = i < METRIC_FANOUT ? i : 0;

        c[i] = centre(layout, at, slot, axis);
        least[i] = block_least_labels(layout, at)[slot];
    }
    for (uint32_t i = 0; i < OVERFLOWING; i++) {
        for (uint32_t other = 0; other < i; other++) {
            const int before = c[i] < c[other] || (c[i] == c[other] && least[i] < least[other]);

            rank[before ? other : i]++;
        }
    }
    for (uint32_t slot = METRIC_FANOUT; slot-- > 0;) { /* downwards: the last slot, which fills the gap, has been decided on */
        if ((rank[slot] < LOWER_HALF) == (rank[METRIC_FANOUT] < LOWER_HALF)) block_move_slot(layout, sibling, inner, slot);
    }
}

/* Splits a full inner node other than the root to take one more child; returns the new sibling, which hangs nowhere yet. */
static uint32_t split_inner(struct block_layout *layout, uint32_t inner, uint32_t child)
{
    const uint32_t sibling = block_take_inner(layout);
    struct block_link *old = block_inner(layout, inner), *made = block_inner(layout, sibling);

    block_add_slot(layout, sibling, child);
    share_slots(layout, inner, sibling);
    made->size_at_build = (uint32_t)((uint64_t)old->size_at_build * made->count / OVERFLOWING);
    old->size_at_build -= made->size_at_build;
    block_summarise(layout, old->parent, old->slot);
    return sibling;
}

void block_raise_root(struct block_layout *layout)
{
    const uint32_t old = layout->root, root = block_take_inner(layout);

    block_inner(layout, root)->size_at_build = block_inner(layout, old)->size_at_build;
    layout->root = root;
    block_add_slot(layout, root, old);
}

void block_hang(struct block_layout *layout, uint32_t inner, uint32_t child)
{
    while (block_inner(layout, inner)->count == METRIC_FANOUT) {
        if (inner == layout->root) block_raise_root(layout);
        child = split_inner(layout, inner, child);
        inner = block_inner(layout, inner)->parent;
    }
    block_add_slot(layout, inner, child);
}
