/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PIECE_H
#define STORE_PIECE_H

#include "store/folder.h"

/*
 * A piece: a file data/P%016x, by a number of its own, with rows that later anchors have at the same place. A head of one page, then runs of arrays.
 * It is written once, before the anchor that it is for, never changed, and removed when no anchor's head names it. An anchor tells the number and
 * the hash of each piece that it uses, and the hashes of all units, its own and those in pieces: a piece is never read without an anchor.
 */
enum { STORE_PIECE_HEAD_BYTES = 4096, STORE_PIECES = 16 };

struct store_piece {
    uint64_t number;
    uint64_t file_bytes;
    uint64_t row_bytes;   /* of its runs: without head and holes */
    uint64_t version;     /* of the anchor that it was written for */
    int64_t time_ns;
    uint64_t hash;        /* of its head */
};

void store_piece_name(char name[STORE_FILE_NAME_BYTES], uint64_t number);
/* Sets piece->hash. */
void store_piece_encode(uint8_t head[STORE_PIECE_HEAD_BYTES], struct store_piece *piece, const uint8_t uuid[16]);
/* NULL, or in words what is wrong. */
const char *store_piece_decode(struct store_piece *piece, const uint8_t head[STORE_PIECE_HEAD_BYTES], const uint8_t uuid[16], uint64_t number,
                               uint64_t file_bytes);

/* The pieces of one anchor, open. */
struct store_anchor;
struct store_pieces {
    const struct base_env *env;
    struct store_piece piece[STORE_PIECES];
    int fd[STORE_PIECES];
    uint32_t n;
};

/* Their heads are verified, and that every run lies inside. After a failure none is open. Errors: DAMAGED (naming the file), IO, MEMORY. */
int store_pieces_open(struct store_pieces *pieces, const struct store_folder *folder, const struct store_anchor *anchor, struct pcct_error *err);
void store_pieces_close(struct store_pieces *pieces); /* also of all zero */

/* Numbers (uint64_t, added) of the pieces that no anchor file names, be it listed or not. *newest (may be NULL): the greatest number there is. When
 * the head of an anchor cannot be made out, nobody knows what it names, and none is idle. The caller holds the maintenance lock, or is content with
 * how it was a moment ago. Errors: IO, MEMORY. */
int store_pieces_idle(struct base_vector *idle, uint64_t *newest, const struct store_folder *folder, struct pcct_error *err);
/* Removes those; under the maintenance lock. What cannot be removed is left for the next time. */
int store_pieces_sweep(const struct store_folder *folder, struct pcct_error *err);

#endif
