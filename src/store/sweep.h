/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include "store/internal.h"

/* Gives back what the catalogue does not lead to: segments before the tail's that it does not list, the anchors of versions that are not there
 * or that it does not list, pieces that no anchor names, what was left half made of either, and, of the other segments before the last base, the
 * blocks between frames that stay. The caller holds the lock, and in a store that others have open the maintenance lock. That a file cannot be
 * removed is no error: the next sweep tries again. Errors: MEMORY, DAMAGED, IO (the catalogue, a folder). */
int store_sweep(struct store *store, struct pcct_error *err);

#endif
