/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_IMAGE_H
#define INDEX_IMAGE_H

#include "index/state.h"

/*
 * The image of a state: its arrays as named runs of bytes and its numbers as one small head, for the store to write out (an anchor) and map back.
 * The store knows nothing else of a state.
 */
enum { INDEX_IMAGE_ARRAYS = 32 };
struct index_image_array {
    uint32_t id;          /* pinned: state arrays by enum index_array, layout arrays from 32 on in the order of block_arrays */
    const char *name;
    uint32_t item_bytes;  /* bytes of one row, block or inner node */
    uint64_t items;
    void *data;           /* items * item_bytes bytes; NULL in an image that is being mapped until the store fills it in */
    size_t capacity;      /* bytes usable at data, at least items * item_bytes */
    size_t mapped;        /* bytes of the mapping that index_image_adopt takes over */
    int rows_stay;        /* rows are added, and never changed: later states have the same at their places, until they are numbered anew */
};
struct index_image {
    struct index_image_array array[INDEX_IMAGE_ARRAYS];
    size_t arrays;
};

/* Lists the arrays of a state (borrowed) and appends its numbers to `head` (bytes, item_bytes 1; little-endian, fixed width). */
int index_image_of(struct index_image *image, struct base_vector *head, struct index_state *state, struct pcct_error *err);

/* From a head: which arrays there must be and how long (data NULL). Errors: DAMAGED. */
int index_image_plan(struct index_image *image, const void *head, size_t head_bytes, const struct metric *metric, struct pcct_error *err);

/* Makes an initialised, empty state from a head and an image whose data the store has filled in; takes over the mappings, also after a failure.
 * Checks every index and value before use (nodes < n, parent's level above child's, list lengths, levels, layout links): nothing mapped is trusted,
 * unless it is proved: the same bytes were found sound by this function before. Errors: DAMAGED, MEMORY. */
int index_image_adopt(struct index_state *state, const void *head, size_t head_bytes, struct index_image *image, int proved, struct pcct_error *err);

#endif
