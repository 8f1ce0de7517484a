/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_GUEST_H
#define CRASH_GUEST_H

#include "common.h"

#include <pcct/pcct.h>

/* Versions that come from another store: for a step that applies one a bundle in FOLDER/bundles. FOLDER is where the folder stands that the store
 * is in. */
void guest_make(const char *folder, uint64_t step);
/* `path` is the store's. One version, at no branch; there already when the step is repeated. */
int guest_apply(pcct_store *store, const char *path, uint64_t step, struct pcct_error *err);

#endif
