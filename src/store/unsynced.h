/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_UNSYNCED_H
#define STORE_UNSYNCED_H

#include "store/internal.h"
#include "store/scan.h"

/*
 * Commits that do not flush the catalogue (durability wal and none). As long as the machine runs, all processes see what was written; if it goes
 * down, any part of the catalogue may be missing, and LMDB would not notice. So a file, UNSYNCED, tells in which boot of the machine the catalogue is
 * ahead of the disk, up to where the journal was on the disk when it was made, and whether each frame behind that was flushed (wal) or not (none). It
 * is on the disk before the first such commit begins, and it is removed when everything has been flushed. Whoever opens the store in another boot and
 * finds it makes the catalogue anew from the journal before LMDB sees it. With none the journal ends at the first frame that is not whole, whatever
 * stands behind it, since sectors reach the disk in any order; what had been flushed is never given up so.
 */

/* Errors: IO, PERMISSION. */
int store_unsynced_look(struct store_unsynced *mark, const struct store_folder *folder, struct pcct_error *err);
/* With the writer lock, after a scan with scan->unsynced, before a catalogue is made of it: nothing of the frames that it left out since they were
 * not flushed stays, so that they are never taken for what follows. Errors: IO, MEMORY. */
int store_unsynced_cut(struct store_scan *scan, struct pcct_error *err);
/* With the writer lock, when the catalogue was made anew. The folder is synced, so that what was decided is not undone by a crash. */
int store_unsynced_remove(const struct store_folder *folder, struct pcct_error *err);

/* At opening, before the catalogue. Errors: DAMAGED (it must be made anew, and the store is immutable), and those of making it anew. */
int store_unsynced_check(struct store *store, struct pcct_error *err);

/* Before a commit at `tail` that does not flush, with the writer lock. Errors: NOSPACE, IO, PERMISSION. */
int store_unsynced_begin(struct store *store, const struct store_tail *tail, struct pcct_error *err);
/* After a commit that has flushed everything before it, with the writer lock. A file that cannot be removed does no harm. */
void store_unsynced_over(struct store *store);
/* At closing: flushes what this handle has not, unless somebody else is writing, who then does. */
void store_unsynced_end(struct store *store);

#endif
