/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_NEIGHBOURS_H
#define QUERY_NEIGHBOURS_H

#include "query/knn.h"

/*
 * The k nearest of every live node of a state, kept and brought up to date: rows ascend by label. It keeps nothing of the state but a copy of
 * the places, so that it can be brought to another state without the one that it was made from.
 *
 * A row's list changes only if a point that came or went is as near as its last entry, or the list is not full: for each such point the rows that it
 * reaches so are searched backwards, with the k-th keys as marks (block/layout_marks.h). A row takes in what came, and is asked for anew only if
 * something that may be in its list went. All is by exact keys, ties included, so the result is bit for bit that of making all anew.
 */
struct query_neighbours {
    size_t k;
    uint32_t n, dim;
    int64_t *label;   /* [n] */
    double *place;    /* [n][dim] */
    double *limit;    /* [n] key of the k-th; +infinity: there are fewer */
    int64_t *list;    /* [n][k] labels, by (key, label), then -1 */
    double *distance; /* [n][k], then +infinity */
    int32_t *count;   /* [n] */
};

/* node[n_live]: all live nodes by label; labels are prepared (index_labels_prepare). k >= 1. query_neighbours_free() in any case. `progress` of the
 * batch is used, all else is set here. Errors: as query_knn(). */
int query_neighbours_make(struct query_neighbours *neighbours, size_t k, const struct index_state *state, const uint32_t *node,
                          const struct query_batch *batch, const struct base_env *env, struct block_work *work, struct pcct_error *err);
void query_neighbours_free(struct query_neighbours *neighbours, const struct base_env *env);

/* Lists that were made for this state before, to go on from: list, distance and count as above, borrowed. Checks what can be checked in proportion
 * to them: that entries are other live nodes, in order and as many as there must be, and that distances are theirs; that nothing nearer was left out
 * is taken on trust. Errors: INVALID (naming the row), MEMORY. */
int query_neighbours_adopt(struct query_neighbours *neighbours, size_t k, const struct index_state *state, const uint32_t *node,
                           const int64_t *list, const double *distance, const int32_t *count, const struct base_env *env, struct pcct_error *err);

/* query_neighbours_free() in any case. Errors: MEMORY. */
int query_neighbours_copy(struct query_neighbours *copy, const struct query_neighbours *neighbours, const struct base_env *env,
                          struct pcct_error *err);

/* For this structure's own files: room for the lists of all rows, with their labels and places; and a row's limit from its list. */
int query_neighbours_rows(struct query_neighbours *neighbours, size_t k, const struct index_state *state, const uint32_t *node,
                          const struct base_env *env, struct pcct_error *err);
void query_neighbours_limit(struct query_neighbours *neighbours, const struct index_state *state, uint32_t node, uint32_t row);

/* One row that differs. A row that came has no list before, one that went has none after. */
struct query_change {
    int64_t label;
    const int64_t *before, *after; /* NULL: the row is not there */
    const double *distance_before, *distance_after;
    int32_t count_before, count_after;
};
typedef int query_change_visitor(void *ctx, const struct query_change *change);

struct query_renewal {
    uint64_t gone, came;     /* points; one whose place changed is both */
    uint64_t asked;          /* rows that were asked for anew */
    uint64_t changed;        /* rows that came, went or differ: in their list, in a distance, or in the place of a point that is in it */
};

/* Brings the lists to another state of the same metric. visit() (NULL: nobody) sees every changed row, by label; other than 0 ends the seeing, not
 * the work. A custom metric has no layout to search backwards: all rows are asked for anew. After a failure nothing has changed. Errors: as
 * query_knn(). */
int query_neighbours_renew(struct query_renewal *renewal, struct query_neighbours *neighbours, const struct index_state *state, const uint32_t *node,
                           const struct query_batch *batch, query_change_visitor *visit, void *ctx, const struct base_env *env,
                           struct block_work *work, struct pcct_error *err);

#endif
