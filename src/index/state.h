/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_STATE_H
#define INDEX_STATE_H

#include "block/layout.h"

/*
 * A state: the plain arrays of one version. A node is a row number; new nodes stand at the end, in the caller's order. Labels are the identity of
 * points across versions, node numbers are internal.
 *
 * Invariants of the compressed cover tree (Elkin and Kurlin, ICML 2023, Def. 2.1), one node per point; index_check() proves them:
 *  T1 root.       A non-empty state has exactly one root; its level is greater than every other level.
 *  T2 cover.      For every non-root c of ordinary level: level(parent(c)) > level(c) and d(c, parent(c)) <= 2^(level(c)+1).
 *  T3 separation. For any two live nodes p, q of ordinary level: d(p, q) > 2^min(level(p), level(q)).
 *  T4 lists.      The child list of p holds exactly the live c with parent(c) = p, once each, in canonical order.
 *  T5 caches.     radius(p) >= d(p, every descendant); pdist(c) = d(c, parent(c)); level counts, label counter and digest are exact.
 *  T6 layout.     See block/layout.h; a live node's reach is the key of 2^level, the root's +infinity, a twin's -1. Custom metrics have no boxes:
 *                 their layout is empty and the tree itself is searched (index/search.h).
 * Twins: a point at computed distance 0 from a node of ordinary level hangs on it as its twin, never on another twin.
 *
 * Distances here are the metric's inner distances; d <= 2^i is always decided as key <= metric_reach(i), which is exact: 4^i where keys are squares,
 * else 2^i; at the least level it is 0.
 */
enum { INDEX_NONE = 0xffffffffu };

/* Values of the array `level`: 0 says that no node is here yet, ordinary level i stands as i + INDEX_LEVEL_BIAS (so it is positive). */
enum { INDEX_LEVEL_FREE = 0, INDEX_LEVEL_DEAD = -1, INDEX_LEVEL_TWIN = -2, INDEX_LEVEL_BIAS = 1024, INDEX_LEVELS = 2048 };

/* The arrays. Numbers are pinned: they stand in frames and anchors. */
enum index_array {
    INDEX_POINT = 1,  /* double [n][input_dim], append: the caller's coordinates */
    INDEX_LABEL = 2,  /* int64_t [n], append */
    INDEX_PARENT = 3, /* uint32_t [n]; root, dead: INDEX_NONE */
    INDEX_LEVEL = 4,  /* int16_t [n] */
    INDEX_RADIUS = 5, /* double [n]: at least the distance to every descendant; dead: 0 */
    INDEX_PDIST = 6,  /* double [n]: distance to the parent; root, dead: 0 */
    INDEX_CHILD = 7,  /* uint32_t [n]: head of the child list; by rule from parent and level */
    INDEX_NEXT = 8,   /* uint32_t [n]: next sibling; by rule. Order: level ascending, twins last; then node descending */
    INDEX_PLACE = 9,  /* double [n][dim], only for metrics that embed: inner coordinates; by rule from point */
    INDEX_ARRAYS = 10
};

/* The changeable numbers of one node. */
struct index_row {
    double radius, pdist;
    uint32_t parent;
    int16_t level;
    uint16_t zero;
};

struct index_frame;
struct index_labels;

struct index_state {
    const struct base_env *env;  /* borrowed */
    struct metric metric;
    uint64_t seed;               /* of priorities */
    uint32_t n, n_live, root;    /* rows, live rows, root node or INDEX_NONE */
    int64_t next_label;          /* the next default label: above every label ever used, at least 0 */
    uint64_t level_count[INDEX_LEVELS]; /* live nodes of ordinary level, by stored level */
    uint64_t twins;
    /* Order-free sums over rows of XXH3-64(array, row, value) for point, label, parent, level, radius, pdist; by array. */
    uint64_t digest[INDEX_ARRAYS];
    struct base_buffer array[INDEX_ARRAYS]; /* [0] unused */
    struct block_layout layout;
    struct index_labels *labels; /* label -> node, made when first needed; NULL before */
    struct index_frame *frame;   /* where changes are noted; NULL: nowhere */
};

