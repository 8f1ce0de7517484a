/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_DIGEST_H
#define INDEX_DIGEST_H

#include "index/frame.h"

/*
 * Digests: for each of the arrays point, label, parent, level, radius, pdist the sum, mod 2^64, over its rows of XXH3-64 over the bytes
 * (array u32, row u32, value), little-endian. A sum does not care for order, so a change costs its old and its new values only.
 */

/* Adds all six values of the n rows from `first` on. */
void index_digest_rows(uint64_t digest[INDEX_ARRAYS], const struct index_state *state, uint32_t first, size_t n);

/* Takes off the values before and adds the values after, of the four arrays of a row. */
void index_digest_changes(uint64_t digest[INDEX_ARRAYS], const struct index_change *changes, size_t n, const struct base_env *env);

#endif
