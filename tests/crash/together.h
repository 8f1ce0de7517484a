/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_TOGETHER_H
#define CRASH_TOGETHER_H

#include <pcct/pcct.h>

/* Commits n batches, by a thread each, so that they stand in line in this order and are flushed together. The first failure of any. */
int together(pcct_store *store, pcct_batch *const *batch, size_t n, struct pcct_error *err);

#endif
