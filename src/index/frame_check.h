/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_FRAME_CHECK_H
#define INDEX_FRAME_CHECK_H

#include "index/frame.h"

/* The values of a changed row that a frame does not change are equal in `before` and `after` and mean nothing; pdist always, custom metrics aside. */
static inline int index_same_radius(const struct index_row *a, const struct index_row *b)
{
    return a->radius == b->radius; /* -0 and NaN are never written, and refused where frames are read */
}
static inline int index_same_pdist(const struct index_row *a, const struct index_row *b)
{
    return a->pdist == b->pdist;
}

/* Proves that a frame fits a state, before anything is changed: counts, old values, ranges, that parents live and stand above their children after
 * it, one root, labels, points. May make the label table. Errors: DAMAGED, MEMORY. */
int index_frame_check(const struct index_frame *frame, struct index_state *state, struct pcct_error *err);

#endif
