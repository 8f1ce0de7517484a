/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_LISTS_H
#define GP_LISTS_H

#include "gp/residual.h"
#include "query/neighbours.h"

/*
 * The k nearest of every point by a kernel, kept as query/neighbours.h keeps those by the store's metric (`limit` is not used), and brought to
 * another state bit for bit as if made anew.
 *
 * Features of a point follow from its place and the kernel alone. So under the same kernel a row that stays can change only by a point on its list
 * that went, or by one that came and is nearer than its last: the first are asked for anew, the others are compared with those that came, tile by
 * tile. Under another kernel every row is asked for anew.
 */
struct gp_listing {
    const struct index_state *state;
    const uint32_t *node;              /* [n_live] by label */
    const struct gp_features *points;  /* of these, in this order */
    int plain;                         /* 1: gp_correlation() is meant, not gp_residual() */
};

/* query_neighbours_free() in any case. k >= 1. env->watch is told how far it is. Errors: as gp_residual(). */
int gp_lists_make(struct query_neighbours *neighbours, size_t k, const struct gp_listing *listing, struct gp_work *work,
                       const struct base_env *env, struct pcct_error *err);

/* As query_neighbours_adopt(), by this kernel. */
int gp_lists_adopt(struct query_neighbours *neighbours, size_t k, const struct gp_listing *listing, const int64_t *list, const double *distance,
                        const int32_t *count, const struct base_env *env, struct pcct_error *err);

/* As query_neighbours_renew(). same: the lists were made under this very kernel, which is no function of
 * the caller's. */
int gp_lists_renew(struct query_renewal *renewal, struct query_neighbours *neighbours, const struct gp_listing *listing, int same,
                        query_change_visitor *visit, void *ctx, struct gp_work *work, const struct base_env *env, struct pcct_error *err);

#endif
