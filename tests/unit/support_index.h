/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_INDEX_H
#define TESTS_SUPPORT_INDEX_H

#include "support_custom.h"

/*
 * States made without the tree layer: the naive tree says where every node belongs, and the state is brought there with the changes of
 * index/state.h alone, radii by comparing every node with its ancestors.
 */
struct support_index {
    struct support_env support;
    struct metric metric;
    struct support_custom custom; /* of the metric "custom" */
    struct support_tree tree;
    struct index_state state;
};
/* metric: a built-in one, or "custom": the euclidean distance by a function. */
void support_index_start(struct support_index *s, const char *metric, uint32_t dim, int threads);
void support_index_free(struct support_index *s);

/* One batch: `n` new points of the kind, numbered on, after the deaths of about `n_dead` nodes. frame: begun and sealed around it; NULL: none. */
void support_index_batch(struct support_index *s, struct index_frame *frame, enum support_kind kind, size_t n, enum support_pick pick, size_t n_dead,
                         struct base_random *random);

/* The same on a batch at hand, in steps that can fail; tree: after the batch already. Stops after step 1 (buried), 2 (appended), 3 (attached), 4 (all
 * is done). */
int support_index_follow(struct index_state *state, const struct support_tree *tree, const struct tree_batch *batch, int steps,
                         struct pcct_error *err);

/* Asserts that T1 to T6 hold. The state was changed within frames only. */
void support_index_sound(struct index_state *state);

#endif
