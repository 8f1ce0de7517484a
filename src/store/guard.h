/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GUARD_H
#define STORE_GUARD_H

#include "store/folder.h"

/*
 * Looks at the catalogue's file before LMDB does. LMDB 0.9 trusts what it maps: a damaged page can kill the process, a file cut short too. These two
 * read the file format themselves (pages, nodes, the list of free pages) and follow no pointer before it has been checked.
 */

/* The two meta pages, before the environment is opened. Errors: DAMAGED, IO. */
int store_guard_metas(const struct store_folder *folder, int fd, uint64_t file_bytes, struct pcct_error *err);

/* Every page that the state of transaction `txn_id` reaches: inside the file, of the right kind, used once, nodes inside their pages, none of them
 * also listed as free. The caller holds a read transaction on that state. *checked 0: the state's meta page is gone already (writers were quick); try
 * again in a newer transaction. Errors: DAMAGED, IO, MEMORY. */
int store_guard_pages(int *checked, const struct store_folder *folder, int fd, uint64_t txn_id, struct pcct_error *err);

#endif
