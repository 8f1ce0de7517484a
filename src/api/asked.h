/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ASKED_H
#define API_ASKED_H

#include "api/handle.h"

#include "metric/custom.h"
#include "query/knn.h"

/* The queries of one call, checked, with what they need: inner coordinates or nodes, and the surroundings of the call. */
struct api_asked {
    struct base_env env;      /* the store's, with the number of threads that the call asks for */
    struct query_batch batch; /* queries, node, self, nq and filter are filled in */
    const struct index_state *state; /* the view's, to be asked */
    struct index_state *reader;      /* of a custom metric: that state with calls of its own; owned */
    struct metric_calls calls;
    uint32_t *node;
    double *place;
};

struct pcct_filter {
    const pcct_view *view;    /* borrowed */
    struct base_env env;
    struct query_filter filter;
};

/* api_asked_free() in any case. Errors: INVALID, LIMIT, POINT (naming the query), UNKNOWN (naming the label), MEMORY. */
int api_asked_points(struct api_asked *asked, const pcct_view *view, const double *queries, size_t nq, const pcct_filter *filter, int threads,
                     struct pcct_error *err);
int api_asked_labels(struct api_asked *asked, const pcct_view *view, const int64_t *labels, size_t nq, const pcct_filter *filter, int threads,
                     int exclude_self, struct pcct_error *err);
/* All points that the filter lets through, each without itself. */
int api_asked_all(struct api_asked *asked, const pcct_view *view, const pcct_filter *filter, int threads, struct pcct_error *err);
void api_asked_free(struct api_asked *asked);

/* nodes[n_live]: those of an ordering, the labels of all live points, each once. Errors: INVALID (another number of labels), UNKNOWN, DUPLICATE
 * (naming the label), MEMORY. */
int api_ordering_nodes(uint32_t *nodes, const pcct_view *view, const int64_t *ordering, size_t n, const struct base_env *env, struct pcct_error *err);

void api_tell_work(struct pcct_work *out, const struct block_work *work); /* out NULL: nowhere */

#endif
