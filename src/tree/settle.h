/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_SETTLE_H
#define TREE_SETTLE_H

#include "base/watch.h"
#include "tree/update.h"

/*
 * Settling: gives every node of a list its parent and level, as if one were inserted after the other in the order of the list. Nodes of level FREE
 * are new; ordinary live nodes are orphans that keep their subtree, stay eligible at their level meanwhile and never fall below it; live twins
 * whose node died are treated like new ones. When there is no root the first of the list becomes it.
 *
 * Where a point belongs (proof in docs/algorithm.md): call y eligible for x when d(x, y) <= 2^level(y), the root always. The nearest eligible y
 * (ties: least node) is the parent, and level(x) = ceil(log2 d) - 1.
 *
 * Where the tree itself is searched (custom metrics), radii are raised on the way, since the searches go by them; elsewhere the caller does it
 * afterwards (radius.h).
 */
int tree_settle(struct index_state *state, const uint32_t *order, size_t n, const struct tree_batch *batch, struct pcct_error *err);

/* The same for a custom metric and a tree that has a root: one after the other indeed. */
int tree_settle_sequence(struct index_state *state, const uint32_t *order, size_t n, struct pcct_error *err);

/* Stored level of a point at this key from its parent. */
static inline int16_t tree_level_of(const struct metric *metric, double key)
{
    return key > 0 ? (int16_t)(metric_scale(metric, key) - 1 + INDEX_LEVEL_BIAS) : INDEX_LEVEL_TWIN;
}

/*
 * A chunk of the list while it is being settled. Items are numbered by their rank in the order, from 0; all arrays are by rank.
 * key, parent, level: first as found in the tree alone (tentative), after tree_resolve as they are in the end.
 */
struct tree_chunk {
    struct index_state *state;   /* does not change meanwhile */
    const uint32_t *node;
    size_t n;
    double *place;               /* [n][dim] */
    double *key;                 /* to the parent */
    uint32_t *parent;            /* node */
    int16_t *level;              /* stored level */
    uint32_t *route;             /* ranks in spatial order: neighbours in space are worked on one after the other */
    struct base_arena *arena;    /* where all of these, the conflicts' tables and what resolving needs come from; empty after each chunk */
    struct base_span span;       /* of the work at hand, for tree_step() */
    const uint32_t *turn;        /* NULL, or items are numbered otherwise (tree/bulk.h) and this is where each stands in the order */
};

/* What a search did. */
static inline void tree_count_work(const struct base_env *env, const struct block_work *work)
{
    base_watch_add(env, BASE_STAT_distances, work->distances);
    base_watch_add(env, BASE_STAT_blocks_visited, work->blocks);
    base_watch_add(env, BASE_STAT_nodes_visited, work->nodes);
}

/* A stage of the chunk begins: the part from `from` to `to` of it. */
static inline void tree_step(const struct tree_chunk *chunk, enum base_stat stage, double from, double to)
{
    base_watch_stage(chunk->state->env, stage);
    base_watch_part(chunk->state->env, chunk->span, from, to);
}

/*
 * The conflict graph: x depends on the items y before it that it might hang on: d(x, y) <= 2^level(y) at y's tentative level (levels only fall), and
 * (d, y) less than x's tentative (d, parent). A directed acyclic graph in compressed rows: pairs of rank x are pair[start[x] .. start[x] + count[x]).
 */
struct tree_pair {
    double key;
    uint32_t rank;
};
struct tree_conflicts {
    struct base_vector *pair;    /* one list of struct tree_pair for each thread */
    int threads;
    uint32_t *owner;             /* by rank: whose list; these three are the chunk's arena's */
    size_t *start;
    uint32_t *count;
};

/* Lists the conflicts; *over = 1 when there are more than the budget (then nothing else is told): the caller settles fewer at a time. */
int tree_conflicts_find(struct tree_conflicts *conflicts, int *over, const struct tree_chunk *chunk, struct pcct_error *err);
void tree_conflicts_free(struct tree_conflicts *conflicts, const struct base_env *env);

/* Settles each item once all it depends on is settled. The relation has no cycles, so there is one result, whatever the schedule. */
int tree_resolve(struct tree_chunk *chunk, const struct tree_conflicts *conflicts, struct pcct_error *err);

#endif
