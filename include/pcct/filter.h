/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_FILTER_H
#define PCCT_FILTER_H

#include <pcct/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A filter says which points of a view may be found: those of a net, those on a list, those that come before the query point in an order, or any
 * of these together. Queries that are given one answer as if there were no other points; parts of the index without any are passed over.
 *
 * A filter is made once, in time and memory (some 12 bytes a row) in proportion to the view, for any number of calls. It does not change: any number
 * of threads may use one at once. It borrows its view, which must be closed after it.
 */
typedef struct pcct_filter pcct_filter;

/* Orders. In each every live point has its rank, from 0. */
enum pcct_order {
    PCCT_ORDER_NONE = 0,
    PCCT_ORDER_NODE = 1,  /* as the points came in; a point that is replaced comes in anew */
    PCCT_ORDER_LABEL = 2, /* labels ascending */
    PCCT_ORDER_GIVEN = 3  /* as `ordering` says */
};

struct pcct_filter_options {
    size_t size;
    int by_level;           /* 1: only points of the net of `level`, see pcct_net() */
    int level;
    const int64_t *labels;  /* [n_labels] only these points, which must be live; NULL: all. Repeated labels count once. */
    size_t n_labels;
    const uint64_t *bitmap; /* only points whose label is in 0..bitmap_bits-1 and has its bit set: bit l % 64 of bitmap[l / 64] is label l's. Bits of
                             * labels that no live point has are allowed. NULL: all. Not together with `labels`. */
    uint64_t bitmap_bits;
    int order;              /* of enum pcct_order. Other than NONE: stored points find their predecessors only, the points of lesser rank than theirs,
                             * and points that are not stored cannot be asked for. */
    const int64_t *ordering; /* PCCT_ORDER_GIVEN: [n_ordering] the labels of all live points, each once, first to last */
    size_t n_ordering;
};
#define PCCT_FILTER_OPTIONS_INIT { sizeof(struct pcct_filter_options), 0, 0, NULL, 0, NULL, 0, 0, NULL, 0 }

/* Makes a filter. What the options point to is borrowed for the call only. *filter is owned: pcct_filter_close(); NULL after a failure. Any thread.
 * Errors: INVALID (a level outside PCCT_LEVEL_MIN..MAX, both labels and bitmap, an unknown order, an ordering that is not of all live points),
 * UNKNOWN (a label that no live point has), DUPLICATE (a label that stands twice in the ordering), MEMORY. */
PCCT_PUBLIC int pcct_filter_open(pcct_filter **filter, const pcct_view *view, const struct pcct_filter_options *options, struct pcct_error *err);
PCCT_PUBLIC void pcct_filter_close(pcct_filter *filter); /* NULL is fine */

/* The labels of the points that may be found, into labels[*n]; *n is their number. In the filter's order, by label where it has none. labels NULL:
 * only the number. Errors: INVALID. */
PCCT_PUBLIC int pcct_filter_read(int64_t *labels, size_t *n, const pcct_filter *filter, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
