/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_ORDERING_H
#define GP_ORDERING_H

#include "gp/cloud.h"

/* Orders of the rows of a cloud. Each is defined by rows, places and the rule alone: neither threads nor layouts change it. */
enum gp_order { GP_ORDER_MAXMIN = 1, GP_ORDER_COORDINATE, GP_ORDER_HILBERT, GP_ORDER_RANDOM, GP_ORDER_COARSE };

struct gp_rule {
    enum gp_order order;
    uint32_t axis;                   /* COORDINATE: of the caller's, from 0 */
    uint64_t seed;                   /* RANDOM */
    const struct index_state *state; /* that the cloud was made from: its coordinates, COARSE: the levels of its tree */
};

/*
 * order[cloud->n]: the rows, first to last.
 * MAXMIN: first the row nearest to the mean of all; then, again and again, the one whose nearest among those before it is farthest off; ties: the
 * least row.
 * COORDINATE: ascending by one coordinate, as the caller gave it; ties by row.
 * HILBERT: along the curve of base/hilbert.h.
 * RANDOM: the shuffle of Fisher and Yates, drawn from base/random.h.
 * COARSE: the root, then level by level of the tree, the greatest first, twins last; within a level as MAXMIN goes on from what is before it.
 * Errors: MEMORY, CANCELLED.
 */
int gp_order_rows(uint32_t *order, const struct gp_cloud *cloud, const struct gp_rule *rule, const struct base_env *env, struct pcct_error *err);

#endif
