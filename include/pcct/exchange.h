/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_EXCHANGE_H
#define PCCT_EXCHANGE_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Versions on their way between stores.
 *
 * A version's identity follows from what was put into it and what came out, so a version that is carried elsewhere has the same identity there, and
 * is proved by it. Its number, and the name of the branch that it was committed to, may be others. formats/pcct-bundle.md describes the file.
 *
 * All calls here: any thread; progress(ctx, done), done from 0 to 1, is called by the calling one, and ends the call with CANCELLED when it returns
 * other than 0.
 */
struct pcct_bundle_options {
    size_t size;
    const char *from;        /* a revision: what the bundle is to be applied on top of, and leaves out; NULL: the empty version */
    const char *to;          /* a revision: the newest that is wanted; NULL: all that branches and tags stand at */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
};
#define PCCT_BUNDLE_OPTIONS_INIT { sizeof(struct pcct_bundle_options), NULL, NULL, NULL, NULL }

/* What a bundle has. Fill `size` before the call. */
struct pcct_bundle_info {
    size_t size;
    uint64_t versions, refs; /* refs: branches and tags */
    uint64_t bytes;          /* of the file */
    uint32_t dim;
    uint32_t custom;         /* 1: the metric is a custom one, called so */
    char metric[32];
    uint64_t seed;
    uint8_t uuid[16];        /* of the store that it was made from */
    uint8_t base[16];        /* identity of the version that it is on top of; zeros: the empty one */
    int64_t time_ns;         /* when it was made */
};

/*
 * Writes the versions that `to` is made of and `from` is not into the file `path`: by parents, and by the states that were restored. Branches and
 * tags that stand at one of them, or at `from`, go with them; all of them where `to` is NULL. The file is there, durable and whole, when the call
 * returns, in the place of one that stood there, or not at all. Commits go on meanwhile. *info may be NULL.
 * Errors: NOT_FOUND (a revision; a version of the range that was pruned), AMBIGUOUS, INVALID (also: what stands at `path` is a folder, a device or a
 * link), CONFLICT (the store must be opened again: its catalogue was made anew), DAMAGED, NOSPACE, IO, PERMISSION, MEMORY, CANCELLED, FORKED.
 */
PCCT_PUBLIC int pcct_bundle(struct pcct_bundle_info *info, pcct_store *store, const char *path, const struct pcct_bundle_options *options,
                            struct pcct_error *err);

/* What the head of a bundle tells, of which a store can be made that it can be applied to. Errors: NOT_FOUND, DAMAGED, FORMAT, IO, MEMORY. */
PCCT_PUBLIC int pcct_bundle_describe(struct pcct_bundle_info *info, const char *path, struct pcct_error *err);

struct pcct_apply_options {
    size_t size;
    int move;                /* 1: a branch goes where the bundle has it although it stands elsewhere; what only it led to has no name then but its
                              * number. 0: only forward */
    int no_wait;             /* 1: BUSY at once when another writer is at work; 0: it waits */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
};
#define PCCT_APPLY_OPTIONS_INIT { sizeof(struct pcct_apply_options), 0, 0, NULL, NULL }

/* Fill `size` before the call. Written after an error too: what was done stays. */
struct pcct_apply_result {
    size_t size;
    uint64_t applied;        /* versions that were made */
    uint64_t skipped;        /* versions that were there, by their identity */
    uint64_t refs;           /* branches and tags that were made or moved */
};

/*
 * Puts the versions of a bundle into a store of the same dimension, metric and seed, each one whole and, when the call returns, as durable as a
 * commit, or not at all; they are flushed together, up to 64 at once. Those that are there already are passed over, so a call that was broken off is
 * repeated. The writer lock is held all the time. Behind them branches go forward and tags are made.
 *
 * Nothing of the file is trusted: its checksums, each number and row, the old values and digests of each state are checked; the identity is computed
 * anew from what came out, and must be the one that the bundle tells; the invariants of the tree (T1 to T6) are proved for each version that no other
 * in the bundle rests on. pcct_replay() proves the trees of all.
 * Errors: NOT_FOUND (the file; a version that the bundle is on top of), INVALID (of another dimension, metric or seed), DAMAGED, FORMAT, CONFLICT (a
 * branch that has gone elsewhere, a tag that stands elsewhere), BUSY, NOSPACE, IO, MEMORY, CANCELLED, FORKED.
 */
PCCT_PUBLIC int pcct_apply(struct pcct_apply_result *result, pcct_store *store, const char *path, const struct pcct_apply_options *options,
                           struct pcct_error *err);

struct pcct_backup_options {
    size_t size;
    const char *revision;    /* only this version; NULL: all, with branches, tags and their history */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
};
#define PCCT_BACKUP_OPTIONS_INIT { sizeof(struct pcct_backup_options), NULL, NULL, NULL }

/* Fill `size` before the call. */
struct pcct_backup_result {
    size_t size;
    uint64_t versions;       /* in the copy, with pruned ones that others need */
    uint64_t bytes;          /* copied */
};

/*
 * Copies a store to `path`, where nothing must be, as it is at one moment while others read and commit. The copy is a store of its own: the same
 * versions by number and identity. It is read once as pcct_fsck does, and is durable, before it gets its name; after a failure nothing is left. A
 * pruning waits until the copy is made, and commits behind it; the writing of anchors is left out meanwhile.
 *
 * One version, with options->revision, is copied with its state, message and keys, and branch main stands at it; no other can be named there. The
 * copy is as large as that state. Bundles from it on can be applied to it. A kernel that an older version set is not in it. *result may be NULL.
 * Errors: EXISTS, NOT_FOUND (the revision; the folder above), INVALID (version 0), CONFLICT (the store must be opened again: its catalogue was made
 * anew), DAMAGED (the store's damage too), NOSPACE, IO, PERMISSION, FILESYSTEM, MEMORY, CANCELLED, FORKED.
 */
PCCT_PUBLIC int pcct_backup(struct pcct_backup_result *result, pcct_store *store, const char *path, const struct pcct_backup_options *options,
                            struct pcct_error *err);

struct pcct_replay_options {
    size_t size;
    const char *from;        /* a revision, which is taken as it is; NULL: the empty version */
    const char *to;          /* a revision; NULL: all that branches and tags stand at */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
};
#define PCCT_REPLAY_OPTIONS_INIT { sizeof(struct pcct_replay_options), NULL, NULL, NULL, NULL }

/* Fill `size` before the call. */
struct pcct_replay_result {
    size_t size;
    uint64_t versions;       /* that came out as they are */
    uint64_t differs;        /* the first that did not, where it ended; 0: none */
    char first[256];         /* in what */
};

/*
 * Executes once more, in memory, what each version of the range was asked for: its points and deleted labels, on the state that it began from, as a
 * commit does it. The identity that comes out, and every word of the frame, must be what the store has: so the versions are proved by their points
 * alone, whoever wrote the store. Commits go on meanwhile. It takes about as long as the commits did without their flushes.
 * Errors: NOT_FOUND (a revision; a version of the range that was pruned), INVALID (a custom metric that is not registered), CONFLICT (pruned
 * meanwhile), AMBIGUOUS, DAMAGED, IO, MEMORY, CANCELLED, FORKED.
 */
PCCT_PUBLIC int pcct_replay(struct pcct_replay_result *result, pcct_store *store, const struct pcct_replay_options *options,
                            struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
