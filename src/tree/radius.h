/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_RADIUS_H
#define TREE_RADIUS_H

#include "index/state.h"

/*
 * T5: raises the radius of every ancestor of each moved or new node to cover it and what hangs below it, given as below[i] (0 for a new point): the
 * exact distance for a single point, distance plus `below`, rounded up, for a subtree. A maximum over a fixed set, so the order does not matter.
 */
int tree_raise_radii(struct index_state *state, const uint32_t *node, const double *below, size_t n, struct pcct_error *err);

#endif
