/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_FARTHEST_H
#define GP_FARTHEST_H

#include "gp/cloud.h"

/*
 * Greedy orders: the next row is the one whose nearest among those before it is farthest off (Gonzalez, "Clustering to minimize the maximum
 * intercluster distance", 1985). Each row keeps the key of its nearest so far as its mark in the layout (block/layout_marks.h): the next one is the
 * greatest mark, and what it comes nearer to are the rows that it reaches by their marks. So a step looks at what it changes and little else.
 */

/* The order MAXMIN of gp/ordering.h, and COARSE by the levels of a state's tree. order[cloud->n]. Errors: MEMORY, CANCELLED. */
int gp_farthest(uint32_t *order, const struct gp_cloud *cloud, const struct base_env *env, struct pcct_error *err);
int gp_coarse_to_fine(uint32_t *order, const struct gp_cloud *cloud, const struct index_state *state, const struct base_env *env,
                      struct pcct_error *err);

#endif
