/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_RENUMBER_H
#define INDEX_RENUMBER_H

#include "index/state.h"

/*
 * Renumbering: the live rows move down, in ascending order, to 0 .. n_live - 1, and the dead ones are dropped. It is by rule and has no data, so a
 * frame that begins with it only says so. Labels, tree, layout and answers stay as they are; next_label is kept.
 */

/* The rule by which a commit's frame begins with one: more rows are dead than live, and more than 1024 are. It is asked for before anything else of
 * the batch, and only the state decides: what the batch deletes counts at the commit after it. Each renumbering is so paid for by as many deaths. */
int index_renumber_due(const struct index_state *state);

/* No frame may be open on the state. Takes new arrays, as long as what is left, so that the old ones' memory is given back; the label table is made
 * anew when it is next needed. The digests are those of the new rows. Parallel. After a failure nothing has changed. Errors: MEMORY. */
int index_renumber(struct index_state *state, struct pcct_error *err);

#endif
