/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_CHOLESKY_H
#define GP_CHOLESKY_H

#include "gp/tiles.h"

/*
 * The factor of a positive definite matrix and what is solved with it, in tiles. Each element is one chain of fused multiply-adds in a fixed
 * order, so the bits depend on neither machine nor threads; libraries of linear algebra promise no such thing, and bring threads of their own.
 */

/* factor[m x m], row-major: lower L with L L^T = matrix + jitter I; what stands above its diagonal is not touched. *row: m when all went well,
 * else the first row where the matrix is not positive definite. Errors: MEMORY. */
int gp_cholesky(double *factor, uint32_t *row, const double *matrix, uint32_t m, double jitter, const struct gp_tiles *tiles,
                const struct base_env *env, struct pcct_error *err);

/* panel[m][16] = L^-1 panel. */
void gp_cholesky_solve(double *panel, const double *factor, size_t stride, uint32_t m, const struct gp_tiles *tiles);

#endif
