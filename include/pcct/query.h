/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_QUERY_H
#define PCCT_QUERY_H

#include <pcct/view.h>

#ifdef __cplusplus
extern "C" {
#endif

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
    int32_t *counts;         /* [nq]: neighbours found, min(k, points); NULL: not wanted */
    struct pcct_work *work;  /* NULL: not wanted */
};
#define PCCT_KNN_OPTIONS_INIT { sizeof(struct pcct_knn_options), 0, 0, NULL, NULL }

/*
 * The k nearest points of each of nq query points, exactly: equal to a comparison with every live point in double precision.
 * queries: row-major nq x dim, borrowed. labels[nq x k] and distances[nq x k] are written in order of (distance, label); where a version has
 * fewer than k points the rest is -1 and +infinity. Distances are in the store's unit (haversine: metres on a sphere of 6 371 008.8 m).
 * Ties are decided on the squared distance (manhattan, chebyshev: the distance; haversine, cosine, angular: the squared chord of unit vectors),
 * summed coordinate by coordinate in plain double arithmetic.
 * Custom metrics: ties are decided on the distance, as the function returns it.
 * Any thread. Errors: INVALID (k = 0; a custom metric that is not registered, or returned what is no distance), POINT (naming the query), MEMORY,
 * CANCELLED.
 */
PCCT_PUBLIC int pcct_knn(int64_t *labels, double *distances, const pcct_view *view, const double *queries, size_t nq, size_t k,
                         const struct pcct_knn_options *options, struct pcct_error *err);

/* The same for stored points, given by label. Errors: also UNKNOWN (naming the label). */
PCCT_PUBLIC int pcct_knn_stored(int64_t *labels, double *distances, const pcct_view *view, const int64_t *query_labels, size_t nq, size_t k,
                                const struct pcct_knn_options *options, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
