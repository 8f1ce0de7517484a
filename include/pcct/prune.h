/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_PRUNE_H
#define PCCT_PRUNE_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Takes versions away for which all holds that is asked for, and gives back the space that nothing needs any more. The versions that branches and
 * tags stand at always stay, and so does the one that set the kernel (pcct_batch_set_kernel) of one that stays. What others need of a version that
 * goes, for their states, is kept, but it can no longer be named (NOT_FOUND says so). At least one rule must be given, or gc.
 */
struct pcct_prune_options {
    size_t size;
    uint64_t keep_last;      /* the last so many of each branch stay, counted from where it stands; 0: no rule */
    uint64_t keep_every;     /* those whose generation is a multiple of this stay; 0: no rule */
    int64_t older_than_ns;   /* only those made before that time go (since 1970, UTC); 0: no rule */
    const char *key;         /* only those go whose user key of this name is a number less than `before`, such as "epoch"; NULL: no rule */
    double before;
    int gc;                  /* 1: no version goes; only what is of no use any more is given back */
    int dry_run;             /* 1: only counts */
    int no_wait;             /* 1: BUSY at once when another writer is at work; 0: it waits */
    int by_policy;           /* 1: by the rules of the store's policy (below) and no others; nothing goes when it has none */
};
#define PCCT_PRUNE_OPTIONS_INIT { sizeof(struct pcct_prune_options), 0, 0, 0, NULL, 0, 0, 0, 0, 0 }

/* Fill `size` before the call. Bytes are those of what commits and anchors wrote. */
struct pcct_prune_result {
    size_t size;
    uint64_t pruned;         /* versions that went, or would go */
    uint64_t left;           /* versions that can be named afterwards */
    uint64_t removed;        /* pruned versions, now or earlier, of which nothing is left since now */
    uint64_t freed_bytes, left_bytes; /* what anchors have in common counts for the one that wrote it, and is given back with the last of them */
};

/* As durable as a commit when it returns, in one step; space is given back after that, and what a crash leaves of it by the next call. Views that are
 * open stay whole. The time follows the versions that there are; what is written is about as long as their records.
 * On a full disk it has 16 MiB of its own (BALLAST), which it makes anew behind itself when there is twice that room again.
 * Errors: INVALID (no rule), BUSY, NOSPACE, IO, DAMAGED, MEMORY, FORKED. */
PCCT_PUBLIC int pcct_prune(struct pcct_prune_result *result, pcct_store *store, const struct pcct_prune_options *options, struct pcct_error *err);

/*
 * Rules that are kept with the store, and by which those who write to it prune it from time to time, by a thread of their own: when so many versions
 * were committed since the last time as half of what was left then, and 64 at least; 64 commits later they wait for it. So a store has at most about
 * one and a half times the versions that it is to keep, and writing down what is left costs a commit at most three records. That a pruning fails is
 * nobody's error; it is tried again.
 */
struct pcct_policy {
    size_t size;
    uint64_t keep_last;      /* as above */
    uint64_t keep_every;
    int64_t age_ns;          /* only versions that are older than that go; 0: no rule */
    int no_wait;             /* pcct_policy_set: 1: BUSY at once when another writer is at work; 0: it waits */
    int reserved;
};
#define PCCT_POLICY_INIT { sizeof(struct pcct_policy), 0, 0, 0, 0, 0 }
/* Sets the rules in place of those before, or, when none is given or policy is NULL, takes them away. As durable as a commit; the next commit has
 * versions pruned by them. Errors: INVALID, BUSY, NOSPACE, IO, DAMAGED, MEMORY, FORKED, PERMISSION. */
PCCT_PUBLIC int pcct_policy_set(pcct_store *store, const struct pcct_policy *policy, struct pcct_error *err);
/* Fill `size` before the call. No rule: the store has no policy. Errors: INVALID, DAMAGED, IO, FORKED. */
PCCT_PUBLIC int pcct_policy_get(struct pcct_policy *policy, pcct_store *store, struct pcct_error *err);

/*
 * Makes a store as small as it can be without changing what it holds: versions, identities, branches, tags and the reflog stay. An anchor is written
 * of a version whose state rests on pruned versions alone, where that frees more than it takes; what nothing needs any more is given back; of the
 * other anchors the newest stays, so that older versions open more slowly; the catalogue is copied without its free pages. The last closes the door
 * behind it: this handle and those that others have must be closed and opened again (CONFLICT says so to who writes). Nobody should have the store
 * open. Before all that everything is read, as pcct_fsck does: a damaged store is left as it is (DAMAGED), since what could be taken away may be what
 * versions are still read from.
 */
struct pcct_compact_options {
    size_t size;
    int no_wait;             /* 1: BUSY at once when another writer is at work; 0: it waits. Who writes an anchor is waited for */
    int reserved;
};
#define PCCT_COMPACT_OPTIONS_INIT { sizeof(struct pcct_compact_options), 0, 0 }
struct pcct_compact_result {
    size_t size;
    uint64_t before_bytes, after_bytes; /* that its files occupy */
    uint64_t anchors_made, anchors_dropped;
    uint64_t removed;                   /* pruned versions of which nothing is left since now */
};
/* Errors: BUSY, CONFLICT, NOSPACE, IO, DAMAGED, MEMORY, FORKED, PERMISSION, INVALID. What was done before an error stays done, and harms nothing. */
PCCT_PUBLIC int pcct_compact(struct pcct_compact_result *result, pcct_store *store, const struct pcct_compact_options *options,
                             struct pcct_error *err);

/* What a version takes on disk, in bytes of what commits and anchors wrote. What an anchor has in common with others counts for the one that wrote it
 * first, for none when that one is gone, and is given back with the last of them; pcct_store_describe's disk_bytes have all of it. */
struct pcct_usage {
    uint64_t version;
    uint64_t frame_bytes, anchor_bytes; /* written by its commit; 0: it has no anchor */
    uint64_t needed_bytes;              /* all that it takes to open it: its anchor, or frames back to the nearest one */
    uint64_t unshared_bytes;            /* what would be freed if it alone were pruned; 0 when the states of others rest on it */
};
/* Calls each() for all versions that can be named, newest first, until it returns other than 0, which ends the walk well.
 * Errors: DAMAGED, IO, MEMORY, FORKED. */
PCCT_PUBLIC int pcct_usage_each(pcct_store *store, int (*each)(void *ctx, const struct pcct_usage *usage), void *ctx, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
