/* SPDX-License-Identifier: Apache-2.0 */
#include "query/filter.h"

#include "base/sort.h"

#include <assert.h>
#include <string.h>

int query_nodes_by_label(uint32_t *nodes, const struct index_state *state, const struct base_env *env, struct pcct_error *err)
{
    struct base_pair *pair = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&pair, env, state->n_live, sizeof *pair, err));
    for (uint32_t node = 0; node < state->n; node++) {
        /* the sign bit flipped: signed order as unsigned order */
        if (index_is_live(state, node)) pair[n++] = (struct base_pair){ (uint64_t)index_label(state)[node] ^ (uint64_t)1 << 63, node };
    }
    TRY(base_sort_pairs(pair, n, env, err));
    for (size_t i = 0; i < n; i++) nodes[i] = (uint32_t)pair[i].value;
done:
    base_free(env, pair);
    return status;
}

static void order_by_node(uint32_t *sequence, const struct index_state *state)
{
    size_t n = 0;

    for (uint32_t node = 0; node < state->n; node++) {
        if (index_is_live(state, node)) sequence[n++] = node;
    }
}

static int lets_through(const struct index_state *state, const struct query_rule *rule, uint32_t node)
{
    if (rule->by_level && index_level(state)[node] < rule->level + INDEX_LEVEL_BIAS && node != state->root) return 0;
    return !rule->chosen || rule->chosen[node];
}

/* Puts down ranks, and shortens the sequence to what is let through. */
static void put_ranks(struct query_filter *filter, const struct index_state *state, const struct query_rule *rule)
{
    memset(filter->found, 0xff, state->n * sizeof *filter->found);
    for (size_t i = 0; i < state->n_live; i++) {
        const uint32_t node = filter->node[i];

        assert(node < state->n && index_is_live(state, node));
        if (filter->rank) filter->rank[node] = (uint32_t)i;
        if (!lets_through(state, rule, node)) continue;
        filter->found[node] = filter->rank ? (uint32_t)i : 0;
        filter->node[filter->nodes++] = node;
    }
}

int query_filter_make(struct query_filter *filter, const struct index_state *state, const struct query_rule *rule, const struct base_env *env,
                      struct pcct_error *err)
{
    int status = 0;

    memset(filter, 0, sizeof *filter);
    filter->order = rule->order;
    TRY(base_take(&filter->found, env, state->n, sizeof *filter->found, err));
    TRY(base_take(&filter->node, env, state->n_live, sizeof *filter->node, err));
    if (rule->order != QUERY_ORDER_NONE) TRY(base_take(&filter->rank, env, state->n, sizeof *filter->rank, err));
    if (rule->order == QUERY_ORDER_NODE) order_by_node(filter->node, state);
    else if (rule->order == QUERY_ORDER_GIVEN) memcpy(filter->node, rule->given, state->n_live * sizeof *filter->node);
    else TRY(query_nodes_by_label(filter->node, state, env, err));
    put_ranks(filter, state, rule);
    TRY(block_sieve_make(&filter->sieve, &state->layout, filter->found, env, err));
done:
    return status;
}

void query_filter_free(struct query_filter *filter, const struct base_env *env)
{
    base_free(env, filter->found);
    base_free(env, filter->rank);
    base_free(env, filter->node);
    block_sieve_free(&filter->sieve, env);
    memset(filter, 0, sizeof *filter);
}
