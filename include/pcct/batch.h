/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_BATCH_H
#define PCCT_BATCH_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A batch collects inserts and deletes; its commit makes them one new version, all or nothing. Until then nobody sees them and the store is
 * not locked. Deletes are carried out before inserts, so a label that is deleted and inserted in one batch gets its new coordinates.
 * Threads: one at a time per batch.
 */
typedef struct pcct_batch pcct_batch;

enum pcct_on_duplicate {
    PCCT_DUPLICATE_ERROR = 0,   /* an inserted label that is live already refuses the whole commit */
    PCCT_DUPLICATE_SKIP = 1,    /* the live point stays; of equal labels within the batch the first is taken */
    PCCT_DUPLICATE_REPLACE = 2  /* the new coordinates win; of equal labels within the batch the last is taken */
};

struct pcct_batch_options {
    size_t size;
    int on_duplicate;      /* enum pcct_on_duplicate */
    int no_wait;           /* 1: a commit answers BUSY at once when another writer is at work; 0: it waits */
    const char *expect;    /* a revision: the commit answers CONFLICT unless the branch stands there; NULL: anywhere. Copied. */
    /* 16 bytes, not all zero, or NULL: a commit repeated with the same id and content returns the first one's version. Copied. */
    const uint8_t *write_id;
    /*
     * Called during a commit, from the committing thread, with the share done: from 0 to 1, never falling, a few thousand times for a large batch,
     * so that between two calls there is about a hundredth of the work or a tenth of a second (but for the flush of a file, which is one call of
     * the system). Other threads of the library may be at work meanwhile. Another answer than 0 abandons the commit, which answers CANCELLED with
     * everything as before; the callback is not called again then. Once the version is on disk it is too late.
     */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
    int timing;            /* 1: the stages of a commit are timed, see <pcct/stats.h>; 0: no clock is read for that */
};
#define PCCT_BATCH_OPTIONS_INIT { sizeof(struct pcct_batch_options), 0, 0, NULL, NULL, NULL, NULL, 0 }

/* Begins a batch on `branch` ("main"). *batch is owned: pcct_batch_close(). Errors: INVALID (also: the store's custom metric is not registered),
 * NOT_FOUND (the branch), MEMORY. */
PCCT_PUBLIC int pcct_batch_begin(pcct_batch **batch, pcct_store *store, const char *branch, const struct pcct_batch_options *options,
                                 struct pcct_error *err);

/* Adds n points, row-major n x dim in the store's units. labels[n], or NULL: the next numbers of the store-wide counter (0, 1, 2, ...).
 * Both are copied. Labels are any numbers but -1 and
 * 2^63 - 1. Errors: POINT (naming the row, counted from 0 over the whole batch; nothing of this call is kept), INVALID (such a label), LIMIT,
 * MEMORY. */
PCCT_PUBLIC int pcct_batch_insert(pcct_batch *batch, const double *points, size_t n, const int64_t *labels, struct pcct_error *err);

/* Removes the points of these labels, which must be live when the batch is committed (UNKNOWN then). Copied. Errors: MEMORY. */
PCCT_PUBLIC int pcct_batch_delete(pcct_batch *batch, const int64_t *labels, size_t n, struct pcct_error *err);

/* Notes a key and value with the version, such as "epoch" = "12". The last value of a key wins. Key: 1 to 64 of [A-Za-z0-9_.-], not
 * beginning with "pcct."; value: UTF-8 of at most 4096 bytes. Errors: INVALID, LIMIT, MEMORY. */
PCCT_PUBLIC int pcct_batch_set(pcct_batch *batch, const char *key, const char *value, struct pcct_error *err);

/* The version that this batch makes begins from the state of `revision` (view.h) rather than from that of the branch's head: its parent stays the
 * head, its state parent is that version. Without inserts and deletes it has exactly that state again, at the cost of a commit that changes
 * nothing, however far back it lies. Copied; looked up when the batch is committed (NOT_FOUND, AMBIGUOUS then). NULL: from the head, as without
 * this call. Labels that the counter gives go on from those of that state. Errors: MEMORY. */
PCCT_PUBLIC int pcct_batch_restore(pcct_batch *batch, const char *revision, struct pcct_error *err);

/* Memory that the library asks for at most while a batch of n points is begun, filled and committed into an empty branch: the batch itself, the new
 * state with its query layout, what planning takes beside it, and what is written. After the commit the batch (8 dim + 9 bytes a point until it is
 * closed) and the state remain, together about half of it. */
#define PCCT_BULK_BYTES(n, dim) ((uint64_t)(n) * (240 + 80 * (uint64_t)(dim)) + (16u << 20))

/* Commits. Threads that commit by one handle at once share the flushes of the disk: one of them does the others' work too, in the order in which they
 * came. When it returns 0 the new version is on disk and *version is its number; after a failure the store is as before and the batch may
 * be committed again or closed. message: UTF-8 of at most 65536 bytes, NULL: "". A batch without changes commits too.
 * Errors: DUPLICATE, UNKNOWN, BUSY, CONFLICT, CANCELLED, NOSPACE, IO, DAMAGED, MEMORY, LIMIT, FORKED, INVALID (a custom metric returned what is no
 * distance, or contradicts itself: the message names the points). */
PCCT_PUBLIC int pcct_batch_commit(uint64_t *version, pcct_batch *batch, const char *message, struct pcct_error *err);

/* Counts of the last commit of this batch. Fill `size` before the call. */
struct pcct_batch_result {
    size_t size;
    /* A replaced point counts as inserted and deleted too. Skipped are also the rows that lost to an equal label within the batch. */
    uint64_t inserted, deleted, skipped, replaced;
    uint64_t frame_bytes;                          /* written to the journal */
    uint64_t anchor_bytes;                         /* of an anchor of this version, which is being written in the background: at most, for
                                                    * what an earlier one has is not written again; 0: none was due */
};
PCCT_PUBLIC int pcct_batch_describe(struct pcct_batch_result *result, const pcct_batch *batch);

/* Frees the batch, committed or not; NULL is fine. */
PCCT_PUBLIC void pcct_batch_close(pcct_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
