/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "base/error.h"
#include "base/os.h"
#include "store/store.h"

/* The folder of a store, opened. It knows where files are, not what is in them. */
struct store_folder {
    const struct base_env *env; /* borrowed */
    const struct base_env *writer; /* borrowed: of who holds the writer lock; only what is done under it tells its watch */
    char *path;                 /* owned: for messages and for LMDB */
    int top, journal, data;     /* descriptors; -1 when closed */
    uint8_t uuid[16];
    int immutable;              /* nobody writes to the store, and nothing is written here: no lock, no pins, no counting of readers */
};

enum { STORE_FILE_NAME_BYTES = 48 };

/* Opens the three folders and, unless immutable, checks the file system; no file is read. Errors: NOT_FOUND, NOT_A_STORE, PERMISSION, FILESYSTEM,
 * IO, MEMORY. */
int store_folder_open(struct store_folder *folder, const char *path, int immutable, const struct base_env *env, struct pcct_error *err);
void store_folder_close(struct store_folder *folder); /* also of one that is closed or half open */

/* Errors: FILESYSTEM when fd lives on NFS, SMB or FUSE. */
int store_folder_check(const struct base_env *env, int fd, const char *path, struct pcct_error *err);

/* A file of one of the folders, its size known. `where`: the folder's name before the file's in messages, such as "journal/".
 * Errors: NOT_FOUND, PERMISSION, IO; DAMAGED when it is no regular file. */
int store_file_open(int *fd, uint64_t *bytes, const struct store_folder *folder, int in, const char *where, const char *name, int flags,
                    struct pcct_error *err);

/* A file that readers too write to could not be opened or written: what is needed, and the ways out. Returns PERMISSION. */
int store_fail_access(struct pcct_error *err, const struct store_folder *folder, int error_number, const char *name);

/* Makes the file `name` from what fill() writes into it: under the name "<name>.new" first, synced, renamed, the folder synced, so that it is there
 * whole or not at all. A file of that name is replaced. After a failure nothing of it is left. */
int store_file_make(const struct store_folder *folder, int in, const char *where, const char *name,
                    int (*fill)(void *ctx, int fd, struct pcct_error *err), void *ctx, struct pcct_error *err);

#endif
