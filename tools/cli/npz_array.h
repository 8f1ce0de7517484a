/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_NPZ_ARRAY_H
#define CLI_NPZ_ARRAY_H

#include "zip.h"

/* Whole arrays of an .npz archive. */

/* Adds an array in C order. type: such as "<i8"; columns 0: one dimension. */
void npz_array_add(struct zip_writer *writer, const char *name, const char *type, const void *items, uint64_t n, uint64_t columns, size_t item_bytes);

/* The array `name` of the archive at `path`, whose items must be of just this kind ('f', 'i' or 'u') and size. *items is owned: free().
 * Errors: INVALID (naming the array), IO, MEMORY, CANCELLED. */
struct npz_array {
    void *items;
    uint64_t rows, columns; /* columns: 1 for one dimension */
};
int npz_array_read(struct npz_array *array, const char *path, const char *name, char kind, unsigned item_bytes, struct pcct_error *err);

#endif
