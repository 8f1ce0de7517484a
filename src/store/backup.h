/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/store.h"

/*
 * Copies a store while others use it: the catalogue as it is at one moment, the journal up to where that ends, the anchors. The copy is read once, as
 * fsck does, before it gets its name; one that is not whole is not made. Commits go on; prunings and the writing of anchors wait for the end (the
 * maintenance lock), so that nothing is taken away meanwhile. watched: whose watch is told how far it is. *versions, *bytes: what was copied.
 * Errors: EXISTS, DAMAGED (naming what; the store's own damage too), and those of store_make().
 */
int store_backup(uint64_t *versions, uint64_t *bytes, struct store *store, const char *path, const struct base_env *watched, struct pcct_error *err);

/*
 * A new store with one version, its number, identity, message and keys as they are: what a pruning would leave of it. Its state is the image, in an
 * anchor; main stands at it. The rest as above.
 */
int store_backup_version(uint64_t *bytes, struct store *store, uint64_t version, const struct index_image *image, const void *head,
                         size_t head_bytes, const char *path, const struct base_env *watched, struct pcct_error *err);

#endif
