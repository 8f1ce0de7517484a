/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_FILTER_H
#define QUERY_FILTER_H

#include "block/layout_sieve.h"
#include "index/state.h"

/*
 * Which nodes of a state may be found, and by whom. In an order every live node has a rank, from 0, and a stored point finds nodes of lesser rank
 * only; without one every query finds all nodes that the filter lets through.
 * A filter is for the state that it was made for, unchanged.
 */
enum query_order { QUERY_ORDER_NONE, QUERY_ORDER_NODE, QUERY_ORDER_LABEL, QUERY_ORDER_GIVEN };

struct query_rule {
    int by_level, level;     /* 1: only nodes of this level or above, and the root; no twins */
    const uint8_t *chosen;   /* [state->n] only nodes with other than 0; NULL: all */
    enum query_order order;
    const uint32_t *given;   /* QUERY_ORDER_GIVEN: [n_live] all live nodes, first to last */
};

struct query_filter {
    enum query_order order;
    uint32_t *found;         /* [state->n] a search with the bound b finds the nodes with found[node] < b; INDEX_NONE: let through by no search */
    uint32_t *rank;          /* [state->n] of live nodes, let through or not; NULL without an order */
    uint32_t *node;          /* [nodes] those let through: in the order, by label where there is none */
    size_t nodes;
    struct block_sieve sieve; /* `found` beside the layout */
};

/* query_filter_free() in any case. Errors: MEMORY. */
int query_filter_make(struct query_filter *filter, const struct index_state *state, const struct query_rule *rule, const struct base_env *env,
                      struct pcct_error *err);
void query_filter_free(struct query_filter *filter, const struct base_env *env);

/* nodes[n_live]: all live nodes by label. Errors: MEMORY. */
int query_nodes_by_label(uint32_t *nodes, const struct index_state *state, const struct base_env *env, struct pcct_error *err);

/* The bound for a search on behalf of a live node. */
static inline uint32_t query_filter_bound(const struct query_filter *filter, uint32_t node)
{
    return filter->rank ? filter->rank[node] : INDEX_NONE;
}

#endif
