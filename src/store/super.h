/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SUPER_H
#define STORE_SUPER_H

#include "store/folder.h"

/* The file SUPER: two copies of one block, so that a damaged sector leaves the other. */
enum { STORE_SUPER_COPIES = 2, STORE_SUPER_BYTES = 4096 };

int store_super_write(const struct store_folder *folder, const struct store_super *super, struct pcct_error *err);
/* *damaged: a bit for each copy that is not sound. Errors: NOT_A_STORE (no copy looks like one), DAMAGED (none is sound), FORMAT (newer, or with
 * features that this library does not know), IO. */
int store_super_read(struct store_super *super, unsigned *damaged, const struct store_folder *folder, struct pcct_error *err);

#endif
