/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_PRINCIPAL_H
#define GP_PRINCIPAL_H

#include "gp/space.h"

/*
 * Directions in which the features v of a space's points spread most: an orthonormal basis, most telling vector first, so that any first few of
 * its coordinates leave as little of v as so many can, or next to it. By iteration of a subspace over a sample; how good it is decides nothing but
 * time, how orthonormal it is has been measured.
 */
#define GP_PRINCIPAL_TRUST 0x1p-40 /* U^T U differs from the identity by no more, as a norm */

enum { GP_PRINCIPAL_MOST = 256 /* vectors, a multiple of 16 */ };

struct gp_principal {
    const struct base_env *env;
    uint32_t m, size;   /* vectors, a multiple of 16; 0: no basis is small and good enough */
    double *basis;      /* [size / 16][m][16] */
};

/* The least size at which a mean |v|^2 of at most `wanted` stays outside, else as many as there are if `most` is not exceeded then.
 * gp_principal_free() in any case. Parallel. Errors: MEMORY. */
int gp_principal_make(struct gp_principal *principal, const struct gp_space *space, double wanted, double most,
                      const struct base_env *env, struct pcct_error *err);
void gp_principal_free(struct gp_principal *principal); /* a zeroed one too */

/* out[rows][16] = coordinates 16 chunk to 16 chunk + 15 of up to 8 features. */
static inline void gp_principal_coordinates(double *out, const struct gp_principal *principal, const double *const *v, unsigned rows, uint32_t chunk,
                                            const struct gp_tiles *tiles)
{
    tiles->dots(out, v, rows, principal->basis + (size_t)chunk * principal->m * GP_LANES, principal->m);
}

#endif
