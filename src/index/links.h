/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_LINKS_H
#define INDEX_LINKS_H

#include "index/state.h"

/*
 * Child lists (T4): `child` is the head, `next` the sibling. Canonical order: level ascending, twins last; then node descending. Changes come in
 * groups, one pass over the list of each parent.
 */
struct index_link {
    uint32_t parent, node;
    uint32_t order; /* index_list_order() of the node's level: when it was linked, for taking out; now, for putting in */
};

static inline uint32_t index_list_order(int16_t level) { return level == INDEX_LEVEL_TWIN ? (uint32_t)INDEX_LEVELS : (uint32_t)level; }
/* Whether a stands before b in a list. */
static inline int index_list_before(const struct index_state *s, uint32_t a, uint32_t b)
{
    uint32_t x = index_list_order(index_level(s)[a]), y = index_list_order(index_level(s)[b]);

    return x < y || (x == y && a > b);
}

/* By parent, then canonical order. Errors: MEMORY. */
int index_links_sort(struct index_link *links, size_t n, const struct base_env *env, struct pcct_error *err);

/* Sorted links out of, into their parents' lists; parents that are not live are passed over. Parallel, cannot fail. */
void index_links_remove(struct index_state *state, const struct index_link *links, size_t n);
void index_links_add(struct index_state *state, const struct index_link *links, size_t n);

/* All lists anew from parent and level. Errors: MEMORY. */
int index_links_rebuild(struct index_state *state, struct pcct_error *err);

#endif
