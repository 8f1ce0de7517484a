/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_HISTORY_H
#define PCCT_HISTORY_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pcct_key_value {
    const char *key, *value;
};

/* One version. Pointers are borrowed until the next call on the same pcct_log, or its close. */
struct pcct_version {
    uint64_t version;
    uint64_t parent;        /* the nearest ancestor that is not pruned; 0: the empty version */
    uint8_t identity[16];   /* same inputs give the same identity on any machine and thread count */
    int64_t time_ns;        /* since 1970, UTC; for people only, no order follows from it */
    uint64_t n_live, inserted, deleted;
    uint64_t frame_bytes;
    const char *message;
    const struct pcct_key_value *keys; /* ascending by key */
    size_t n_keys;
    uint64_t state_parent;  /* the version whose state it began from: its parent, unless that of another one was restored */
    uint64_t generation;    /* parents down to the empty version */
};

/* Walks from `revision` to its first ancestor, newest first. "A..B" walks from B to the newest version that it has in common with A, without that
 * (A or B left out: main). pcct_log_open_all() walks over all versions of all branches, the last made first. Threads: one at a time per log. */
typedef struct pcct_log pcct_log;
PCCT_PUBLIC int pcct_log_open(pcct_log **log, pcct_store *store, const char *revision, struct pcct_error *err);
PCCT_PUBLIC int pcct_log_open_all(pcct_log **log, pcct_store *store, struct pcct_error *err);
/* 1: *version was filled; 0: no more; negative: an error (DAMAGED, IO, MEMORY). The empty version 0 has no record and is not listed. */
PCCT_PUBLIC int pcct_log_next(struct pcct_version *version, pcct_log *log, struct pcct_error *err);
PCCT_PUBLIC void pcct_log_close(pcct_log *log); /* NULL is fine */

/* The number of the version that `revision` names (see view.h). Errors: INVALID, NOT_FOUND, AMBIGUOUS, DAMAGED, IO. */
PCCT_PUBLIC int pcct_resolve(uint64_t *version, pcct_store *store, const char *revision, struct pcct_error *err);

/* The newest version that is an ancestor of both, or one of them; 0: the empty version. O(log) records are read. Errors: as above. */
PCCT_PUBLIC int pcct_common_ancestor(uint64_t *version, pcct_store *store, const char *a, const char *b, struct pcct_error *err);

/* Waits until `branch` (NULL: "main") stands elsewhere than at version `after`, whoever commits, in this process or another: *version is where it
 * stands then; equal to `after` when timeout_ms went by before (negative: no limit; 0: only looks). A commit is known within about a millisecond.
 * Any thread; holds nobody up. To read what is new, open a view of the branch. Errors: NOT_FOUND (the branch), CONFLICT (the store was
 * removed, or its catalogue made anew), IO, DAMAGED, FORKED. */
PCCT_PUBLIC int pcct_follow(uint64_t *version, pcct_store *store, const char *branch, uint64_t after, int timeout_ms, struct pcct_error *err);

/* A view that some process on this machine has open: of which version, and since when (since 1970, UTC). The head that a handle keeps at hand counts
 * as open. A process that has died holds nothing. */
struct pcct_reader {
    uint64_t version;
    int64_t since_ns;
    uint32_t pid;
    uint32_t reserved;
};
/* Calls each() for every one, in no order, until it returns other than 0. Errors: FORKED. */
PCCT_PUBLIC int pcct_readers(pcct_store *store, int (*each)(void *ctx, const struct pcct_reader *reader), void *ctx, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
