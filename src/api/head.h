/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HEAD_H
#define API_HEAD_H

#include "api/handle.h"

/* The views of the head: readers of the newest version get the one that is shown, at once, and commits wait for no reader. */
int api_head_start(pcct_store *store, struct pcct_error *err);
void api_head_stop(pcct_store *store);

/* What is shown, with a reference, if it is of this version; else NULL. Any thread; waits for nobody. */
pcct_view *api_head_look(pcct_store *store, uint64_t version);

/* The view of a version at which a branch stands, with a reference; from here on it is what is shown, if that lies ahead of what was. */
int api_head_ask(pcct_view **view, pcct_store *store, uint64_t version, struct pcct_error *err);

/*
 * With the writer lock held: store->head becomes a state at `version` that nobody else has, to plan on. It is the spare if no reader holds that;
 * else, while nobody asks for the head, the one that is shown; else a copy of that, so that a commit waits for no reader.
 */
int api_head_begin(pcct_store *store, uint64_t version, struct pcct_error *err);
/* From here on the state is watched by this commit; NULL: by none. */
void api_head_watch(pcct_store *store, struct base_watch *watch);
/* The state is now that of this version, so many frames after what it was: shows it. `record` NULL: it is what it was. Nothing happens when there is
 * none. */
void api_head_end(pcct_store *store, const struct store_version *record, uint32_t frames);
/* Applies to the spare what it lacks, so that the next commit need not: for the keeper. */
void api_head_catch_up(pcct_store *store);
/* Forgets the state, after a failure that left it half changed. */
void api_head_drop(pcct_store *store);

#endif
