/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_WARM_H
#define INDEX_WARM_H

#include "index/state.h"

/*
 * Before many changes of a state whose arrays are mapped: each page that is written to is first read, then copied, two faults of a microsecond or
 * two, and where several threads run the second one interrupts the others. Here the pages of the arrays that nearly all will be written to are
 * copied at once, by all threads. Nothing changes, and nothing happens where changes are few or arrays are not mapped.
 */

/* changes: of rows; gone: those of them that die. */
void index_warm(struct index_state *state, size_t changes, size_t gone);

#endif
