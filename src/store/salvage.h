/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SALVAGE_H
#define STORE_SALVAGE_H

#include "store/store.h"

/*
 * Reading what is whole of a damaged store. Nothing in it is changed or trusted: its journal and anchors are gone through by themselves, and a
 * catalogue of what was found is made in another folder. Of the store's own files SUPER is asked first; where no copy of it is sound, the segments
 * tell the uuid, and an anchor the rest.
 */
struct store_salvage {
    void (*report)(void *ctx, int damaged, const char *text);
    int (*progress)(void *ctx, double done);
    void *ctx;
    struct base_vector sound;  /* out: uint64_t, ascending: versions whose files are whole; owned: store_salvage_end */
    uint64_t newest, versions; /* out: the newest version that was met; how many can be named, whole or not */
};

/* Opens it for reading, immutable; `scratch` is an empty folder, which stays in use until the store is closed. super: what was found; in: what stands
 * there when nothing tells (dim, metric, seed; dim 0: nothing was given). Errors: NOT_FOUND, NOT_A_STORE, DAMAGED (nothing is left, or nothing tells
 * what SUPER did), PERMISSION, IO, NOSPACE, MEMORY, CANCELLED. */
int store_salvage_begin(struct store **store, struct store_salvage *salvage, struct store_super *super, const char *path, const char *scratch,
                        const struct base_env *env, struct pcct_error *err);
/* Closes the store (NULL is fine) and removes what was made in the scratch folder. */
void store_salvage_end(struct store *store, struct store_salvage *salvage, const char *scratch, const struct base_env *env);

#endif
