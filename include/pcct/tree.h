/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_TREE_H
#define PCCT_TREE_H

#include <pcct/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The compressed cover tree of a view (Elkin and Kurlin, A new near-linear time algorithm for k-nearest neighbor search using a compressed cover
 * tree, ICML 2023, Definition 2.1), for callers that want its hierarchy. Every live point is one node, known by its label.
 *
 * A node of level i other than the root has a parent of greater level, at most 2^(i+1) away; any two nodes are more than 2^(their lesser level)
 * apart. The root's level is above all others. A twin is a point at computed distance 0 from its parent; it has no level and no children.
 *
 * Distances here are in the metric's inner unit, in which the tree is built: the distance itself, but for metrics of directions (haversine, cosine,
 * angular), where it is the chord between unit vectors.
 *
 * Every call may be made by any thread, any number of them on one view at once. Where a call fills an array of unknown length, ask for the length
 * with labels (levels) NULL first: a view never changes, so the second call writes as many.
 */

/* Level numbers that can be asked for. A twin is reported at PCCT_LEVEL_TWIN, below them all. */
enum { PCCT_LEVEL_MIN = -1023, PCCT_LEVEL_MAX = 1023, PCCT_LEVEL_TWIN = -32768 };

/*
 * The net of a level: the labels of all nodes of this level or above, ascending, into labels[*n]; *n is their number. The root belongs to every net,
 * a twin to none. Points of the net are more than 2^level apart, and every live point is less than 2^(level+1) from one of them. Nets are nested: a
 * greater level gives a subset. Takes time in proportion to the view's rows; with labels NULL, for only the number, next to none.
 * Errors: INVALID (a level outside PCCT_LEVEL_MIN..MAX), MEMORY.
 */
PCCT_PUBLIC int pcct_net(int64_t *labels, size_t *n, const pcct_view *view, int level, struct pcct_error *err);

/* How many nodes a level has, twins not counted. */
struct pcct_level {
    int32_t level;
    uint32_t reserved; /* 0 */
    uint64_t nodes;
};
/* The levels that have a node, from the root's down, into levels[*n]; *n is their number (pcct_view_info.levels). levels NULL: only the number.
 * Errors: INVALID. */
PCCT_PUBLIC int pcct_levels(struct pcct_level *levels, size_t *n, const pcct_view *view, struct pcct_error *err);

/* One node. */
struct pcct_node_info {
    size_t size;
    int64_t label;
    int64_t parent;      /* -1, which no point has: this is the root */
    int32_t level;       /* PCCT_LEVEL_TWIN: a twin */
    int32_t twin;        /* 1: a twin */
    double distance;     /* to the parent; root: 0 */
    double radius;       /* no point below is farther; exact where nothing below was moved or deleted */
    uint64_t children;
    uint64_t depth;      /* steps from the root */
    const double *point; /* its coordinates, in the store's units; borrowed until the view is closed */
};

/* Describes the node of a label. Fill `size` before the call. Errors: UNKNOWN (naming the label), INVALID, MEMORY. */
PCCT_PUBLIC int pcct_node_describe(struct pcct_node_info *node, const pcct_view *view, int64_t label, struct pcct_error *err);

/* Labels of a node's children into labels[*n], in canonical order: level ascending, twins last, within a level the later inserted first. *n is their
 * number. labels NULL: only the number. Errors: UNKNOWN, INVALID, MEMORY. */
PCCT_PUBLIC int pcct_children(int64_t *labels, size_t *n, const pcct_view *view, int64_t label, struct pcct_error *err);

/* Labels on the way from a node, which is the first, to the root, the last, into labels[*n]; *n is their number, depth + 1. labels NULL: only the
 * number. Errors: UNKNOWN, INVALID, MEMORY. */
PCCT_PUBLIC int pcct_path(int64_t *labels, size_t *n, const pcct_view *view, int64_t label, struct pcct_error *err);

/* Shows every node to visit(), depth first, parents before their children, children in canonical order, until it returns other than 0, which ends the
 * walk and is no error. visit() runs in the calling thread and may use the view; *node is borrowed during the call. Takes no memory, however deep the
 * tree is. Errors: INVALID. */
PCCT_PUBLIC int pcct_walk(const pcct_view *view, int (*visit)(void *ctx, const struct pcct_node_info *node), void *ctx, struct pcct_error *err);

/* The shape of the tree. Fill `size` before the call, which walks over all nodes. All is 0 for an empty view. */
struct pcct_tree_info {
    size_t size;
    uint64_t nodes, inner, twins; /* live points; those with children; twins */
    uint64_t depth_max;
    double depth_mean;            /* over all nodes; the root's is 0 */
    uint64_t children_max;
    double children_mean;         /* over nodes with children */
    double radius_mean;           /* of radius / 2^(level+1), over nodes with children: below 1 in a tree that only grew, more after deletes may
                                     have left radii greater than need be */
};
PCCT_PUBLIC int pcct_tree_describe(struct pcct_tree_info *info, const pcct_view *view, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
