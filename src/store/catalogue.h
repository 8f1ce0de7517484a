/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CATALOGUE_H
#define STORE_CATALOGUE_H

#include "store/folder.h"

/*
 * The catalogue as tables of keys and checksummed values. This is the only room that knows LMDB, and the only one with a global: LMDB demands that a
 * process opens a file once, so open environments stand in one table, by device and inode, with counts.
 *
 * Rules: never MDB_WRITEMAP (a stray store into the map would reach the file, and a full disk would be a signal); transactions are short, for a
 * reader that stays keeps LMDB from using space again; whoever writes holds the store's writer lock. A child after fork() sees an empty table and
 * opens the file anew.
 */
enum store_table {
    STORE_META, STORE_VERSIONS, STORE_REFS, STORE_REFLOG, STORE_WRITE_IDS, STORE_IDENTITIES, STORE_ANCHORS, STORE_SEGMENTS, STORE_TABLES
};
#define STORE_CATALOGUE_NAME "catalogue.mdb"
#define STORE_FRESH_CATALOGUE STORE_CATALOGUE_NAME ".new" /* one that is being made */

struct store_catalogue;

/* Opens `name` in the store's folder. make: the file must not be there; it is made with empty tables and some room ahead.
 * Errors: DAMAGED (naming the file and the way out), PERMISSION, LIMIT (too many stores open), NOSPACE, IO, MEMORY. */
int store_catalogue_open(struct store_catalogue **catalogue, const struct store_folder *folder, const char *name, int make, struct pcct_error *err);
void store_catalogue_close(struct store_catalogue *catalogue); /* NULL is fine */
/* 1 when `name` in the folder still is the file that was opened. */
int store_catalogue_current(const struct store_catalogue *catalogue, const struct store_folder *folder, const char *name);
/* Removes the file and LMDB's lock file beside it. */
void store_catalogue_remove(const struct store_folder *folder, const char *name);

/* Writes what it holds now, without free pages, into a file of this name, which must not be there, and looks at that as at any catalogue that is
 * opened; on the disk when it returns. Errors: NOSPACE, IO, PERMISSION, DAMAGED, MEMORY. */
int store_catalogue_copy(struct store_catalogue *catalogue, const struct store_folder *folder, const char *name, struct pcct_error *err);
/* STORE_FRESH_CATALOGUE, which nobody has open, takes the place of the catalogue. kept: the name that the old one has then; "": it is gone. */
int store_catalogue_replace(char kept[STORE_FILE_NAME_BYTES], const struct store_folder *folder, int keep_old, struct pcct_error *err);

/* A transaction: one thread, briefly. What it returns is borrowed until it ends. */
struct store_txn {
    struct store_catalogue *catalogue;
    const struct store_folder *folder;
    void *handle; /* NULL: ended */
    void *walk;   /* see store_txn_walk; NULL: none */
    int borrowed; /* it reads through one that was held, whose end it is not */
};
int store_txn_begin(struct store_txn *txn, struct store_catalogue *catalogue, const struct store_folder *folder, int write, struct pcct_error *err);
/* Of a reading one: from here on records of the table of versions are looked for just before the last one found, which pays where many are read
 * backwards. */
int store_txn_walk(struct store_txn *txn, struct pcct_error *err);
/* Of a writing one: until it ends, what this thread begins to read in this catalogue is read through it, and so sees what it has put. It begins no
 * other to write meanwhile. */
void store_txn_hold(const struct store_txn *txn);
/* Of a writing one: it is not flushed when it is committed (store/unsynced.h). */
void store_txn_unsynced(struct store_txn *txn);
/* Flushes all that was committed so. Errors: IO, NOSPACE. */
int store_catalogue_sync(struct store_catalogue *catalogue, const struct store_folder *folder, struct pcct_error *err);
/* Ends it either way. *unsure: it could not be told whether the transaction happened; the environment is of no more use. */
int store_txn_commit(struct store_txn *txn, int *unsure, struct pcct_error *err);
void store_txn_abort(struct store_txn *txn); /* nothing happens when it has ended */

/* *value NULL: no such key. Errors: DAMAGED (checksum), IO. */
int store_txn_get(const uint8_t **value, size_t *bytes, struct store_txn *txn, enum store_table table, const void *key, size_t key_bytes,
                  struct pcct_error *err);
/* Adds or replaces. */
int store_txn_put(struct store_txn *txn, enum store_table table, const void *key, size_t key_bytes, const void *value, size_t bytes,
                  struct pcct_error *err);
int store_txn_delete(struct store_txn *txn, enum store_table table, const void *key, size_t key_bytes, struct pcct_error *err); /* or not there */
/* Calls each() for the keys >= first, ascending, until it returns other than 0: 1 ends the walk well, a negative code ends it as an error. value is
 * NULL when its checksum is wrong. */
typedef int store_txn_visit(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err);
int store_txn_each(struct store_txn *txn, enum store_table table, const void *first, size_t first_bytes, store_txn_visit *each, void *ctx,
                   struct pcct_error *err);

#endif
