/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_DIFF_H
#define PCCT_DIFF_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What leads from one version to another, in either direction and across branches: by labels, and, if asked for, by arrays and levels. It is read
 * from what the commits between them wrote, so its cost follows the changes, not the number of points; where these were pruned, the two states are
 * compared. Threads: any, once it is open.
 */
typedef struct pcct_diff pcct_diff;

struct pcct_diff_options {
    size_t size;
    int stat;             /* 1: also counts rows and bytes of each array, and nodes of each level (pcct_diff_array, pcct_diff_level) */
    int reserved;
};
#define PCCT_DIFF_OPTIONS_INIT { sizeof(struct pcct_diff_options), 0, 0 }

/* From the state of `from` to that of `to` (revisions: view.h). *diff is owned: pcct_diff_close(); NULL after a failure.
 * Errors: INVALID, NOT_FOUND, AMBIGUOUS, DAMAGED (naming file and version), IO, MEMORY, FORKED. */
PCCT_PUBLIC int pcct_diff_open(pcct_diff **diff, pcct_store *store, const char *from, const char *to, const struct pcct_diff_options *options,
                               struct pcct_error *err);
PCCT_PUBLIC void pcct_diff_close(pcct_diff *diff); /* NULL is fine */

/* Fill `size` before the call. */
struct pcct_diff_info {
    size_t size;
    uint64_t from, to;        /* versions */
    uint64_t common;          /* the newest version whose state both go back to */
    uint64_t undone, applied; /* versions between `from` and common, and between common and `to` */
    uint64_t added;           /* labels that are live in `to` alone */
    uint64_t removed;         /* labels that are live in `from` alone */
    uint64_t replaced;        /* labels that are live in both, but were inserted anew in between (the coordinates may still be the same) */
    /* 1: commits between were pruned, so the two states were compared: common, undone and applied are 0, there are no counts of arrays and levels,
     * and replaced are the labels whose coordinates differ */
    int by_states;
    int reserved;
};
PCCT_PUBLIC int pcct_diff_describe(struct pcct_diff_info *info, const pcct_diff *diff);

/* The labels, each list ascending; borrowed until the diff is closed, and as long as pcct_diff_describe says. */
PCCT_PUBLIC const int64_t *pcct_diff_added(const pcct_diff *diff);
PCCT_PUBLIC const int64_t *pcct_diff_removed(const pcct_diff *diff);
PCCT_PUBLIC const int64_t *pcct_diff_replaced(const pcct_diff *diff);

/* What the commits between wrote, one after the other, in either direction: a row that was changed twice counts twice. All zero without `stat`. */
struct pcct_diff_array {
    const char *name;         /* "point", "label", "parent", "level", "radius", "pdist"; static storage */
    uint64_t added, changed;  /* rows */
    uint64_t bytes;           /* of their values: new ones, and old and new ones of changed rows */
};
/* 1: *array was filled with number i, from 0; 0: there are no more. */
PCCT_PUBLIC int pcct_diff_array(struct pcct_diff_array *array, const pcct_diff *diff, size_t i);

/* Nodes of a level of the cover tree: that came to be on it (new, or moved there), and that left it (deleted, or moved away), going from `from` to
 * `to`. */
struct pcct_diff_level {
    int32_t level;            /* PCCT_LEVEL_TWINS: points at distance 0 from another, which are on no level */
    int32_t reserved;
    uint64_t came, left;
};
#define PCCT_LEVEL_TWINS (-2147483647 - 1)
/* 1: *level was filled with number i, from 0, the greatest level first, twins last; 0: there are no more. */
PCCT_PUBLIC int pcct_diff_level(struct pcct_diff_level *level, const pcct_diff *diff, size_t i);

#ifdef __cplusplus
}
#endif
#endif
