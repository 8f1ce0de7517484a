/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_SPLIT_H
#define BLOCK_LAYOUT_SPLIT_H

#include "block/layout_nodes.h"

/*
 * Entries on their way into blocks: records that are moved about until each piece is a contiguous run. A record carries its coordinates while
 * they are few, so that splitting reads memory in order; beyond that moving them would cost more than looking them up. For this room only.
 */
enum { BLOCK_RECORD_DIM = 12 };

struct block_record {
    uint32_t node;
    double place[]; /* dim coordinates if dim <= BLOCK_RECORD_DIM */
};

struct block_records {
    const struct block_source *source;
    char *record;
    size_t record_bytes;
    uint32_t dim;
};

static inline size_t block_record_bytes(uint32_t dim)
{
    return sizeof(struct block_record) + (dim <= BLOCK_RECORD_DIM ? dim * sizeof(double) : 0);
}

static inline struct block_record *block_record_at(const struct block_records *records, size_t i)
{
    return (struct block_record *)(void *)(records->record + i * records->record_bytes);
}

/* Coordinates of a record. */
static inline const double *block_record_place(const struct block_records *records, const struct block_record *record)
{
    return records->dim <= BLOCK_RECORD_DIM ? record->place : records->source->place + (size_t)record->node * records->dim;
}

/* Makes a record of an entry. */
void block_record_set(const struct block_records *records, size_t i, uint32_t node);

/* Moves records [begin, end) about so that the first middle - begin of them are the least along the widest axis of their box (ties by label, then
 * node). Expected linear time for any input. */
void block_records_split(const struct block_records *records, size_t begin, size_t middle, size_t end);

/* Writes records [begin, end), at most 64, as the lanes of a block, those that reach farthest first, then by
 * node: searches by reach pass over most of a block, and the lanes do not depend on the order of the records. */
void block_records_write(struct block_layout *layout, uint32_t block, const struct block_records *records, size_t begin, size_t end);

#endif
