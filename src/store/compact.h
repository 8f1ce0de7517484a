/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include "store/store.h"

/* Reads all that versions rest on, as store_fsck does. Errors: DAMAGED, with the first finding; IO, MEMORY. */
int store_check_whole(struct store *store, struct pcct_error *err);

/* A version whose state rests on versions that were pruned, and on nothing that can be named; an anchor of it would free them. */
struct store_ripe {
    uint64_t version;
    uint64_t bytes; /* frames and anchors that are there for it alone */
};
/* Those that have no anchor (struct store_ripe, replaced), ascending. Errors: those of a transaction, MEMORY. */
int store_ripe(struct base_vector *ripe, struct store *store, struct pcct_error *err);

/* Anchors but the newest, and those that are all there is of a state, are dropped: versions are then opened from the one before them, by more
 * frames. */
int store_thin_anchors(uint64_t *dropped, struct store *store, struct pcct_error *err);

/* The catalogue is copied without its free pages, and the copy takes its place, in one step. The caller holds the writer lock. This handle, and those
 * of others, are of no more use then (store_check_current tells them). Errors: NOSPACE, IO, PERMISSION, MEMORY; the old one stays. */
int store_shrink_catalogue(struct store *store, struct pcct_error *err);

#endif
