/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RANGE_H
#define API_RANGE_H

#include "api/handle.h"

/*
 * The versions that `to` is made of and `from` is not, as store_range() says. from NULL: the empty version; to NULL: all that branches and tags stand
 * at. *at: the version that `from` names; ref: all branches and tags (struct store_ref, replaced). Errors: those of store_revision and store_range.
 */
int api_range(struct base_vector *version, struct base_vector *ref, uint64_t *at, pcct_store *store, const char *from, const char *to,
              struct pcct_error *err);

#endif
