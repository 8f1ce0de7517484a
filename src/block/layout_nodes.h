/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_NODES_H
#define BLOCK_LAYOUT_NODES_H

#include "block/layout.h"

#include <math.h>

/*
 * The parts that a layout is made of, for the files of this room only: where things stand in the arrays, and the small steps of which inserting
 * and removing consist. A *slot* is one of the 16 places of an inner node; a *summary* is what the slot keeps of its child: box, greatest reach,
 * least label. Nothing here takes memory but block_reserve().
 */

/* Inner nodes above any block. All blocks hang at one depth; a layout grows past half of this only by way of a rebuild. */
enum { BLOCK_HEIGHT_MAX = 32, BLOCK_HEIGHT_GROWN = 16 };

/* Lanes and children aimed at in parts that are laid out anew: full ones would be split by the next entry. */
enum { BLOCK_PIECE = 60, BLOCK_CHILDREN = 14 };

/* In block_arrays() the arrays by block come first, then those by inner node, then `where`; views are reserved
 * by block_views_make(), rows last, which are by block. */
enum { BLOCK_ARRAYS_OF_BLOCKS = 6, BLOCK_ARRAYS_RESERVED = 15 };

static inline float *block_lanes(const struct block_layout *layout, uint32_t block)
{
    return (float *)layout->lane.data + (size_t)block * layout->dim * METRIC_LANES;
}

static inline float *block_reaches(const struct block_layout *layout, uint32_t block)
{
    return (float *)layout->reach.data + (size_t)block * METRIC_LANES;
}

/* Scale, centre[dim], least sides[dim], greatest sides[dim]. */
static inline double *block_frame(const struct block_layout *layout, uint32_t block)
{
    return (double *)layout->frame.data + (size_t)block * (1 + 3 * (size_t)layout->dim);
}

static inline double *block_low(const struct block_layout *layout, uint32_t block)
{
    return block_frame(layout, block) + 1 + layout->dim;
}

static inline double *block_high(const struct block_layout *layout, uint32_t block)
{
    return block_low(layout, block) + layout->dim;
}

static inline int64_t *block_least(const struct block_layout *layout, uint32_t block)
{
    return (int64_t *)layout->least.data + block;
}

static inline uint32_t *block_nodes(const struct block_layout *layout, uint32_t block)
{
    return (uint32_t *)layout->node.data + (size_t)block * METRIC_LANES;
}

static inline struct block_link *block_link_of(const struct block_layout *layout, uint32_t block)
{
    return (struct block_link *)layout->block.data + block;
}

static inline double *block_boxes(const struct block_layout *layout, uint32_t inner)
{
    return (double *)layout->box.data + (size_t)inner * 2 * layout->dim * METRIC_FANOUT;
}

static inline float *block_near_boxes(const struct block_layout *layout, uint32_t inner)
{
    return (float *)layout->near_box.data + (size_t)inner * 2 * layout->dim * METRIC_FANOUT;
}

/* Scale, centre[dim], block_narrowest(). */
static inline double *block_near_frame(const struct block_layout *layout, uint32_t inner)
{
    return (double *)layout->near_frame.data + (size_t)inner * (2 + (size_t)layout->dim);
}

/* Whether there are blocks below so small that near boxes cannot tell how far they are from what is about them: to the filter, distances below 2^-17
 * of a frame or so are none. Points of very different sizes about 0 are such: everything that is small seems to be in all boxes that reach to 0. */
static inline int block_is_coarse(const struct block_layout *layout, uint32_t inner)
{
    const double *frame = block_near_frame(layout, inner);

    return !(frame[1 + layout->dim] * frame[0] >= 0x1p-16);
}

static inline double *block_top_reaches(const struct block_layout *layout, uint32_t inner)
{
    return (double *)layout->top_reach.data + (size_t)inner * METRIC_FANOUT;
}

static inline int64_t *block_least_labels(const struct block_layout *layout, uint32_t inner)
{
    return (int64_t *)layout->least_label.data + (size_t)inner * METRIC_FANOUT;
}

static inline uint32_t *block_children(const struct block_layout *layout, uint32_t inner)
{
    return (uint32_t *)layout->child.data + (size_t)inner * METRIC_FANOUT;
}

static inline struct block_link *block_inner(const struct block_layout *layout, uint32_t inner)
{
    return (struct block_link *)layout->inner.data + inner;
}

