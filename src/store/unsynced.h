/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_UNSYNCED_H
#define STORE_UNSYNCED_H

#include "store/internal.h"

/*
 * Commits that do not flush the catalogue (durability wal and none). As long as the machine runs, all processes see what was written; if it goes
 * down, any part of the catalogue may be missing, and LMDB would not notice. So a file, UNSYNCED, tells in which boot of the machine the catalogue is
 * ahead of the disk. It is on the disk before the first such commit begins, and it is removed when everything has been flushed. Whoever opens the
 * store in another boot and finds it makes the catalogue anew from the journal before LMDB sees it.
 */

/* *stale: there is a mark, and it is not of this boot; also one that cannot be made out. What the catalogue says is of no use then. */
int store_unsynced_look(int *stale, const struct store_folder *folder, struct pcct_error *err);
/* With the writer lock, when the catalogue was made anew. The folder is synced, so that what was decided is not undone by a crash. */
int store_unsynced_remove(const struct store_folder *folder, struct pcct_error *err);

/* At opening, before the catalogue. Errors: DAMAGED (it must be made anew, and the store is immutable), and those of making it anew. */
int store_unsynced_check(struct store *store, struct pcct_error *err);

/* Before a commit that does not flush, with the writer lock. Errors: NOSPACE, IO, PERMISSION. */
int store_unsynced_begin(struct store *store, struct pcct_error *err);
/* After a commit that has flushed everything before it, with the writer lock. A file that cannot be removed does no harm. */
void store_unsynced_over(struct store *store);
/* At closing: flushes what this handle has not, unless somebody else is writing, who then does. */
void store_unsynced_end(struct store *store);

#endif
