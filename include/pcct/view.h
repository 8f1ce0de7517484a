/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_VIEW_H
#define PCCT_VIEW_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A view is one version of a store, immutable, with its cover tree and query layout. Any number of threads may query one view at once.
 * Commits neither change a view nor wait for it.
 *
 * Revisions: "main" (the branch's newest version, or a tag's), "v17", the first 4 or more hex digits of a version's identity (unique),
 * "main@{2026-11-20}" (where the branch stood at the end of that day, UTC; also 2026-11-20T12:30 and T12:30:15, and without a name main's) or
 * "epoch:12" (the newest version with that user key and value). Each may be followed by ~k: its k-th ancestor. "v0" is the empty version that every
 * store starts from.
 */
typedef struct pcct_view pcct_view;

/* Opens the version that `revision` names. *view is owned: pcct_view_close(); NULL after a failure. Those who open the same version share it and may
 * get the same handle, to be closed as often as it was opened. The newest version of a branch is at hand where this handle of the store has committed
 * it; where it has opened an earlier one, the frames in between are read.
 * Errors: INVALID (not a revision), NOT_FOUND, AMBIGUOUS, DAMAGED (naming the file), CONFLICT (the store must be opened again: its catalogue was made
 * anew), IO, MEMORY, FORKED, BUSY (4096 versions are in use by processes on this machine). */
PCCT_PUBLIC int pcct_view_open(pcct_view **view, pcct_store *store, const char *revision, struct pcct_error *err);
PCCT_PUBLIC void pcct_view_close(pcct_view *view); /* NULL is fine */

/* Fill `size` before the call. Levels are those of the cover tree in the metric's inner unit (a node of level i is at most 2^(i+1) from its
 * parent). */
struct pcct_view_info {
    size_t size;
    uint64_t version;
    uint8_t identity[16];
    uint64_t n_live, n_rows;          /* live points; rows with the dead ones */
    int32_t level_max, level_min;     /* of live nodes; 0, 0 when there is none */
    uint32_t levels;                  /* levels that have a node */
    uint32_t blocks;                  /* of the query layout */
    uint64_t twins;                   /* points at distance 0 from another */
    uint64_t memory_bytes;            /* of the view's arrays, mapped from an anchor or not; room to grow is not counted */
    uint64_t layout_bytes;            /* of these, the query layout's */
    uint64_t anchor;                  /* version of the anchor that was mapped; 0: none */
    uint32_t frames;                  /* applied on top of it */
    uint32_t dim;
    int64_t root_label;               /* -1 when the view is empty */
};
PCCT_PUBLIC int pcct_view_describe(struct pcct_view_info *info, const pcct_view *view);

/* labels[n_live]: the labels of all live points, ascending. points[n_live x dim] in the same order, or NULL. Errors: MEMORY. */
PCCT_PUBLIC int pcct_view_read(int64_t *labels, double *points, const pcct_view *view, struct pcct_error *err);

/* points[n x dim]: the coordinates of these labels. Errors: UNKNOWN (naming the label), MEMORY. */
PCCT_PUBLIC int pcct_view_find(double *points, const pcct_view *view, const int64_t *labels, size_t n, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
