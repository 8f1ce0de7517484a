/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_BRANCH_H
#define PCCT_BRANCH_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Names for versions. A branch moves with each commit to it, and may be put elsewhere; a tag stays where it was made. Every store has the branch
 * "main". Names: 1 to 63 of [A-Za-z0-9._/-], not beginning with . - or /, without "..", and not like v17 or an identity (4 to 32 hex digits only);
 * branches and tags share them.
 *
 * Each change is as durable as a commit when the call returns, and stands in the journal and in the reflog. Like commits, changes come one after the
 * other across threads and processes. Threads: any.
 */
struct pcct_ref_options {
    size_t size;
    int no_wait;          /* 1: BUSY at once when another writer is at work; 0: it waits */
    int reserved;
    const char *expect;   /* a revision: CONFLICT unless the branch or tag stands there (not for making one); NULL: anywhere */
};
#define PCCT_REF_OPTIONS_INIT { sizeof(struct pcct_ref_options), 0, 0, NULL }

/* Makes a branch at `revision` (view.h; NULL: "main"). Errors: INVALID (the name), EXISTS (a branch or tag of that name), NOT_FOUND, AMBIGUOUS, BUSY,
 * NOSPACE, IO, DAMAGED, MEMORY, FORKED. */
PCCT_PUBLIC int pcct_branch_create(pcct_store *store, const char *name, const char *revision, const struct pcct_ref_options *options,
                                   struct pcct_error *err);
/* Puts a branch elsewhere. The versions it leaves stay, under their numbers; the reflog tells where it stood. *before: that version; may be NULL.
 * Errors: as above, and CONFLICT (see expect), INVALID (a tag). */
PCCT_PUBLIC int pcct_branch_reset(uint64_t *before, pcct_store *store, const char *name, const char *revision,
                                  const struct pcct_ref_options *options, struct pcct_error *err);
/* Deletes a branch, not its versions. "main" stays (INVALID). */
PCCT_PUBLIC int pcct_branch_delete(pcct_store *store, const char *name, const struct pcct_ref_options *options, struct pcct_error *err);

PCCT_PUBLIC int pcct_tag_create(pcct_store *store, const char *name, const char *revision, const struct pcct_ref_options *options,
                                struct pcct_error *err);
PCCT_PUBLIC int pcct_tag_delete(pcct_store *store, const char *name, const struct pcct_ref_options *options, struct pcct_error *err);

enum pcct_ref_kind { PCCT_BRANCH = 1, PCCT_TAG = 2 };
struct pcct_ref {
    char name[64];
    int kind;             /* enum pcct_ref_kind */
    int reserved;
    uint64_t version;
    int64_t time_ns;      /* of its last change, since 1970, UTC */
};
/* Calls each() for all branches and tags, by name, until it returns other than 0, which ends the walk well. *ref is borrowed until each() returns.
 * Errors: DAMAGED, IO, MEMORY, FORKED. */
PCCT_PUBLIC int pcct_refs_each(pcct_store *store, int (*each)(void *ctx, const struct pcct_ref *ref), void *ctx, struct pcct_error *err);

/* What happened to branches and tags. Numbers are pinned. */
enum pcct_ref_operation {
    PCCT_REF_COMMITTED = 0, PCCT_REF_BRANCH_MADE = 1, PCCT_REF_BRANCH_RESET = 2, PCCT_REF_BRANCH_DELETED = 3, PCCT_REF_TAG_MADE = 4,
    PCCT_REF_TAG_DELETED = 5, PCCT_REF_PRUNED = 6, PCCT_REF_POLICY_SET = 7 /* of the whole store; their name is "*" */
};
struct pcct_reflog_entry {
    uint64_t number;          /* from 1 on, over the whole store */
    char name[64];            /* "": a version that came by a bundle, which moves no branch (exchange.h) */
    int operation;            /* enum pcct_ref_operation */
    int reserved;
    uint64_t before, after;   /* versions; 0 also where the branch or tag was or is not there */
    int64_t time_ns;
};
/* Calls each() for the entries about `name` (NULL: all), newest first, as pcct_refs_each does. A pruning takes out those whose versions are gone, and
 * those of earlier prunings. */
PCCT_PUBLIC int pcct_reflog_each(pcct_store *store, const char *name, int (*each)(void *ctx, const struct pcct_reflog_entry *entry), void *ctx,
                                 struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
