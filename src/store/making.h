/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_MAKING_H
#define STORE_MAKING_H

#include "store/folder.h"

/*
 * A store that is made: its folder has another name beside its place until all of it is on the disk, then it is renamed, so that it is there whole or
 * not at all. fill() puts the files in; folder->path is that of the other name, journal and data are there, empty, and folder->uuid is `uuid`. SUPER
 * comes last: a folder without it is no store. After a failure nothing is left.
 * Errors: EXISTS (something is there), INVALID (no path), NOT_FOUND (the folder above), FILESYSTEM, NOSPACE, IO, PERMISSION, MEMORY, and fill()'s.
 */
int store_make(const char *path, const uint8_t uuid[16], int (*fill)(void *ctx, const struct store_folder *folder, struct pcct_error *err), void *ctx,
               const struct base_env *env, struct pcct_error *err);

/* Removes such a folder with all its files, as far as that can be done; `name` is looked for in the folder `above`. */
void store_unmake(struct base_os *os, int above, const char *name);

/* The files of an empty store with one segment of the journal; super is whole. */
int store_fill_empty(const struct store_folder *folder, const struct store_super *super, struct pcct_error *err);
/* The file LOCK, which is empty. */
int store_lock_make(const struct store_folder *folder, struct pcct_error *err);

#endif
