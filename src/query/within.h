/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_WITHIN_H
#define QUERY_WITHIN_H

#include "query/knn.h"

/*
 * Everything within a limit: of a batch (see query/knn.h) whose `limit` is set, all nodes of key <= *limit that may be found; k: at most so many, the
 * least by (key, label). Answers of different lengths, so they stand one after the other. A found structure keeps its memory for the next call; one
 * that is zeroed is empty. `bounds` and `progress` of the batch are not for this.
 */
struct query_found {
    size_t nq;
    struct base_buffer start;    /* uint64_t [nq + 1]: query i has places start[i] .. start[i + 1] - 1 */
    struct base_buffer label;    /* int64_t [start[nq]] */
    struct base_buffer distance; /* double, the same */
    /* while searching */
    struct base_vector *hit;     /* [threads] of struct base_topk_entry */
    struct block_near *near;     /* [threads], with room for k */
    int threads;
    size_t k;
    struct base_buffer part;     /* where a query's hits are: struct query_part [nq] */
};
struct query_part {
    size_t first;
    int thread;
};
void query_found_free(struct query_found *found, const struct base_env *env);

/* Always with the same env->memory. After a failure nothing is found: nq is 0. Errors: MEMORY, INVALID (what a custom metric returned is no
 * distance). */
int query_within(struct query_found *found, const struct index_state *state, const struct query_batch *batch, const struct base_env *env,
                 struct block_work *work, struct pcct_error *err);

/* Only how many: counts[nq]. Errors: the same. */
int query_count(uint64_t *counts, const struct index_state *state, const struct query_batch *batch, const struct base_env *env,
                struct block_work *work, struct pcct_error *err);

/* The same by comparing each query with every live point. */
void query_count_brute(uint64_t *counts, const struct index_state *state, const struct query_batch *batch, const struct base_env *env);

#endif