static inline double *index_points(const struct index_state *s) { return s->array[INDEX_POINT].data; }
static inline int64_t *index_label(const struct index_state *s) { return s->array[INDEX_LABEL].data; }
static inline uint32_t *index_parent(const struct index_state *s) { return s->array[INDEX_PARENT].data; }
static inline int16_t *index_level(const struct index_state *s) { return s->array[INDEX_LEVEL].data; }
static inline double *index_radius(const struct index_state *s) { return s->array[INDEX_RADIUS].data; }
static inline double *index_pdist(const struct index_state *s) { return s->array[INDEX_PDIST].data; }
static inline uint32_t *index_child(const struct index_state *s) { return s->array[INDEX_CHILD].data; }
static inline uint32_t *index_next(const struct index_state *s) { return s->array[INDEX_NEXT].data; }
/* Inner coordinates, [n][metric.dim]. */
static inline double *index_places(const struct index_state *s) { return s->array[s->metric.embeds ? INDEX_PLACE : INDEX_POINT].data; }
static inline const double *index_place(const struct index_state *s, uint32_t node) { return index_places(s) + (size_t)node * s->metric.dim; }
static inline int index_is_live(const struct index_state *s, uint32_t node)
{
    return index_level(s)[node] > 0 || index_level(s)[node] == INDEX_LEVEL_TWIN;
}
static inline double index_key(const struct index_state *s, uint32_t a, uint32_t b)
{
    return metric_key(&s->metric, index_place(s, a), index_place(s, b));
}
/* The reach that the layout keeps for a node of this stored level: metric_reach(); twins -1. The root's is +infinity (index_node_reach). */
double index_level_reach(const struct metric *metric, int16_t level);
double index_node_reach(const struct index_state *state, uint32_t node);
/* The source that block functions take. */
struct block_source index_source(const struct index_state *state);

/* An empty state, the version 0 of every store. */
void index_init(struct index_state *state, const struct base_env *env, const struct metric *metric, uint64_t seed);
void index_free(struct index_state *state);

/*
 * Changes. Each keeps arrays, lists, level counts, labels and layout in step and notes the old values of rows below frame->n_before in
 * state->frame, if there is one. Radii and the root's stored level are kept by the caller (tree/). After a failure (MEMORY) the state is half
 * changed: the caller undoes the frame (index_undo).
 * The digest is brought up to date by index_frame_seal, index_apply and index_undo; changes without a frame leave it behind.
 */

/* Appends n rows of level FREE, not live yet: valid points (row-major, input_dim) with labels that are not live. Raises next_label. */
int index_append(struct index_state *state, const double *points, const int64_t *labels, size_t n, struct pcct_error *err);

/* Makes live nodes dead: out of the layout, out of live parents' lists (one pass per parent), level DEAD, parent and child NONE, radius and pdist
 * 0. Their live children keep level, radius and lane, and their `parent` still names the dead node until they are attached anew. A dead root
 * leaves root = INDEX_NONE. nodes: distinct. */
int index_bury(struct index_state *state, const uint32_t *nodes, size_t n, struct pcct_error *err);

/* Gives nodes their place: parent (INDEX_NONE: it becomes the root), stored level, and pdist by rule. Nodes of level FREE become live and get
 * a lane; live ones whose parent is dead or NONE move with their subtree, and their lanes get the new reach. nodes: distinct. Canonical order of
 * lists is kept by one merge per parent. A seat under a dead parent sets level and reach only, in no list: the node waits there for its next seat
 * (a twin that took over from a node whose parent is dead too). Parallel. */
struct index_seat {
    uint32_t node, parent;
    int16_t level;
};
int index_attach(struct index_state *state, const struct index_seat *seats, size_t n, struct pcct_error *err);

/* radius[node] = max(radius[node], radius). */
int index_raise_radius(struct index_state *state, uint32_t node, double radius, struct pcct_error *err);
/* The root's stored level = 1 + greatest other, falling too; INDEX_LEVEL_BIAS (level 0) when no other node is of ordinary level. T1. */
int index_settle_root(struct index_state *state, struct pcct_error *err);
/* Sets radius[node] (twin takeover). */
int index_set_radius(struct index_state *state, uint32_t node, double radius, struct pcct_error *err);
/* Sets the reach of nodes in the layout is part of index_attach; this makes the whole layout anew from the live rows (blocks filled to 64). */
int index_rebuild_layout(struct index_state *state, struct pcct_error *err);

/* Node of a live label; INDEX_NONE in *node when no live point has it. Makes the label table at first use (not thread-safe then: see
 * index_labels_prepare). While labels ascend with nodes no table is needed. */
int index_find(uint32_t *node, struct index_state *state, int64_t label, struct pcct_error *err);
int index_labels_prepare(struct index_state *state, struct pcct_error *err);
/* After index_labels_prepare: any thread. */
uint32_t index_find_prepared(const struct index_state *state, int64_t label);

/* Proves T1 to T6 in O(n log n) (T3 through the layout, or the tree where there is none), in parallel. Errors: DAMAGED, the message naming the
 * invariant and the first violating node or pair by label and node; INVALID, where a custom metric returns what is no distance; MEMORY. Of a custom
 * metric that is not registered all is proved but what distances decide: T3, the cover part of T2, and pdist and radius of T5. */
int index_check(const struct index_state *state, struct pcct_error *err);

/* Bytes of all arrays, without room to grow. */
uint64_t index_memory(const struct index_state *state);

#endif
