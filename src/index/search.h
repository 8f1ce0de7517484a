/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_SEARCH_H
#define INDEX_SEARCH_H

#include "index/state.h"

/*
 * Searches over the cover tree itself, for custom metrics, of which nothing but distances is known: best first, nodes whose subtree cannot hold an
 * answer are left out by the triangle inequality (docs/algorithm.md has the bounds and their proof), the children of a node are evaluated together.
 * They see what hangs below the root: neither orphans on their way nor what hangs below these. Exact: as if every such node had been compared.
 *
 * A search is a place to work in, of one thread at a time, used again and again. A zeroed one with `state` set is empty.
 */
struct index_search {
    const struct index_state *state; /* borrowed */
    struct base_vector heap;         /* of this file alone */
    uint64_t nodes, distances;       /* nodes whose children were looked at, distances evaluated; never cleared here */
};
void index_search_start(struct index_search *search, const struct index_state *state);
void index_search_free(struct index_search *search);

/* The nearest node y by (key, node) with key(q, y) <= index_node_reach(y) into *best: the root reaches everything, twins nothing. There must be a
 * root. Errors: MEMORY. */
int index_search_nearest(struct block_hit *best, struct index_search *search, const double *q, struct pcct_error *err);

/* Shows every node y with key(q, y) <= min(limit, index_level_reach(y)) to visit(), in no promised order, until it returns other than 0. Here the
 * root counts by its level. Errors: MEMORY. */
int index_search_visit(struct index_search *search, const double *q, double limit, block_visitor *visit, void *ctx, struct pcct_error *err);

/* What is asked for, beside how many: live nodes but one, within a limit, some of them only. */
struct index_wish {
    const double *q;
    uint32_t self;         /* INDEX_NONE: none is left out */
    double limit;          /* the greatest key; +infinity: any */
    const uint32_t *rank;  /* by node: only those of rank < below; NULL: all */
    uint32_t below;
};
/* Offers every node asked for that can be among the k least by (key, label) to `top`, which the caller has started. Errors: MEMORY. */
int index_search_knn(struct base_topk *top, struct index_search *search, const struct index_wish *wish, struct pcct_error *err);
/* Shows every node asked for, whatever its reach, to visit(), in no promised order, until it returns other than 0. Errors: MEMORY. */
int index_search_within(struct index_search *search, const struct index_wish *wish, block_visitor *visit, void *ctx, struct pcct_error *err);

/* INVALID when a distance of this state's metric was none since its notes were cleared: names the points by label. A row that is none of the state's
 * is a query: its place in queries[nq] (NULL, 0: there are none). */
int index_calls_check(const struct index_state *state, const double *queries, size_t nq, struct pcct_error *err);

/* INVALID, saying how to register the function, when distances are needed and there is none. */
int index_calls_need(const struct metric *metric, struct pcct_error *err);

#endif