static inline double *block_row(const struct block_layout *layout, uint32_t block, uint32_t lane)
{
    return (double *)layout->row.data + ((size_t)block * METRIC_LANES + lane) * layout->row_words;
}

static inline uint32_t *block_where(const struct block_layout *layout)
{
    return (uint32_t *)layout->where.data;
}

/* The link of what a `child` field names. */
static inline struct block_link *block_child_link(const struct block_layout *layout, uint32_t child)
{
    return child & BLOCK_IS_LEAF ? block_link_of(layout, child & ~BLOCK_IS_LEAF) : block_inner(layout, child);
}

static inline const double *block_source_place(const struct block_source *source, uint32_t dim, uint32_t node)
{
    return source->place + (size_t)node * dim;
}

static inline double block_source_reach(const struct block_source *source, uint32_t node)
{
    return source->reach ? source->reach(source->owner, node) : (double)INFINITY;
}

static inline int64_t block_source_label(const struct block_source *source, uint32_t node)
{
    return source->label ? source->label[node] : (int64_t)node;
}

/* Inner nodes on the way from the root to a block; 0 without a root. */
int block_height(const struct block_layout *layout);

/* Makes room for so many blocks, inner nodes and rows in all. Errors: MEMORY; the contents are untouched either way. */
int block_reserve(struct block_layout *layout, size_t blocks, size_t inners, size_t rows, struct pcct_error *err);

/* A block or an inner node from the free list or the room reserved, cleared; and back on the free list. */
uint32_t block_take_block(struct block_layout *layout);
uint32_t block_take_inner(struct block_layout *layout);
void block_give_block(struct block_layout *layout, uint32_t block);
void block_give_inner(struct block_layout *layout, uint32_t inner);

/* Takes all children of an inner node away; they do not learn of it. */
void block_clear_inner(struct block_layout *layout, uint32_t inner);

/* Lanes beyond the used ones hold zeros, reach -1, no node. */
void block_clear_lanes(struct block_layout *layout, uint32_t block, uint32_t first);

/* Writes the row of a lane, if rows are kept. */
void block_write_row(struct block_layout *layout, uint32_t block, uint32_t lane, const double *place, int64_t label);

/* Puts an entry into the next lane of a block, which has one free; a frame that it is outside of is made anew. Its slot is not told. */
void block_put_lane(struct block_layout *layout, const struct block_source *source, uint32_t block, uint32_t node);
/* Box of a block from its entries, its least label too if that may have gone, and its frame if that has become too wide; returns whether box or label
 * changed. */
int block_shrink(struct block_layout *layout, const struct block_source *source, uint32_t block, int label_gone);
/* Centre and scale from a block's box; and all lanes by them. */
void block_frame_box(struct block_layout *layout, uint32_t block);
void block_reframe(struct block_layout *layout, const struct block_source *source, uint32_t block);
/* What a lane keeps for the reach of an entry. */
float block_reach_kept(const struct block_layout *layout, uint32_t block, uint32_t node, double reach);
/* At least the reach of every entry whose lane keeps this. */
double block_reach_told(const struct block_layout *layout, uint32_t block, float kept);

/* A place in a frame: scale, centre[dim]. */
static inline float block_framed(const double *frame, uint32_t axis, double x)
{
    return (float)((x - frame[1 + axis]) * frame[0]);
}

/* The width of the narrowest block below the first `count` slots of an inner node, which is that of its widest side. */
double block_narrowest(const struct block_layout *layout, uint32_t inner, uint32_t count);

/* Writes the summary of the child of a slot from what is in the child. Returns whether anything changed. */
int block_summarise(struct block_layout *layout, uint32_t inner, uint32_t slot);
/* Summarises inner nodes in their parents from `inner` up to where nothing changes any more. Right only if all other summaries are. */
void block_climb(struct block_layout *layout, uint32_t inner);

/* Slots: adds a child with its summary; adds that of another inner node's slot with what is known of it; drops one (the last takes its place). Planes
 * are not touched: see block_divide(). */
void block_add_slot(struct block_layout *layout, uint32_t inner, uint32_t child);
void block_copy_slot(struct block_layout *layout, uint32_t to, uint32_t from, uint32_t slot);
void block_drop_slot(struct block_layout *layout, uint32_t inner, uint32_t slot);

/* Makes a new root above the old one, which is its only child. */
void block_raise_root(struct block_layout *layout);

#endif
