/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_QUERY_H
#define PCCT_QUERY_H

#include <pcct/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Queries. All are exact: equal to a comparison with every live point in double precision, whatever the number of threads and the way by which a view
 * came about. Answers are in order of (distance, label). Distances are in the store's unit (haversine: metres on a sphere of 6 371 008.8 m).
 * Ties are decided on the squared distance (manhattan, chebyshev: the distance; haversine, cosine, angular: the squared chord of unit vectors),
 * summed coordinate by coordinate in plain double arithmetic. Custom metrics: ties are decided on the distance, as the function returns it.
 *
 * Points are asked for from outside, by coordinates, or from inside, by label. Any thread may call, any number of them on one view at once.
 * The nearest point is k-NN with k = 1.
 */

/* Work of a call, added up over its queries. */
struct pcct_work {
    uint64_t nodes;     /* inner nodes of the layout visited; custom metrics: nodes of the tree whose children were looked at */
    uint64_t blocks;    /* blocks scanned; custom metrics: 0 */
    uint64_t distances; /* distances evaluated */
};

struct pcct_knn_options {
    size_t size;
    int threads;             /* 0: as many as the machine offers; the answer does not depend on it */
    int exclude_self;        /* pcct_knn_stored: leave the query point itself out */
    int32_t *counts;         /* [nq]: neighbours found, min(k, points that may be found); NULL: not wanted */
    struct pcct_work *work;  /* NULL: not wanted */
    const pcct_filter *filter; /* of the same view; NULL: every live point may be found */
    double *bounds;          /* [nq]: certificates: the distance of the nearest point that may be found and is not in the answer, +infinity where none
                              * is left out. NULL: not wanted */
    int (*progress)(void *ctx, double done); /* called now and then by the calling thread; other than 0 stops. NULL: none */
    void *progress_ctx;
};
#define PCCT_KNN_OPTIONS_INIT { sizeof(struct pcct_knn_options), 0, 0, NULL, NULL, NULL, NULL, NULL, NULL }

/*
 * The k nearest points of each of nq query points.
 * queries: row-major nq x dim, borrowed. labels[nq x k] and distances[nq x k] are written in order; where fewer than k points may be found the rest
 * is -1 and +infinity.
 * Errors: INVALID (k = 0; a filter with an order, or of another view; a custom metric that is not registered, or returned what is no
 * distance), POINT (naming the query), LIMIT, MEMORY, CANCELLED.
 */
PCCT_PUBLIC int pcct_knn(int64_t *labels, double *distances, const pcct_view *view, const double *queries, size_t nq, size_t k,
                         const struct pcct_knn_options *options, struct pcct_error *err);

/* The same for stored points, given by label. With a filter that has an order each finds its predecessors only: exactly min(k, rank) of them, if no
 * other filter stands in their way. Errors: also UNKNOWN (naming the label). */
PCCT_PUBLIC int pcct_knn_stored(int64_t *labels, double *distances, const pcct_view *view, const int64_t *query_labels, size_t nq, size_t k,
                                const struct pcct_knn_options *options, struct pcct_error *err);

/*
 * The whole graph: the k nearest points of every point that may be found, itself left out. A row for each, in order of pcct_view_read(), or of
 * pcct_filter_read() with a filter, which also say how many there are: labels[n x k], distances[n x k], counts[n], bounds[n].
 * Errors: as pcct_knn().
 */
PCCT_PUBLIC int pcct_graph(int64_t *labels, double *distances, const pcct_view *view, size_t k, const struct pcct_knn_options *options,
                           struct pcct_error *err);

struct pcct_radius_options {
    size_t size;
    int threads;
    int exclude_self;        /* pcct_radius_stored, pcct_count_stored: leave the query point itself out */
    uint64_t cap;            /* at most so many, the nearest; 0: all */
    struct pcct_work *work;
    const pcct_filter *filter;
};
#define PCCT_RADIUS_OPTIONS_INIT { sizeof(struct pcct_radius_options), 0, 0, 0, NULL, NULL }

/*
 * Answers of different lengths, as compressed rows: query i has places starts[i] to starts[i + 1] - 1 of labels and distances. An answer keeps its
 * memory from call to call, so that repeated calls take none. One thread at a time; borrows the store. *answer is owned: pcct_answer_close().
 * Errors: MEMORY.
 */
typedef struct pcct_answer pcct_answer;
PCCT_PUBLIC int pcct_answer_open(pcct_answer **answer, pcct_store *store, struct pcct_error *err);
PCCT_PUBLIC void pcct_answer_close(pcct_answer *answer); /* NULL is fine */

/* Fill `size` before the call. The arrays are borrowed until the answer is used again or closed. */
struct pcct_answer_rows {
    size_t size;
    size_t nq;               /* queries */
    const uint64_t *starts;  /* [nq + 1] */
    const int64_t *labels;   /* [starts[nq]] */
    const double *distances; /* the same */
};
PCCT_PUBLIC int pcct_answer_read(struct pcct_answer_rows *rows, const pcct_answer *answer);

/*
 * All points within a radius of each query: those whose distance, as it is reported, is at most `radius`, to the last bit. radius: at least 0;
 * infinity finds all. With a cap the nearest `cap` of them. After a failure the answer has no queries.
 * Errors: INVALID (a radius that is negative or NaN; a filter with an order, or of another view; a custom metric as for pcct_knn), POINT (naming the
 * query), LIMIT, MEMORY.
 */
PCCT_PUBLIC int pcct_radius(pcct_answer *answer, const pcct_view *view, const double *queries, size_t nq, double radius,
                            const struct pcct_radius_options *options, struct pcct_error *err);
/* The same for stored points, given by label; with an order in the filter, predecessors only. Errors: also UNKNOWN (naming the label). */
PCCT_PUBLIC int pcct_radius_stored(pcct_answer *answer, const pcct_view *view, const int64_t *query_labels, size_t nq, double radius,
                                   const struct pcct_radius_options *options, struct pcct_error *err);

/* Only how many there are: counts[nq]. A cap makes it min(cap, number). */
PCCT_PUBLIC int pcct_count(uint64_t *counts, const pcct_view *view, const double *queries, size_t nq, double radius,
                           const struct pcct_radius_options *options, struct pcct_error *err);
PCCT_PUBLIC int pcct_count_stored(uint64_t *counts, const pcct_view *view, const int64_t *query_labels, size_t nq, double radius,
                                  const struct pcct_radius_options *options, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
