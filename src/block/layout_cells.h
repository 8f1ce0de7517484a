/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_CELLS_H
#define BLOCK_LAYOUT_CELLS_H

#include "block/layout_nodes.h"

/*
 * Cells (T6f): how the planes of an inner node share out space among its children. Every entry is routed by comparing it with planes alone, so the
 * cells of a node never overlap, and neither do the boxes of what is in them but for their sides (those on the two sides of a plane by number do: see
 * layout_annex.h). Nothing here moves an entry or takes memory: an
 * inner node is split by giving each half those of its planes that still divide something, and two are joined under the plane that was between them.
 * For this room only.
 */
enum { BLOCK_CELL = 0x80 }; /* in `left` and `right` of a plane: the rest is a slot, else a plane */

static inline struct block_plane *block_planes(const struct block_layout *layout, uint32_t inner)
{
    return (struct block_plane *)layout->plane.data + (size_t)inner * BLOCK_PLANES;
}

/* The plane just before an entry, in the order that entries are split by: it is to the right of it. */
struct block_plane block_plane_at(const struct block_source *source, uint32_t dim, uint32_t axis, uint32_t node);

/* The block in whose cell an entry is. */
uint32_t block_route(const struct block_layout *layout, const struct block_source *source, uint32_t node);

/* Divides the cell of a slot: what is to the right of the plane becomes the cell of one more child. The node has room for it. */
void block_divide(struct block_layout *layout, uint32_t inner, uint32_t slot, const struct block_plane *plane, uint32_t child);

/* Drops a slot; its cell falls to those on the other side of its plane. */
void block_drop_cell(struct block_layout *layout, uint32_t inner, uint32_t slot);

/* The slot on the other side of the plane that bounds this one's cell; METRIC_FANOUT if there are several, or none. */
uint32_t block_sibling(const struct block_layout *layout, uint32_t inner, uint32_t slot);

/* Moves all children of the inner node in slot `from`, which is freed, to its sibling in slot `to`, which has room. */
void block_unite(struct block_layout *layout, uint32_t inner, uint32_t to, uint32_t from);

/* Divides the cell of an inner node, other than the root, in its parent: what is to the right of the plane is the child's. Ancestors that are full
 * are split in two before, and the root is raised. Takes at most one inner node for each level above `inner` and one for a new root. Boxes must
 * enclose what belongs in a cell, and do afterwards. */
void block_hang(struct block_layout *layout, uint32_t inner, const struct block_plane *plane, uint32_t child);

#endif
