/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_NEIGHBOURS_CHANGE_H
#define QUERY_NEIGHBOURS_CHANGE_H

#include "query/neighbours.h"

/* Which rows of two sets of lists are of the same point at the same place, to the bit. */
struct query_match {
    uint32_t *before;   /* [fresh->n] the row that it was, INDEX_NONE: it came */
    uint32_t *after;    /* [old->n] the row that it is, INDEX_NONE: it went */
    int64_t *replaced;  /* [n_replaced] labels that stay, with another place; ascending */
    size_t n_replaced;
    uint64_t gone, came; /* one that was replaced is both */
};

/* query_match_free() in any case. Errors: MEMORY. */
int query_match_rows(struct query_match *match, const struct query_neighbours *old, const struct query_neighbours *fresh, const struct base_env *env,
                     struct pcct_error *err);
void query_match_free(struct query_match *match, const struct base_env *env);

/* Shows every row that came, went or differs, by label, until visit() (NULL: nobody) answers other than 0. touched[fresh->n]: only rows that stay and
 * have 1 here may differ; NULL: any may. Returns how many rows differ. */
uint64_t query_tell_changes(const struct query_match *match, const struct query_neighbours *old, const struct query_neighbours *fresh,
                            const uint8_t *touched, query_change_visitor *visit, void *ctx);

#endif
