/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_ANNEX_H
#define BLOCK_LAYOUT_ANNEX_H

#include "block/layout.h"

/*
 * An annex: entries that came later, laid out by themselves and hung beside all others under a new root, whose plane divides by entry number alone.
 * T6 holds as ever, only that the boxes of the two sides overlap, so a search looks into both. Nothing of what was there is touched: that is what it
 * is for, when a version is opened by many frames on top of a mapped anchor, where adding the same entries one by one would divide, copy and write
 * nearly all blocks. Later entries go to the annex too, by their numbers; when it has become half of all, block_insert lays out all anew.
 */

/* Adds n entries, all of them numbered `first` or above while all that are there are below. *annexed 0: nothing was done, since they are few, or too
 * many beside the others, or there is an annex already, or entries may stand as views; then they are to be inserted. Parallel, with the same result
 * for every number of threads. Errors: MEMORY; nothing has changed then. */
int block_annex(int *annexed, struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, uint32_t first,
                struct pcct_error *err);

int block_is_annexed(const struct block_layout *layout);
/* Whether, with so many rows, it is time to lay out all anew. */
int block_annex_is_large(const struct block_layout *layout, uint32_t rows);

#endif
