/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_REMOVE_H
#define TREE_REMOVE_H

#include "tree/update.h"

/*
 * Takes the batch's dead nodes out of the tree. For a dead node with live twins the least-numbered twin takes over its level, parent, children,
 * radius and root-ness. Then the live children of the dead are settled: orphans by (level descending, priority), highest first.
 * A twin whose coordinates differ from the dead node's (their distance underflowed to 0) cannot stand in for it and is settled as a new point.
 */
int tree_remove(struct index_state *state, const struct tree_batch *batch, struct pcct_error *err);

#endif
