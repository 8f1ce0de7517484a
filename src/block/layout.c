/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "block/layout_nodes.h"

#include <assert.h>
#include <string.h>

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
    struct block_array array[BLOCK_ARRAYS];

    block_arrays(array, layout);
    for (int i = 0; i < BLOCK_ARRAYS; i++) base_buffer_free(array[i].buffer, layout->env);
    block_init(layout, layout->env, layout->metric);
}

void block_arrays(struct block_array out[BLOCK_ARRAYS], struct block_layout *layout)
{
    const size_t blocks = layout->blocks, inners = layout->inners;
    const struct block_array array[BLOCK_ARRAYS] = {
        { "lane", &layout->lane, layout->dim * METRIC_LANES * sizeof(double), blocks },
        { "reach", &layout->reach, METRIC_LANES * sizeof(double), blocks },
        { "label", &layout->label, METRIC_LANES * sizeof(int64_t), blocks },
        { "node", &layout->node, METRIC_LANES * sizeof(uint32_t), blocks },
        { "block", &layout->block, sizeof(struct block_link), blocks },
        { "box", &layout->box, 2 * layout->dim * METRIC_FANOUT * sizeof(double), inners },
        { "top_reach", &layout->top_reach, METRIC_FANOUT * sizeof(double), inners },
        { "least_label", &layout->least_label, METRIC_FANOUT * sizeof(int64_t), inners },
        { "child", &layout->child, METRIC_FANOUT * sizeof(uint32_t), inners },
        { "inner", &layout->inner, sizeof(struct block_link), inners },
        { "where", &layout->where, sizeof(uint32_t), layout->rows },
    };

    memcpy(out, array, sizeof array);
}

void block_shape_get(struct block_shape *shape, const struct block_layout *layout)
{
    *shape = (struct block_shape){ layout->entries, layout->built, layout->blocks, layout->inners, layout->free_block,
                                   layout->free_inner, layout->root, layout->rows };
}

void block_shape_set(struct block_layout *layout, const struct block_shape *shape)
{
    assert(layout->entries == 0 && layout->lane.capacity == 0);
    layout->entries = shape->entries;
    layout->built = shape->built;
    layout->blocks = shape->blocks;
    layout->inners = shape->inners;
    layout->free_block = shape->free_block;
    layout->free_inner = shape->free_inner;
    layout->root = shape->root;
    layout->rows = shape->rows;
}

uint64_t block_memory(const struct block_layout *layout)
{
    return (uint64_t)layout->lane.capacity + layout->reach.capacity + layout->label.capacity + layout->node.capacity + layout->block.capacity +
           layout->box.capacity + layout->top_reach.capacity + layout->least_label.capacity + layout->child.capacity + layout->inner.capacity +
           layout->where.capacity;
}
