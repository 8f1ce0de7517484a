/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INDEX_FRAME_JOIN_H
#define INDEX_FRAME_JOIN_H

#include "index/frame.h"

/*
 * n frames, each of which begins where the one before it ends, as one: what they change taken together, so that a row that many of them change is
 * looked up, checked and written once, and the layout is brought up once. Rows that come and go in between are among the added ones, dead.
 * index_apply makes the same state of it as of one after the other but for how the layout is arranged; index_undo and index_frame_encode do not take
 * it. Only the first may begin with a renumbering. `out` is initialised and empty.
 *
 * That values follow from each other is checked here; that what they come to fits a state, by index_apply, which proves the digests of the end.
 * Errors: DAMAGED, MEMORY; `out` is empty then. Parallel, with the same result for every number of threads.
 */
int index_frame_join(struct index_frame *out, const struct index_frame *const *frames, size_t n, const struct metric *metric, struct pcct_error *err);

#endif
