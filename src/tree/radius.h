/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_RADIUS_H
#define TREE_RADIUS_H

#include "index/state.h"

/*
 * T5: raises the radius of every ancestor of each moved or new node to cover it and what hangs below it, given as below[i] (0 for a new point): the
 * exact distance for a single point, distance plus `below`, rounded up, for a subtree. A maximum over a fixed set, so the order does not matter.
 */
int tree_raise_radii(struct index_state *state, const uint32_t *node, const double *below, size_t n, struct pcct_error *err);

/*
 * How far what hangs below an orphan may be from it. A radius of 0 with children means twins, and twins in other places are not at distance 0: their
 * squares underflowed, and from somewhere else they can be farther than the orphan itself.
 */
double tree_radius_below(const struct index_state *state, uint32_t node);

#endif
