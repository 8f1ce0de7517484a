/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/walk.h"

#include <assert.h>
#include <math.h>

struct tree_walk tree_walk_start(const struct index_state *state)
{
    return (struct tree_walk){ state, state->root, 0 };
}

void tree_walk_next(struct tree_walk *walk)
{
    const struct index_state *state = walk->state;
    uint32_t node = walk->node;

    assert(node != INDEX_NONE);
    if (index_child(state)[node] != INDEX_NONE) {
        walk->node = index_child(state)[node];
        walk->depth++;
        return;
    }
    while (node != state->root && index_next(state)[node] == INDEX_NONE) {
        node = index_parent(state)[node];
        walk->depth--;
    }
    walk->node = node == state->root ? INDEX_NONE : index_next(state)[node];
}

size_t tree_children(int64_t *labels, const struct index_state *state, uint32_t node)
{
    size_t n = 0;

    assert(index_is_live(state, node));
    for (uint32_t c = index_child(state)[node]; c != INDEX_NONE; c = index_next(state)[c], n++) {
        if (labels) labels[n] = index_label(state)[c];
    }
    return n;
}

size_t tree_path(int64_t *labels, const struct index_state *state, uint32_t node)
{
    size_t n = 0;

    assert(index_is_live(state, node));
    for (uint32_t p = node; p != INDEX_NONE; p = index_parent(state)[p], n++) {
        if (labels) labels[n] = index_label(state)[p];
    }
    return n;
}

void tree_measure(struct tree_shape *shape, const struct index_state *state)
{
    double depths = 0, radii = 0;

    *shape = (struct tree_shape){ .depth_most = 0 };
    for (struct tree_walk walk = tree_walk_start(state); walk.node != INDEX_NONE; tree_walk_next(&walk)) {
        size_t children = tree_children(NULL, state, walk.node);

        depths += walk.depth;
        if (walk.depth > shape->depth_most) shape->depth_most = walk.depth;
        if (children == 0) continue;
        if (children > shape->children_most) shape->children_most = children;
        shape->inner++;
        /* only nodes of ordinary level have children */
        radii += ldexp(index_radius(state)[walk.node], -(index_level(state)[walk.node] - INDEX_LEVEL_BIAS + 1));
    }
    if (state->n_live > 0) shape->depth_mean = depths / (double)state->n_live;
    if (shape->inner == 0) return;
    shape->children_mean = (double)(state->n_live - 1) / (double)shape->inner;
    shape->radius_mean = radii / (double)shape->inner;
}
