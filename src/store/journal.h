/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/record.h"
#include "store/segment.h"

/* Where the next frame goes: kept in the catalogue, which alone decides what has been committed. */
struct store_tail {
    uint64_t segment, offset;
    uint64_t link; /* hash of the last frame's head */
};

/*
 * Writes a frame at the tail, or into a segment of its own behind the tail's when there is no room, which is synced first. In: record->version but
 * its address, record->ref; since: from where on frames have not been flushed, the tail if all have. Out: everything else of the record but redo_*;
 * *end, the tail behind it; *made, the segment that was made for it (number 0: none was). Until the catalogue says so nothing has happened.
 * *sync_failed: the system could not say whether data reached the disk; nobody may go on writing then.
 */
int store_journal_append(struct store_record *record, struct store_tail *end, struct store_segment *made, int *sync_failed,
                         const struct store_folder *folder, const struct store_tail *tail, const struct store_tail *since, const void *note,
                         const void *payload, struct pcct_error *err);
/* Syncs a segment, and with it all frames up to here: those before it were synced when the next one was made. */
int store_journal_flush(int *sync_failed, const struct store_folder *folder, uint64_t segment, struct pcct_error *err);

/* Makes a frame that was not committed unreadable, as far as that can be done, so that no rebuilding of the catalogue brings it back. */
void store_journal_wipe(const struct store_folder *folder, uint64_t segment, uint64_t offset, int sync);

/* The frame at an address, its hashes verified. note, payload (item_bytes 1, replaced) may be NULL, are not read then.
 * Errors: DAMAGED (naming file and offset), IO, MEMORY. */
int store_journal_read(struct store_record *record, struct base_vector *note, struct base_vector *payload, const struct store_folder *folder,
                       uint64_t segment, uint64_t offset, struct pcct_error *err);

/* The same from an open segment of `bytes` bytes; *head_sound says whether record was filled in although the status is DAMAGED. */
int store_journal_read_at(struct store_record *record, int *head_sound, struct base_vector *note, struct base_vector *payload,
                          const struct store_folder *folder, int fd, uint64_t bytes, uint64_t segment, uint64_t offset, struct pcct_error *err);

#endif
