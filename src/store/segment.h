/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "store/folder.h"

/*
 * A segment: one file of the journal, journal/J%08x, numbered from 1. It has its full size, every byte written, before the first frame goes into it,
 * so that a commit neither grows a file nor turns unwritten blocks into written ones. Its head is STORE_SEGMENT_HEAD_BYTES long; the first frame
 * follows.
 */
enum { STORE_SEGMENT_HEAD_BYTES = 256, STORE_SEGMENT_BASE = 1 };

struct store_segment {
    uint64_t number, bytes;
    uint64_t link; /* what the first frame's link must be: the hash of the frame before it, or store_segment_first_link */
    uint32_t flags; /* STORE_SEGMENT_BASE: it begins with a frame that holds the whole catalogue (store/base.h) */
};

void store_segment_name(char name[STORE_FILE_NAME_BYTES], uint64_t number);
uint64_t store_segment_first_link(const uint8_t uuid[16]);

/* The least size for a segment whose first frame has frame_bytes: a multiple of 64 KiB. */
uint64_t store_segment_least(uint64_t frame_bytes);

/* Size for a segment whose first frame has frame_bytes, behind one of `before` bytes (0: it is the first): 1 MiB, doubling from segment to segment
 * up to 64 MiB; as much as it takes for a larger frame. */
uint64_t store_segment_size(uint64_t before, uint64_t frame_bytes);

/* Makes a segment, durably. One of that number is replaced: no commit was ever acknowledged in it. Errors: NOSPACE, IO, PERMISSION, MEMORY. */
int store_segment_make(const struct store_folder *folder, const struct store_segment *segment, struct pcct_error *err);

/* Opens a segment and learns its size from the system; the head is not looked at. Errors: DAMAGED when it is missing, IO, PERMISSION. */
int store_segment_open(int *fd, uint64_t *bytes, const struct store_folder *folder, uint64_t number, int flags, struct pcct_error *err);

/* Reads and checks the head of an open segment. Errors: DAMAGED, IO. */
int store_segment_read(struct store_segment *segment, int fd, uint64_t bytes, const struct store_folder *folder, uint64_t number,
                       struct pcct_error *err);

/* The uuid of the store that a segment belongs to, from its head alone: 1; 0: there is none, or its head is damaged. */
int store_segment_uuid(uint8_t uuid[16], const struct store_folder *folder, uint64_t number);

#endif
