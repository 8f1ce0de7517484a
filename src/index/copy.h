/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_COPY_H
#define INDEX_COPY_H

#include "index/state.h"

/* Fills an uninitialised state, whose env will be `env`, with a copy of another, which may be read meanwhile. Labels are left to be made anew.
 * Parallel. After a failure it need not be freed. Errors: MEMORY. */
int index_copy(struct index_state *out, const struct base_env *env, const struct index_state *from, struct pcct_error *err);

#endif
