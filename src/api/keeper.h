/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_KEEPER_H
#define API_KEEPER_H

#include "api/handle.h"

/*
 * The keeper: one thread of a store handle, started when there is first something to do, which writes anchors as an ordinary reader (it holds a
 * reference to the view), brings the spare of the head up to date and prunes by the store's policy. It takes no signals of the process. Nothing
 * that it does is needed for an answer to be right, so its failures are nobody's: what it left undone is done by a later commit.
 */
void api_keeper_start(pcct_store *store);
/* Finishes what was begun. In a forked child there is no such thread. */
void api_keeper_stop(pcct_store *store);

/* Has an anchor written of the version that is shown; 0 when the keeper is still at another one, or there can be no thread. */
int api_keeper_anchor(pcct_store *store, uint64_t version);
void api_keeper_catch_up(pcct_store *store);

/* After the commit of a version, with the writer lock: has versions pruned, if the store's policy says that it is time. */
void api_keeper_prune(pcct_store *store, uint64_t version);
/* The writer lock, as store_lock has it, behind the keeper, who otherwise would get it only when nobody commits. */
int api_keeper_lock(pcct_store *store, int wait, struct pcct_error *err);

/* Waits until there is nothing left to do. */
void api_keeper_wait(pcct_store *store);

#endif
