/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include "base/env.h"

#include <stddef.h>
#include <stdint.h>

/* Sorts n pairs by key, stably (equal keys keep their order), by least-significant-digit counting sort over the bytes that differ; parallel for
 * large n, the same result for every thread count. */
struct base_pair {
    uint64_t key;
    uint64_t value;
};
int base_sort_pairs(struct base_pair *pairs, size_t n, const struct base_env *env, struct pcct_error *err);

/* Groups items 0..n-1 by group[i] < groups: order[n] lists them group by group, ascending within a group; start[groups + 1] says where each
 * group begins. Counting sort with one histogram a thread; O(n + groups). */
int base_group(uint32_t *order, uint32_t *start, const uint32_t *group, size_t n, size_t groups, const struct base_env *env,
               struct pcct_error *err);

#endif
