/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_WALK_H
#define TREE_WALK_H

#include "index/state.h"

/*
 * Reading the tree of a state, which must not change meanwhile. Depth first, parents before children, children in canonical order (T4). `next`
 * leads to the sibling and `parent` back up, so nothing is remembered on the way: no memory, no recursion, however deep a tree is.
 */
struct tree_walk {
    const struct index_state *state;
    uint32_t node;  /* INDEX_NONE: past the last one */
    uint32_t depth; /* steps from the root */
};
/* At the root. */
struct tree_walk tree_walk_start(const struct index_state *state);
void tree_walk_next(struct tree_walk *walk);

/* How many children a live node has; their labels in canonical order into labels[that many], NULL: not wanted. */
size_t tree_children(int64_t *labels, const struct index_state *state, uint32_t node);
/* How many nodes lie on the way from a live node to the root, both counted; their labels in this order into labels[that many], NULL: not wanted. */
size_t tree_path(int64_t *labels, const struct index_state *state, uint32_t node);

/* The shape of a tree in numbers, from one walk; all 0 for an empty one. */
struct tree_shape {
    uint64_t depth_most, children_most, inner; /* inner: nodes that have a child */
    double depth_mean;                         /* over all nodes */
    double children_mean, radius_mean;         /* over inner nodes; radius / 2^(level + 1) */
};
void tree_measure(struct tree_shape *shape, const struct index_state *state);

#endif
