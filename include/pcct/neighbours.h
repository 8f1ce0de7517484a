/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_NEIGHBOURS_H
#define PCCT_NEIGHBOURS_H

#include <pcct/query.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The graph of a version, kept: the k nearest points of every point, itself left out, as pcct_graph() finds them. It can be brought to any other
 * version of the store, which takes time in proportion to the points that came and went and the rows that differ, beside a pass over the rows; the
 * result is bit for bit that of making it anew. On the way every row that differs is shown: what has to be computed anew by whoever keeps something
 * for each row, such as the factors of a Vecchia approximation.
 *
 * A handle keeps nothing of a view, and is for one thread at a time. It borrows the store.
 */
typedef struct pcct_neighbours pcct_neighbours;

struct pcct_neighbours_options {
    size_t size;
    int threads;             /* 0: as many as the machine offers */
    int reserved;
    struct pcct_work *work;  /* NULL: not wanted */
    int (*progress)(void *ctx, double done); /* called now and then by the calling thread; other than 0 stops. NULL: none */
    void *progress_ctx;
    const struct pcct_gp *gp; /* of the view that is given (gp.h): nearest by its kernel, as pcct_gp_graph() finds them. NULL: by the store's metric.
                               * A graph by a kernel is renewed with one. Where that is another kernel, or one that is the caller's own function or
                               * has the caller's features, all rows are looked for anew. */
};
#define PCCT_NEIGHBOURS_OPTIONS_INIT { sizeof(struct pcct_neighbours_options), 0, 0, NULL, NULL, NULL, NULL }

/* Finds all neighbours in a view. *neighbours is owned: pcct_neighbours_close(); NULL after a failure. Memory: 16 bytes a neighbour and the
 * coordinates. k: at least 1; rows are k long even where there are fewer points.
 * Errors: INVALID (also a kernel that was opened for another view), LIMIT, MEMORY, CANCELLED, as pcct_graph(). */
PCCT_PUBLIC int pcct_neighbours_open(pcct_neighbours **neighbours, const pcct_view *view, size_t k, const struct pcct_neighbours_options *options,
                                     struct pcct_error *err);
PCCT_PUBLIC void pcct_neighbours_close(pcct_neighbours *neighbours); /* NULL is fine */

/* The same from lists that were made for this view before and kept elsewhere: rows as pcct_neighbours_read() tells them, borrowed for the call. That
 * entries are live points, in order, at the distances given, is checked; that no nearer point was left out is not.
 * Errors: INVALID (naming the first row that cannot be one of this view), LIMIT, MEMORY. */
PCCT_PUBLIC int pcct_neighbours_adopt(pcct_neighbours **neighbours, const pcct_view *view, size_t k, const int64_t *labels,
                                      const double *distances, const int32_t *counts, const struct pcct_neighbours_options *options,
                                      struct pcct_error *err);

/* The same graph once more, so that one can be renewed by a thread while others read the other. *copy is owned: pcct_neighbours_close(); NULL after a
 * failure. Any number of threads may copy and read a handle that nobody renews. Errors: MEMORY. */
PCCT_PUBLIC int pcct_neighbours_copy(pcct_neighbours **copy, const pcct_neighbours *neighbours, struct pcct_error *err);

/* Fill `size` before the call. The arrays are borrowed until the handle is renewed or closed. */
struct pcct_neighbours_rows {
    size_t size;
    size_t n, k;             /* points, ascending by label; columns */
    const int64_t *rows;     /* [n] their labels */
    const int64_t *labels;   /* [n x k] by (distance, label), then -1 */
    const double *distances; /* [n x k], then +infinity */
    const int32_t *counts;   /* [n] min(k, n - 1) */
    uint64_t version;        /* of the view */
    uint8_t identity[16];
};
PCCT_PUBLIC int pcct_neighbours_read(struct pcct_neighbours_rows *rows, const pcct_neighbours *neighbours);

/* One row that differs between two versions; a point that came has no list before, one that went none after. All is borrowed during the call. */
struct pcct_neighbours_change {
    int64_t label;
    const int64_t *before, *after; /* labels; NULL: the point is not there */
    const double *distances_before, *distances_after;
    int32_t count_before, count_after;
};

/* How a version was reached. Fill `size` before the call. */
struct pcct_neighbours_renewal {
    size_t size;
    uint64_t gone, came;     /* points; one whose coordinates changed is both */
    uint64_t asked;          /* rows that were looked for anew */
    uint64_t changed;        /* rows that came, went or differ: in their list, in a distance, or in the coordinates of a point that is in it */
};

/*
 * Brings the graph to another version of the store, older or newer, on whatever branch. change(): NULL or called by the calling thread for every row
 * that differs, by label, until it returns other than 0, which ends the showing and is no error. renewal: NULL or filled in. After a failure the
 * graph is as it was.
 * Errors: INVALID (a view of another store handle; a kernel of another view, or where the graph is by none, or none where it is by one), MEMORY,
 * CANCELLED, as pcct_graph().
 */
PCCT_PUBLIC int pcct_neighbours_renew(struct pcct_neighbours_renewal *renewal, pcct_neighbours *neighbours, const pcct_view *view,
                                      const struct pcct_neighbours_options *options,
                                      int (*change)(void *ctx, const struct pcct_neighbours_change *change), void *ctx, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
