/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_SPLIT_H
#define BLOCK_LAYOUT_SPLIT_H

#include "block/layout_cells.h"

/*
 * Entries on their way into blocks: records that are moved about until each piece is a contiguous run. A record carries its coordinates while
 * they are few, so that splitting reads memory in order; beyond that, and where room is scarce, they are looked up. For this room only.
 */
enum { BLOCK_RECORD_DIM = 12 };

struct block_record {
    uint32_t node;
    double place[]; /* dim coordinates, unless they are looked up */
};

struct block_records {
    const struct block_source *source;
    char *record;
    size_t record_bytes;
    uint32_t dim;
    int looked_up; /* records carry no coordinates */
};

/* Records of entries of a source, not yet any. */
static inline struct block_records block_records_of(const struct block_source *source, uint32_t dim)
{
    const int looked_up = dim > BLOCK_RECORD_DIM;

    return (struct block_records){ source, NULL, sizeof(struct block_record) + (looked_up ? 0 : dim * sizeof(double)), dim, looked_up };
}

static inline struct block_record *block_record_at(const struct block_records *records, size_t i)
{
    return (struct block_record *)(void *)(records->record + i * records->record_bytes);
}

/* Coordinates of a record. */
static inline const double *block_record_place(const struct block_records *records, const struct block_record *record)
{
    return !records->looked_up ? record->place : records->source->place + (size_t)record->node * records->dim;
}

/* Makes a record of an entry. */
void block_record_set(const struct block_records *records, size_t i, uint32_t node);

/* Moves records [begin, end) about so that the first middle - begin of them are the least along the widest axis of their box (ties by label, then
 * node). Expected linear time for any input. Returns the plane between: what is from `middle` on is to the right of it. */
struct block_plane block_records_split(const struct block_records *records, size_t begin, size_t middle, size_t end);

/* Writes records [begin, end), at most 64, as the lanes of a block, those that reach farthest first, then by
 * node: searches by reach pass over most of a block, and the lanes do not depend on the order of the records. */
void block_records_write(struct block_layout *layout, uint32_t block, const struct block_records *records, size_t begin, size_t end);

/* Where a run of blocks was cut: the first blocks on both sides. */
struct block_cut {
    struct block_plane plane;
    uint32_t left, right;
};

/* Writes records [begin, end) as `blocks` blocks with the numbers given, the blocks of each of `inners` inner nodes from a run of their own:
 * block b goes to inner node block_share_owner(). cut[blocks - 1]: where, each cut before those on its sides. */
void block_records_share(struct block_cut *cut, struct block_layout *layout, const struct block_records *records, size_t begin, size_t end,
                         const uint32_t *number, uint32_t blocks, uint32_t inners);
uint32_t block_share_owner(uint32_t blocks, uint32_t inners, uint32_t b);
uint32_t block_share_begin(uint32_t blocks, uint32_t inners, uint32_t i); /* the first block of the i-th inner node */

#endif
