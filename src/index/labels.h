/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_LABELS_H
#define INDEX_LABELS_H

#include "index/state.h"

/*
 * Label -> node. While labels strictly ascend over all rows, the dead ones too, the label array itself is searched; otherwise there is a hash table
 * of node numbers with open addressing, in which each label stands once, with the newest row that bears it. Whether that row is live is looked up in
 * the state, so deaths and births need no upkeep; appended and removed rows do. Without a table (state->labels NULL) these do nothing.
 */
void index_labels_free(struct index_state *state);

/* Before rows with these labels are appended: makes room for them. Errors: MEMORY; the table is as good as before. */
int index_labels_reserve(struct index_state *state, const int64_t *labels, size_t n, struct pcct_error *err);
/* After it: enters rows, the newest for their labels. */
void index_labels_put(struct index_state *state, uint32_t first, size_t n);
/* Strikes out the rows from `first` on, before they are dropped. */
void index_labels_strike(struct index_state *state, uint32_t first);
/* Enters old rows that came back to life. Room is there: what they were replaced by was struck out. */
void index_labels_revive(struct index_state *state, const uint32_t *nodes, size_t n);

uint64_t index_labels_memory(const struct index_state *state);

#endif
