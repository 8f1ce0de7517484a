/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_WRITING_H
#define CLI_WRITING_H

#include "options.h"
#include "progress.h"
#include "telemetry.h"

#include <pcct/pcct.h>

/* What the verbs that commit have in common: --message, --expect, --no-wait, --set, --write-id, --telemetry, --quiet, --json. */
#define OPTIONS_WRITING                                                                                                           \
    { OPT_MESSAGE, 'm', "message", "TEXT", "message of the version" },                                                            \
    { OPT_SET, 0, "set", "KEY=VALUE", "note a key and value with the version; may be repeated" },                                 \
    { OPT_BRANCH, 0, "branch", "NAME", "the branch to commit to (default: main)" },                                               \
    { OPT_EXPECT, 0, "expect", "REV", "commit only if the branch stands at REV, else exit with 4" },                                    \
    { OPT_WRITE_ID, 0, "write-id", "ID", "32 hex digits: a run repeated with the same ID and rows adds nothing twice\n"           \
        "(batch i of a run uses ID + i)" },                                                                                       \
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },                                    \
    { OPT_TELEMETRY, 0, "telemetry", "FILE", "append a line of JSON for each version: times, counts and memory of its commit\n"    \
        "(schema pcct.telemetry.1)" }

struct writing {
    const struct options *options;
    pcct_store *store;
    struct pcct_store_info info;
    const char *branch;
    uint64_t head;                /* where the branch stood at the beginning */
    struct progress progress;
    struct telemetry telemetry;
    struct timespec began;
    const char *what;             /* shown beside the bar during a commit */
    double share_before, share_all; /* of the whole run that was done before this commit, and this commit's part */
    uint8_t write_id[16];
    uint64_t first_version, version; /* committed so far; 0: none */
    uint64_t repeated;            /* of these: found by their write id, made by an earlier run */
    uint64_t versions, inserted, deleted, skipped, replaced, frame_bytes, anchor_bytes;
};

/* Opens the store of operand 0. writing_close() in any case. */
int writing_open(struct writing *writing, const struct options *options, struct pcct_error *err);
/* A batch with the common options. *batch is owned: pcct_batch_close(). */
int writing_begin(pcct_batch **batch, struct writing *writing, int on_duplicate, struct pcct_error *err);
/* Commits, and adds its counts to writing's. */
int writing_commit(struct writing *writing, pcct_batch *batch, struct pcct_error *err);
/* The summary line or JSON object of a verb that is done. rows_skipped: rows of the input left out. */
int writing_report(struct writing *writing, const char *schema, uint64_t rows_skipped, struct pcct_error *err);
void writing_close(struct writing *writing);

#endif
