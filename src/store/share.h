/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SHARE_H
#define STORE_SHARE_H

#include "store/anchor.h"

/* Arrays of an image that are to stand in pieces, by bits: those whose rows stay as they are, if they are long enough for a file of their own. */
uint32_t store_share_apart(const struct index_image *image);

/*
 * The runs of an anchor that is laid out, whose hashes are `table` (as in the file) and whose version's state was made from that of state_parent.
 * What begins such an array as it begins in the nearest anchor before is taken from the pieces of that one, of which half at least must be of use
 * still; the bytes are compared, not the hashes alone. The rest is for the piece `fresh`: row_bytes 0: nothing is; else it is the last of
 * anchor->piece, whose hash is not set yet. When it comes to too many pieces none is taken, and all is written anew. An earlier anchor that cannot be
 * read is none. The caller holds the maintenance lock. Errors: IO (the folder), MEMORY.
 */
int store_share(struct store_anchor *anchor, struct store_piece *fresh, struct store *store, uint64_t state_parent, const struct index_image *image,
                const uint8_t *table, struct pcct_error *err);

#endif
