/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_CLOUD_H
#define GP_CLOUD_H

#include "index/state.h"

/*
 * The live points of a state by themselves, for work in which each has its place in a row: rows 0 to n - 1 ascend by label, so that ties between
 * rows are ties between labels. With lengthscales a row is the caller's coordinates, each divided by its lengthscale and rounded once; keys and
 * distances are those of the state's metric between such rows. Keeps nothing of the state. Not to be moved: the layout points into it.
 */
struct gp_cloud {
    struct metric metric;
    uint32_t n;
    uint32_t *node;             /* [n] which node of the state a row is */
    double *place;              /* [n][metric.dim] */
    struct block_layout layout; /* of all rows */
    struct block_source source;
};

/* lengthscale[metric.input_dim], above 0 and finite; NULL: none. gp_cloud_free() in any case.
 * Errors: INVALID (a custom metric, which has no coordinates to go by; lengthscales for a metric of directions), POINT (a coordinate that is
 * too large when it is divided, naming the label), MEMORY, CANCELLED. */
int gp_cloud_make(struct gp_cloud *cloud, const struct index_state *state, const double *lengthscale, const struct base_env *env,
                  struct pcct_error *err);
void gp_cloud_free(struct gp_cloud *cloud, const struct base_env *env); /* a zeroed one too */

static inline const double *gp_cloud_place(const struct gp_cloud *cloud, uint32_t row)
{
    return cloud->place + (size_t)row * cloud->metric.dim;
}

/* all[n]: 0, 1, ... */
void gp_cloud_rows(uint32_t *all, const struct gp_cloud *cloud);

#endif
