/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BALLAST_H
#define STORE_BALLAST_H

#include "store/folder.h"

/*
 * BALLAST: a file of STORE_BALLAST_BYTES that holds nothing and has its blocks. On a full disk it is removed, so that versions can still be pruned,
 * which takes a frame and a transaction of the catalogue before it gives anything back; when that is done it is made anew. A store without it works;
 * pruning then has the room that the disk has.
 */
enum { STORE_BALLAST_BYTES = 16 << 20 };

/* Makes it if it is missing and the disk has twice the room; else does nothing. The caller holds the writer lock, or nobody knows the store yet.
 * Errors: IO, PERMISSION. */
int store_ballast_make(const struct store_folder *folder, struct pcct_error *err);

/* Gives its room to the disk; the caller holds the writer lock. 1: there was one, so it pays to try again. */
int store_ballast_release(const struct store_folder *folder);

#endif
