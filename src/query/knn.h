/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_KNN_H
#define QUERY_KNN_H

#include "index/state.h"

/*
 * Batched exact k-NN. queries: inner coordinates [nq][metric.dim], finite. self[nq]: the node to leave out for each query, or NULL. Answers in order
 * of (key, label); labels[nq x k] and distances[nq x k] in the user's unit, the rest of a short answer -1 and +infinity; counts[nq] or NULL.
 * k >= 1. The answer depends on neither threads nor layout. Errors: MEMORY, INVALID (what a custom metric returned is no distance).
 */
struct query_batch {
    const double *queries;
    const uint32_t *self;
    size_t nq, k;
};

int query_knn(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
              const struct base_env *env, struct block_work *work, struct pcct_error *err);

/* The same answers by comparing each query with every live point: the oracle of `verify`, tests and benchmarks. */
int query_brute(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                const struct base_env *env, struct pcct_error *err);

#endif
