/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ANCHOR_H
#define STORE_ANCHOR_H

#include "store/piece.h"

/*
 * An anchor: one file, data/A%016x by version. A head of one page with a table of the arrays, the image's own head, the side table of hashes, then
 * the arrays, each at a multiple of STORE_UNIT_BYTES (of STORE_BIG_BYTES when it is that long), so that it can be mapped. What lies between is a
 * hole. The side table has one XXH3-64 for each unit of each array, in the order of the file; the last unit of an array is hashed as long as the
 * array goes. Arrays whose rows stay as they are can stand in pieces instead, which anchors share (store/piece.h): as runs of whole units, one behind
 * the other, the last run as long as the array goes.
 */
enum { STORE_ANCHOR_HEAD_BYTES = 4096, STORE_UNIT_BYTES = 64 << 10, STORE_BIG_BYTES = 2 << 20, STORE_RUNS = 48 };

struct store_extent {
    uint32_t id, item_bytes;
    uint64_t items, bytes; /* bytes = items * item_bytes */
    uint64_t offset;       /* in the file; 0 when empty, or in pieces */
    uint64_t first_unit;   /* place of its first hash in the side table */
    uint32_t first_run, runs; /* in pieces; runs 0: in the file */
};

struct store_run {
    uint32_t array, piece; /* by place in `extent` and `piece` */
    uint64_t offset, bytes; /* in the piece */
};

struct store_anchor {
    uint64_t version, file_bytes;
    struct base_hash128 identity;                  /* of the version: numbers may be given anew after a loss, identities never */
    uint64_t head_bytes, head_hash;                /* the image's head, at STORE_ANCHOR_HEAD_BYTES */
    uint64_t table_offset, table_units, table_hash;
    int64_t time_ns;
    uint64_t hash;                                 /* of the head, when it was read from a file */
    struct store_extent extent[INDEX_IMAGE_ARRAYS];
    uint32_t extents;
    struct {
        uint64_t number, hash;
    } piece[STORE_PIECES];
    uint32_t pieces, runs;
    struct store_run run[STORE_RUNS];              /* by array, in their order */
};

void store_anchor_name(char name[STORE_FILE_NAME_BYTES], uint64_t version);

/* Where everything goes; hashes are left open. apart: bit i: array i stands in pieces; so are its runs. */
void store_anchor_layout(struct store_anchor *anchor, uint64_t version, const struct index_image *image, size_t head_bytes, uint32_t apart);
void store_anchor_encode(uint8_t head[STORE_ANCHOR_HEAD_BYTES], const struct store_anchor *anchor, const uint8_t uuid[16]);
/* NULL, or in words what is wrong. After it every offset and length lies inside file_bytes. */
const char *store_anchor_decode(struct store_anchor *anchor, const uint8_t head[STORE_ANCHOR_HEAD_BYTES], const uint8_t uuid[16], uint64_t version,
                                uint64_t file_bytes);

/* Reads the head, the image's head (head: item_bytes 1, replaced) and the side table (table: uint64_t, replaced; as in the file) of an open anchor,
 * all verified. Errors: DAMAGED (naming the file), IO, MEMORY. */
int store_anchor_read(struct store_anchor *anchor, struct base_vector *head, struct base_vector *table, const struct store_folder *folder, int fd,
                      uint64_t file_bytes, uint64_t version, struct pcct_error *err);
/* Where the bytes of an array from `within` on stand, up to the end of a unit: the place of their piece, or -1: in the anchor's own file. */
int store_anchor_place(uint64_t *offset, const struct store_anchor *anchor, const struct store_extent *extent, uint64_t within);
/* Reads `units` units from `first` on and compares their hashes, in parallel. Errors: DAMAGED (naming the file, the array, its unit and the byte),
 * IO, MEMORY. */
int store_anchor_verify(const struct store_folder *folder, int fd, const struct store_pieces *pieces, const struct store_anchor *anchor,
                        const struct base_vector *table, uint64_t first, uint64_t units, struct pcct_error *err);

#endif
