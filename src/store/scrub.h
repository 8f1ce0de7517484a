/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SCRUB_H
#define STORE_SCRUB_H

#include "store/store.h"

/*
 * Reads all that the versions of an open store rest on, frames and anchors, beside those who use it: it holds no lock for long and keeps nothing from
 * being written or pruned. A damaged anchor is dropped where the frames behind it are there, so that it can be made anew; one that is all there is
 * of a state stays.
 */
struct store_scrub {
    void (*report)(void *ctx, int damaged, const char *text);
    int (*progress)(void *ctx, double done);
    void *ctx;
    uint64_t rate;                           /* bytes a second at most; 0: any */
    struct base_vector dropped;              /* out: uint64_t: versions whose anchors were dropped; owned: base_vector_free */
    uint64_t frames, anchors, bytes, damaged; /* out: read; findings that are damage and stay so */
};
/* Errors: DAMAGED (the catalogue), IO, MEMORY, CANCELLED, BUSY and PERMISSION (an anchor that is to be dropped). */
int store_scrub(struct store_scrub *scrub, struct store *store, struct pcct_error *err);

/* An anchor is not listed any more, and its file goes. Nothing happens when it is all there is of its state. *dropped: whether it was listed and no
 * longer is. Errors: those of a transaction, BUSY. */
int store_anchor_drop(int *dropped, struct store *store, uint64_t version, struct pcct_error *err);

#endif
