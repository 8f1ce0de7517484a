/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_UPDATE_H
#define TREE_UPDATE_H

#include "index/state.h"

/*
 * One batch of deletes and inserts on a compressed cover tree.
 *
 * Definition: the tree of a commit is the one that taking its deleted points out, settling the orphans one after the other (level descending, then
 * priority) and inserting its new points one after the other in priority order would give. So it is a function of the tree before and the batch only,
 * not of threads or of how the batch is cut, and can be checked against plain sequential insertion node by node. The levels are then nested greedy
 * maximal independent sets, which is what the parallel batch algorithms of Gu, Napier, Sun and Wang (SPAA 2022) compute.
 */
enum tree_builder { TREE_BY_DATA, TREE_BY_PREFIXES, TREE_BY_SCALES };
enum tree_route { TREE_ROUTE_HILBERT, TREE_ROUTE_NATURAL, TREE_ROUTE_RANDOM };
struct tree_batch {
    const double *points;   /* [n_insert][input_dim], valid */
    const int64_t *labels;  /* [n_insert], not live once the deletes are done */
    size_t n_insert;
    const uint32_t *dead;   /* [n_delete] live nodes, distinct, any order */
    size_t n_delete;
    /* For tests and benchmarks, 0 for all others: how a tree is built from nothing (tree/bulk.h) and in which order points are worked on. The tree
     * does not depend on them. */
    enum tree_builder builder;
    enum tree_route route;
};

/* state->env->watch counts the work, and may stop it. After a failure the state is half changed: the caller takes its frame back.
 * Errors: MEMORY, CANCELLED, LIMIT (2^32 - 2 rows), INVALID (a custom metric returned what is no distance, or contradicts itself; names the
 * points). */
int tree_update(struct index_state *state, const struct tree_batch *batch, struct pcct_error *err);

#endif
