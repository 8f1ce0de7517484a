/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_GRAPH_H
#define QUERY_GRAPH_H

#include "query/knn.h"

/*
 * The whole graph as a self-join: query_knn() for a batch in which every live node asks once, for its neighbours without itself, block by block (see
 * block/layout_pairs.h). The answers are the same. Blocks whose surroundings are large ask entry by entry.
 * *done is 0, and nothing else has happened, when the batch is another one, has a filter or a limit, or is of too many dimensions.
 * Errors: MEMORY, CANCELLED.
 */
int query_graph(int *done, int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                const struct base_env *env, struct block_work *work, struct pcct_error *err);

#endif
