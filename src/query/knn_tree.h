/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_KNN_TREE_H
#define QUERY_KNN_TREE_H

#include "query/knn.h"

/* query_knn() for a custom metric: over the cover tree itself. `work` counts the nodes whose children were looked at and the distances evaluated;
 * there are no blocks. Errors: MEMORY, INVALID (what the metric returned is no distance; names the points). */
int query_knn_tree(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                   const struct base_env *env, struct block_work *work, struct pcct_error *err);

/* A search for each thread of env. *search is owned: query_searches_free(), which adds up what they did into *work (NULL: nowhere).
 * Errors: MEMORY. */
int query_searches_take(struct index_search **search, const struct index_state *state, const struct base_env *env, struct pcct_error *err);
void query_searches_free(struct block_work *work, struct index_search *search, const struct base_env *env);
/* INVALID when what the metric returned was no distance; names the points. */
int query_calls_check(const struct index_state *state, const struct query_batch *batch, struct pcct_error *err);

#endif
