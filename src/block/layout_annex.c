/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_annex.h"

#include "base/par.h"
#include "block/layout_cells.h"
#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

/* Fewer entries go among the others. Of those that were annexed there may be so many, as a part of all, until all are laid out anew. */
enum { LEAST_ENTRIES = 256, PART = 2, BLOCKS_AT_ONCE = 64 };

struct annexing {
    struct block_layout *layout;
    const struct block_layout *side;
    uint32_t blocks, inners; /* that there were before */
};

int block_is_annexed(const struct block_layout *layout)
{
    return layout->root != BLOCK_NONE && block_inner(layout, layout->root)->count > 1 &&
           block_planes(layout, layout->root)->axis == BLOCK_BY_NUMBER;
}

int block_annex_is_large(const struct block_layout *layout, uint32_t rows)
{
    return block_is_annexed(layout) && rows > block_planes(layout, layout->root)->node &&
           (uint64_t)(rows - block_planes(layout, layout->root)->node) * PART >= layout->entries;
}

/* ---- the parts of the side ---------------------------------------------------------------------------------------------------------------- */

static void copy_items(struct block_array *to, const struct block_array *from)
{
    const size_t bytes = from->items * from->item_bytes;

    assert(to->item_bytes == from->item_bytes);
    if (bytes > 0) memcpy((char *)to->buffer->data + to->items * to->item_bytes, from->buffer->data, bytes);
}

/* Blocks and inner nodes, behind those that are there. */
static void copy_parts(struct annexing *a, struct block_layout *side)
{
    struct block_array to[BLOCK_ARRAYS], from[BLOCK_ARRAYS];

    block_arrays(to, a->layout);
    block_arrays(from, side);
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        if (i < BLOCK_ARRAYS_RESERVED ? to[i].buffer != &a->layout->where : to[i].buffer == &a->layout->row) copy_items(&to[i], &from[i]);
    }
    a->layout->blocks += side->blocks;
    a->layout->inners += side->inners;
}

static void renumber_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    struct annexing *a = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t block = a->blocks + (uint32_t)i;
        struct block_link *link = block_link_of(a->layout, block);

        link->parent += a->inners;
        for (uint32_t lane = 0; lane < link->count; lane++) {
            block_where(a->layout)[block_nodes(a->layout, block)[lane]] = block * METRIC_LANES + lane;
        }
    }
}

static void renumber_inners(const struct annexing *a)
{
    for (uint32_t i = 0; i < a->side->inners; i++) {
        const uint32_t inner = a->inners + i;
        struct block_link *link = block_inner(a->layout, inner);
        uint32_t *child = block_children(a->layout, inner);

        if (link->parent != BLOCK_NONE) link->parent += a->inners;
        for (uint32_t slot = 0; slot < link->count; slot++) child[slot] += child[slot] & BLOCK_IS_LEAF ? a->blocks : a->inners;
    }
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------------------- */

/* All blocks hang at one depth, so there are inner nodes with one child above the side where it is lower. */
static void hang(struct annexing *a, int levels, uint32_t first)
{
    const struct block_plane plane = { (double)first, INT64_MIN, first, BLOCK_BY_NUMBER, 0, 0 };
    struct block_layout *layout = a->layout;
    uint32_t top = a->inners + a->side->root;

    for (; levels > 0; levels--) {
        const uint32_t above = block_take_inner(layout);

        block_inner(layout, above)->size_at_build = (uint32_t)a->side->entries;
        block_add_slot(layout, above, top);
        top = above;
    }
    block_raise_root(layout);
    block_divide(layout, layout->root, 0, &plane, top);
}

int block_annex(int *annexed, struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, uint32_t first,
                struct pcct_error *err)
{
    struct annexing a = { layout, NULL, layout->blocks, layout->inners };
    struct block_layout side;
    int status = 0, levels;

    *annexed = 0;
    block_init(&side, layout->env, layout->metric);
    if (n < LEAST_ENTRIES || n * PART >= layout->entries || block_is_annexed(layout) || block_has_views(layout) ||
        block_height(layout) >= BLOCK_HEIGHT_GROWN) {
        goto done;
    }
    if (layout->row_words > 0) block_keep_rows(&side);
    TRY(block_build(&side, source, node, n, BLOCK_PIECE, err));
    levels = block_height(layout) - block_height(&side);
    if (levels < 0) goto done;
    TRY(block_reserve(layout, (size_t)layout->blocks + side.blocks, (size_t)layout->inners + side.inners + (size_t)levels + 1, source->rows, err));
    a.side = &side;
    memset(block_where(layout) + layout->rows, 0xff, (size_t)(source->rows - layout->rows) * sizeof(uint32_t));
    layout->rows = source->rows;
    copy_parts(&a, &side);
    base_par_for(layout->env, side.blocks, BLOCKS_AT_ONCE, renumber_blocks, &a);
    renumber_inners(&a);
    hang(&a, levels, first);
    layout->entries += n;
    *annexed = 1;
done:
    block_free(&side);
    return status;
}
