/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BASE_H
#define STORE_BASE_H

#include "store/internal.h"
#include "store/scan.h"

/*
 * A base: the whole catalogue as the payload of a frame (STORE_PRUNING), which begins a segment that is marked so. What stands in the journal before
 * it is only looked at where the base points; frames follow from it on as they do from the beginning of a store without one. A head of
 * STORE_BASE_HEAD_BYTES, then entries: u32 table, u32 bytes of the key, u64 bytes of the value, both, zeros to a multiple of 8. Tables: versions,
 * refs, reflog, segments; keys and values as in the catalogue, redo distances 0.
 */
enum { STORE_BASE_HEAD_BYTES = 64, STORE_BASE_FRAME_BYTES = 24 }; /* the latter: where the bytes of all frames stand in the head */

struct store_base_entry {
    enum store_table table;
    const uint8_t *key, *value;
    size_t key_bytes, bytes;
};

/* Writing: begins a payload (item_bytes 1), and adds an entry. */
int store_base_begin(struct base_vector *payload, const struct base_env *env, const struct store_state *after, struct pcct_error *err);
int store_base_add(struct base_vector *payload, const struct base_env *env, const struct store_base_entry *entry, struct pcct_error *err);

/* Reading: *at is 0 at first; returns 1 and the next entry, 0 at the end, or DAMAGED. */
int store_base_next(struct store_base_entry *entry, size_t *at, const struct base_vector *payload, struct pcct_error *err);

/*
 * Finds the last sound base in the segments from `least` to `last`. scan->base is empty when there is none. Else the versions it tells are in
 * scan->found, their frames verified where they stand, the segments before it in scan->segment, and scan->tail is behind it.
 * Errors: MEMORY, PERMISSION, CANCELLED.
 */
int store_base_read(struct store_scan *scan, uint64_t least, uint64_t last, struct pcct_error *err);

#endif
