/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_KNN_H
#define QUERY_KNN_H

#include "index/search.h"
#include "query/filter.h"

#include <math.h>

/*
 * Batched exact k-NN. Queries are inner coordinates [nq][metric.dim], finite, or stored nodes. Answers in order of (key, label); labels[nq x k] and
 * distances[nq x k] in the user's unit, the rest of a short answer -1 and +infinity; counts[nq] or NULL. k >= 1.
 * The answer depends on neither threads nor layout. Errors: MEMORY, CANCELLED, INVALID (what a custom metric returned is no distance).
 */
struct query_batch {
    const double *queries;             /* NULL: the places of node[] */
    const uint32_t *self;              /* [nq] the node to leave out for each query; NULL: none */
    size_t nq, k;
    const uint32_t *node;              /* [nq] stored queries; NULL: the queries are from outside, and a filter has no order */
    const struct query_filter *filter; /* NULL: all live nodes may be found */
    const double *limit;               /* the greatest key that may be found; NULL: any */
    double *bounds;                    /* written: [nq] distance of the nearest node that may be found and is not in the answer, +infinity if there is
                                        * none; NULL: not wanted */
    int (*progress)(void *ctx, double done); /* other than 0 stops; NULL: none */
    void *progress_ctx;
};

static inline const double *query_place(const struct query_batch *batch, const struct index_state *state, size_t i)
{
    return batch->queries ? batch->queries + i * state->metric.dim : index_place(state, batch->node[i]);
}

/* What the i-th query looks for. */
static inline struct block_query query_of(const struct query_batch *batch, const struct index_state *state, size_t i)
{
    return (struct block_query){
        .q = query_place(batch, state, i),
        .self = batch->self ? batch->self[i] : INDEX_NONE,
        .limit = batch->limit ? *batch->limit : (double)INFINITY,
        .sieve = batch->filter ? &batch->filter->sieve : NULL,
        .below = batch->filter && batch->node ? query_filter_bound(batch->filter, batch->node[i]) : INDEX_NONE,
    };
}

/* The same for a search over the tree. */
static inline struct index_wish query_wish(const struct query_batch *batch, const struct index_state *state, size_t i)
{
    const struct block_query query = query_of(batch, state, i);

    return (struct index_wish){ query.q, query.self, query.limit, batch->filter ? batch->filter->found : NULL, query.below };
}

/* Whether it may find a node, wherever that is: by definition, without the layout. */
static inline int query_may_find(const struct query_batch *batch, const struct index_state *state, const struct block_query *query, uint32_t node)
{
    return index_is_live(state, node) && node != query->self && (!batch->filter || batch->filter->found[node] < query->below);
}

int query_knn(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
              const struct base_env *env, struct block_work *work, struct pcct_error *err);

/* The same answers by comparing each query with every live point: the oracle of `verify`, tests and benchmarks. */
int query_brute(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                const struct base_env *env, struct pcct_error *err);

/* Writes the answer of the i-th query: `top` was asked for as many as query_kept() says, and is finished here. */
void query_answer(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch, size_t i,
                  struct base_topk *top);
/* How many nearest are looked for: one more for the bounds, no more than there are, one at least. */
static inline size_t query_kept(const struct query_batch *batch, const struct index_state *state)
{
    const size_t k = batch->k + (batch->bounds != NULL), kept = k < state->n_live ? k : state->n_live;

    return kept > 0 ? kept : 1;
}
/* CANCELLED when the batch's progress says so: `done` of its queries are answered. */
int query_go_on(const struct query_batch *batch, size_t done, struct pcct_error *err);

/* The order in which they came; and, of some of them, in which they are best worked on, those that are near one another together. Errors: MEMORY. */
void query_plain_order(uint32_t *order, size_t nq);
int query_spatial_order(uint32_t *order, size_t n, const struct index_state *state, const struct query_batch *batch, const struct base_env *env,
                        struct pcct_error *err);

#endif
