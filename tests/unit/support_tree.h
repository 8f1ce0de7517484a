/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TREE_H
#define TESTS_SUPPORT_TREE_H

#include "support.h"

#include "index/frame.h"
#include "index/state.h"
#include "tree/update.h"

/*
 * The naive cover tree: what src/tree/update.h defines, one point after the other, each compared with every node. It shares the embedding, the
 * priority and the number of a level with the library, and nothing else.
 */
struct support_tree {
    struct metric metric;
    uint64_t seed;
    uint32_t n, capacity, root;
    double *place;      /* [capacity][metric.dim] */
    int64_t *label;
    uint32_t *parent;
    int16_t *level;     /* stored levels, as in struct index_state */
};
void support_tree_start(struct support_tree *tree, const struct metric *metric, uint64_t seed);
void support_tree_free(struct support_tree *tree);
void support_tree_update(struct support_tree *tree, const struct tree_batch *batch);
/* Asserts that the state has the same rows, and each the same level and parent. */
void support_tree_expect(const struct support_tree *tree, const struct index_state *state);

/* Metrics and dimensions to build trees in: five with euclidean and haversine, then one for each other metric. */
enum { SUPPORT_SPACES = 9, SUPPORT_OTHERS = 5 };
struct support_space {
    const char *metric;
    uint32_t dim;
};
extern const struct support_space support_spaces[SUPPORT_SPACES];

/* Points to build trees from. CHAIN: one point in each of a thousand levels. DENORMAL: coordinates so small that squares underflow; where keys are no
 * squares, on both sides of the least scale. */
enum support_kind {
    SUPPORT_GAUSS, SUPPORT_BOX, SUPPORT_BALLS, SUPPORT_LATTICE, SUPPORT_DECADES, SUPPORT_LINE, SUPPORT_EQUAL, SUPPORT_DENORMAL, SUPPORT_CHAIN,
    SUPPORT_KINDS
};
const char *support_kind_name(enum support_kind kind);
/* Fits the metric: for haversine the same shapes on the sphere, with its poles and the date line; for directions around an axis. Rows
 * first .. first + n - 1 of an endless sequence. */
void support_kind_points(double *rows, const struct metric *metric, enum support_kind kind, size_t first, size_t n, uint64_t seed);

/* A batch of n new points, numbered on, and the deletion of these nodes (borrowed). */
struct support_batch {
    struct tree_batch tree;
    double *points;
    int64_t *labels;
};
void support_batch_start(struct support_batch *batch, const struct metric *metric, enum support_kind kind, uint32_t first, size_t n,
                         const uint32_t *dead, size_t n_dead, uint64_t seed);
void support_batch_free(struct support_batch *batch);

/* The whole of a commit's planning: frame begun, batch carried out, frame sealed (and thrown away). */
void support_plan(struct index_state *state, const struct tree_batch *batch);

/* About `n` of the state's live nodes, distinct; *dead is allocated. pick: at random, all within a ball, the root and its children, or all. */
enum support_pick { SUPPORT_PICK_ANY, SUPPORT_PICK_BALL, SUPPORT_PICK_ROOT, SUPPORT_PICK_ALL, SUPPORT_PICKS };
size_t support_pick_nodes(uint32_t **dead, const struct index_state *state, enum support_pick pick, size_t n, struct base_random *random);

/* What one version is: its arrays and digests, to be compared with those of another. The layout is not part of it. */
void support_state_equal(const struct index_state *a, const struct index_state *b);
/* A copy of the arrays and numbers (no layout, no labels); free with index_free. */
void support_state_copy(struct index_state *copy, const struct index_state *state);

#endif
