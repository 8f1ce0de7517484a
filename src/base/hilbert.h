/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HILBERT_H
#define BASE_HILBERT_H

#include "base/env.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Position of a point along the Hilbert curve (Skilling, "Programming the Hilbert curve", AIP Conf. Proc. 707, 2004) of the leading min(dim, 8)
 * axes, floor(64 / axes) bits (at most 16) an axis. cell[axes]: coordinates on the grid, changed by the call.
 */
uint64_t base_hilbert_code(uint32_t *cell, uint32_t axes, uint32_t bits);

/* order[n]: the rows 0..n-1 of row-major rows[n x dim] along the curve laid through their bounding box, ties by row. Rows must be finite. */
int base_hilbert_order(uint32_t *order, const double *rows, size_t n, uint32_t dim, const struct base_env *env, struct pcct_error *err);

#endif
