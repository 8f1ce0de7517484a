/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "store/store.h"

/*
 * What is written about one version, twice: as the head of its frame in the journal, from which alone the catalogue can be made anew, and as its
 * record in the catalogue, which adds the frame's address and what depends on anchors.
 *
 * Frames also tell of what happens to branches and tags (operation other than COMMIT, in the journal alone). Of `version` they have the number of the
 * newest version there was, in parent and state_parent where the branch or tag stood before and after (0 where it was or is not there), and the time.
 */
struct store_record {
    struct store_version version;
    uint32_t operation;          /* enum store_operation */
    char ref[STORE_NAME_BYTES];  /* the branch it was committed to ("": none, it came from another store), or the branch or tag that it is
                                  * about; ends in zeros */
    uint64_t since;              /* bytes of frames right before it, in its segment, that were to be flushed together with it; a multiple of 64 */
    uint64_t note_bytes, payload_bytes;
    uint64_t link;               /* hash of the head of the frame before it in file order */
    uint64_t note_hash, payload_hash;
    uint64_t hash;               /* of its own head */
};

enum { STORE_HEAD_BYTES = 256, STORE_RECORD_BYTES = 256, STORE_FRAME_ALIGNMENT = 64 };
enum { STORE_SINCE_MOST = 0xffffff * STORE_FRAME_ALIGNMENT };

/* The head of a frame; sets record->hash. */
void store_head_encode(uint8_t head[STORE_HEAD_BYTES], struct store_record *record);
/* NULL, or in words what is wrong with the head. record->version has no address and redo_* then. */
const char *store_head_decode(struct store_record *record, const uint8_t head[STORE_HEAD_BYTES]);

/* Bytes from the head to the end of the padding: head, note, payload, each padded with zeros to STORE_FRAME_ALIGNMENT. 0: no such frame can be. */
uint64_t store_frame_bytes(uint64_t note_bytes, uint64_t payload_bytes);
uint64_t store_frame_payload_offset(uint64_t note_bytes);

/* The record in the catalogue; note, ref, payload_bytes, link, note_hash and payload_hash are not part of it. */
void store_record_encode(uint8_t bytes[STORE_RECORD_BYTES], const struct store_record *record);
const char *store_record_decode(struct store_record *record, const uint8_t *bytes, size_t n_bytes);

#endif
