/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_RESIDUAL_H
#define GP_RESIDUAL_H

#include "base/topk.h"
#include "gp/features.h"

/*
 * Exact nearest neighbours by residual correlation: for each query the k points of least (key, label), where key is gp_key(rho) (gp/features.h), as
 * comparing it with every point gives them, to the bit. What is passed over, and why that is right, is in docs/algorithm.md (G1 to G7).
 */
#define GP_NOBODY 0xffffffffu

struct gp_prepared;

struct gp_ask {
    const struct gp_features *points;
    const uint32_t *member;             /* [members] the points that may be found */
    size_t members;
    const int64_t *label;               /* by point */
    const struct gp_features *queries;  /* points from outside; NULL: the members themselves, each without itself, a row for each in their order */
    const uint32_t *self;               /* [queries->n] the point that each leaves out, GP_NOBODY: none; NULL: none do */
    const uint32_t *rank;               /* by point, for members as queries: only those of lesser rank are found; NULL: all */
    size_t k;
    const uint32_t *before;             /* [members][k], for members as queries: points that are likely near, none twice in a row, GP_NOBODY:
                                         * none; NULL: not known. They are looked at first; the answer is the same */
    const struct gp_prepared *prepared; /* of all members, without ranks; NULL: what is needed is made for this question */
    int brute;                          /* 1: compare each query with every member */
};

/* What was done, for the curious. pairs, again, nodes and enveloped depend a little on which of several threads comes first (gp/notes.h). */
struct gp_work {
    uint64_t pairs;      /* rho evaluated for queries, in tiles */
    uint64_t again;      /* of these, pairs that principal coordinates left to the filter */
    uint64_t nodes;      /* nodes tested by their pivots */
    uint64_t enveloped;  /* nodes passed over by their envelope (G4) */
    uint64_t flat;       /* points in flat blocks */
    uint64_t blocks;
    int filtered;        /* 1: single precision had the first look */
    int cascaded;        /* 1: principal coordinates had it */
};

/* The points laid out once, for questions without ranks to the same members: of `ask` points, members, labels, and a k like those to come.
 * *prepared is owned: gp_prepared_free(). Errors: MEMORY. */
int gp_prepare(struct gp_prepared **prepared, const struct gp_ask *ask, const struct base_env *env, struct pcct_error *err);
void gp_prepared_free(struct gp_prepared *prepared, const struct base_env *env); /* NULL is fine */

/* Time goes to the stages `layout` and `locate` of env's watch.
 * labels[nq x k], distances[nq x k] (the rest -1 and +infinity), counts[nq] (NULL: not wanted). Errors: MEMORY, INVALID (a custom kernel's value
 * that is no number), CANCELLED. Parallel; the answer does not depend on the threads. */
int gp_residual(int64_t *labels, double *distances, int32_t *counts, const struct gp_ask *ask, struct gp_work *work, const struct base_env *env,
                struct pcct_error *err);

/* The same without inducing points, for kernels that fall with the scaled distance (all but custom ones): by (scaled distance, label). */
int gp_correlation(int64_t *labels, double *distances, int32_t *counts, const struct gp_ask *ask, struct gp_work *work, const struct base_env *env,
                   struct pcct_error *err);

/* The distances that gp_correlation() tells for squared scaled distances: distance[n] for the keys of entry[n]. */
void gp_correlation_distances(double *distance, const struct gp_features *points, const struct base_topk_entry *entry, size_t n);

#endif
