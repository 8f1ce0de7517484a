/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/error.h"
#include "base/par.h"
#include "block/layout_cells.h"
#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

enum { BLOCKS_AT_ONCE = 64 };
_Static_assert(sizeof(struct block_link) == 12, "block_link is written out as it is");

void block_init(struct block_layout *layout, const struct base_env *env, const struct metric *metric)
{
    memset(layout, 0, sizeof *layout);
    layout->env = env;
    layout->metric = metric;
    layout->dim = metric->dim;
    layout->free_block = layout->free_inner = layout->root = BLOCK_NONE;
}

void block_free(struct block_layout *layout)
{
    const int rows_kept = layout->row_words > 0;
    struct block_array array[BLOCK_ARRAYS];
    const int rotates = layout->rotates;

    block_arrays(array, layout);
    for (int i = 0; i < BLOCK_ARRAYS; i++) base_buffer_free(array[i].buffer, layout->env);
    block_init(layout, layout->env, layout->metric);
    layout->rotates = rotates;
    if (rows_kept) block_keep_rows(layout);
}

void block_keep_rows(struct block_layout *layout)
{
    assert(layout->entries == 0 && layout->blocks == 0);
    if (layout->dim <= BLOCK_ROW_DIM) layout->row_words = layout->dim + 1;
}

void block_arrays(struct block_array out[BLOCK_ARRAYS], struct block_layout *layout)
{
    const size_t blocks = layout->blocks, inners = layout->inners;
    const struct block_array array[BLOCK_ARRAYS] = {
        { "lane", &layout->lane, layout->dim * METRIC_LANES * sizeof(float), blocks },
        { "reach", &layout->reach, METRIC_LANES * sizeof(float), blocks },
        { "node", &layout->node, METRIC_LANES * sizeof(uint32_t), blocks },
        { "frame", &layout->frame, (1 + 3 * (size_t)layout->dim) * sizeof(double), blocks },
        { "least", &layout->least, sizeof(int64_t), blocks },
        { "block", &layout->block, sizeof(struct block_link), blocks },
        { "box", &layout->box, 2 * layout->dim * METRIC_FANOUT * sizeof(double), inners },
        { "near_box", &layout->near_box, 2 * (size_t)layout->dim * METRIC_FANOUT * sizeof(float), inners },
        { "near_frame", &layout->near_frame, (2 + (size_t)layout->dim) * sizeof(double), inners },
        { "top_reach", &layout->top_reach, METRIC_FANOUT * sizeof(double), inners },
        { "least_label", &layout->least_label, METRIC_FANOUT * sizeof(int64_t), inners },
        { "child", &layout->child, METRIC_FANOUT * sizeof(uint32_t), inners },
        { "plane", &layout->plane, BLOCK_PLANES * sizeof(struct block_plane), inners },
        { "inner", &layout->inner, sizeof(struct block_link), inners },
        { "where", &layout->where, sizeof(uint32_t), layout->rows },
        { "view", &layout->view, layout->dim * sizeof(double), block_has_views(layout) ? layout->rows : 0 },
        { "fine_view", &layout->fine_view, (layout->fine > 0 ? layout->fine : 1) * sizeof(int16_t), layout->fine > 0 ? layout->rows : 0 },
        { "basis", &layout->basis, block_basis_bytes(layout), block_has_views(layout) ? 1 : 0 },
        { "row", &layout->row, METRIC_LANES * layout->row_words * sizeof(double), blocks },
    };

    memcpy(out, array, sizeof array);
}

void block_shape_get(struct block_shape *shape, const struct block_layout *layout)
{
    *shape = (struct block_shape){ layout->entries, layout->blocks, layout->inners, layout->free_block, layout->free_inner, layout->root,
                                   layout->rows, layout->dim, layout->fine };
}

void block_shape_set(struct block_layout *layout, const struct block_shape *shape)
{
    assert(layout->entries == 0 && layout->lane.capacity == 0);
    layout->entries = shape->entries;
    layout->blocks = shape->blocks;
    layout->inners = shape->inners;
    layout->free_block = shape->free_block;
    layout->free_inner = shape->free_inner;
    layout->root = shape->root;
    layout->rows = shape->rows;
    layout->dim = shape->dim;
    layout->fine = shape->fine;
}

uint64_t block_memory(const struct block_layout *layout)
{
    struct block_layout copy = *layout; /* block_arrays() hands out what may be written to; nothing is */
    struct block_array array[BLOCK_ARRAYS];
    uint64_t bytes = 0;

    block_arrays(array, &copy);
    for (int i = 0; i < BLOCK_ARRAYS; i++) bytes += array[i].items * array[i].item_bytes;
    return bytes;
}

/* ---- new numbers -------------------------------------------------------------------------------------------------------------------------- */

struct renumbering {
    const struct block_layout *layout;
    const uint32_t *map;
    uint32_t *where, *next;
};

static void renumber_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    struct renumbering *r = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t block = (uint32_t)i;
        uint32_t *node = block_nodes(r->layout, block);

        for (uint32_t lane = 0; lane < block_link_of(r->layout, block)->count; lane++) { /* a free block has none */
            node[lane] = r->map[node[lane]];
            r->where[node[lane]] = block * METRIC_LANES + lane;
        }
    }
}

/* Planes outlive the entries that they were made at: the number of the next entry that is left divides the others in the same way. */
static void renumber_planes(struct renumbering *r, uint32_t rows)
{
    const struct block_layout *layout = r->layout;
    uint32_t next = rows;

    for (uint32_t node = layout->rows; node-- > 0;) r->next[node] = next = r->map[node] != BLOCK_NONE ? r->map[node] : next;
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        struct block_plane *plane = block_planes(layout, inner);

        for (uint32_t i = 0; i + 1 < block_inner(layout, inner)->count; i++) {
            plane[i].node = plane[i].node < layout->rows ? r->next[plane[i].node] : rows;
            if (plane[i].axis == BLOCK_BY_NUMBER) plane[i].value = (double)plane[i].node;
        }
    }
}

int block_renumber(struct block_layout *layout, const uint32_t *map, uint32_t rows, struct pcct_error *err)
{
    struct renumbering r = { layout, map, NULL, NULL };
    struct base_buffer where = { NULL, 0, 0 };
    int status = 0;

    TRY(base_take(&r.next, layout->env, layout->rows, sizeof *r.next, err));
    TRY(base_buffer_reserve(&where, layout->env, rows * sizeof(uint32_t), 0, err));
    r.where = where.data;
    if (rows > 0) memset(r.where, 0xff, rows * sizeof(uint32_t));
    base_par_for(layout->env, layout->blocks, BLOCKS_AT_ONCE, renumber_blocks, &r);
    renumber_planes(&r, rows);
    block_views_renumber(layout, map);
    base_buffer_free(&layout->where, layout->env);
    layout->where = where;
    layout->rows = rows;
done:
    base_free(layout->env, r.next);
    return status;
}
