/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"

static int check_call(struct pcct_knn_options *o, size_t k, const struct pcct_knn_options *options, struct pcct_error *err)
{
    int status = 0;

    TRY(api_options_read(o, sizeof *o, options, "the options of pcct_knn", err));
    if (k == 0) TRY(base_fail(err, PCCT_E_INVALID, "k must be at least 1"));
    if (k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", k, INT32_MAX));
done:
    return status;
}

static int answer(int64_t *labels, double *distances, struct api_asked *asked, size_t k, const struct pcct_knn_options *o, struct pcct_error *err)
{
    struct block_work work = { 0, 0, 0, 0 };
    int status = 0;

    if (asked->batch.nq > 0 && (!labels || !distances)) TRY(base_fail(err, PCCT_E_INVALID, "labels and distances must be given"));
    asked->batch.k = k;
    asked->batch.bounds = o->bounds;
    asked->batch.progress = o->progress;
    asked->batch.progress_ctx = o->progress_ctx;
    TRY(query_knn(labels, distances, o->counts, asked->state, &asked->batch, &asked->env, &work, err));
    api_tell_work(o->work, &work);
done:
    return status;
}

int pcct_knn(int64_t *labels, double *distances, const pcct_view *view, const double *queries, size_t nq, size_t k,
             const struct pcct_knn_options *options, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct pcct_knn_options o;
    int status = 0;

    TRY(check_call(&o, k, options, err));
    TRY(api_asked_points(&asked, view, queries, nq, o.filter, o.threads, err));
    TRY(answer(labels, distances, &asked, k, &o, err));
done:
    api_asked_free(&asked);
    return status;
}

int pcct_knn_stored(int64_t *labels, double *distances, const pcct_view *view, const int64_t *query_labels, size_t nq, size_t k,
                    const struct pcct_knn_options *options, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct pcct_knn_options o;
    int status = 0;

    TRY(check_call(&o, k, options, err));
    TRY(api_asked_labels(&asked, view, query_labels, nq, o.filter, o.threads, o.exclude_self, err));
    TRY(answer(labels, distances, &asked, k, &o, err));
done:
    api_asked_free(&asked);
    return status;
}

int pcct_graph(int64_t *labels, double *distances, const pcct_view *view, size_t k, const struct pcct_knn_options *options, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct pcct_knn_options o;
    int status = 0;

    TRY(check_call(&o, k, options, err));
    TRY(api_asked_all(&asked, view, o.filter, o.threads, err));
    TRY(answer(labels, distances, &asked, k, &o, err));
done:
    api_asked_free(&asked);
    return status;
}
