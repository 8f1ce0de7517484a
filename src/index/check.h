/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_CHECK_H
#define INDEX_CHECK_H

#include "index/fault.h"
#include "index/state.h"

/*
 * The part of index_check that makes a state safe to walk: every level, parent, child and next is in range, parents live and stand above their
 * children, so that there are no rings; lists are whole and in order (T4); one root (T1); finite radii and distances; exact counts. Nothing that the
 * arrays say is trusted. Errors: DAMAGED, MEMORY.
 */
int index_check_rows(const struct index_state *state, struct pcct_error *err);

/* By code: the invariant, and what is said of the node that breaks it. DAMAGED, naming the point by label and node. */
struct index_fault_words {
    const char *invariant, *what;
};
int index_fault_name(const struct index_state *state, const struct index_fault *fault, const struct index_fault_words *words, struct pcct_error *err);

#endif
