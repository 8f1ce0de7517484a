/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_FLATS_H
#define GP_FLATS_H

#include "gp/space.h"

/*
 * What the points in flat blocks are to those in leaves, where both are queries and points: rho of every such pair is computed once, and the
 * greatest |rho| of a flat point and any point of a leaf kept, from above. It says from either side which need not be looked at again: nearly all, as
 * what stands next to an inducing point is hardly correlated with anything.
 */
struct gp_flats {
    const struct base_env *env;
    uint32_t lanes, blocks; /* 64 for each flat block */
    float *most;            /* [blocks][lanes]; 0 in lanes without a point */
};

/* gp_flats_free() in any case. Parallel. Errors: MEMORY. */
int gp_flats_make(struct gp_flats *flats, const struct gp_space *space, const struct base_env *env, struct pcct_error *err);
void gp_flats_free(struct gp_flats *flats); /* a zeroed one too */

#endif
