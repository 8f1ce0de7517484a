/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include "base/memory.h"
#include "index/search.h"
#include "query/knn.h"

/* The environment of one call: the store's, with the number of threads that the call asks for. */
static struct base_env call_env(const pcct_view *view, int threads)
{
    struct base_env env;

    base_env_init(&env, view->state.env->os, threads);
    env.memory = view->state.env->memory;
    return env;
}

static int check_call(struct pcct_knn_options *o, const void *labels, const void *distances, const void *queries, size_t nq, size_t k,
                      const struct pcct_knn_options *options, struct pcct_error *err)
{
    int status = 0;

    TRY(api_options_read(o, sizeof *o, options, "the options of pcct_knn", err));
    if (k == 0) TRY(base_fail(err, PCCT_E_INVALID, "k must be at least 1"));
    if (k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", k, INT32_MAX));
    if (nq > UINT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "%zu queries in one call; at most %u are possible", nq, UINT32_MAX));
    if (o->threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o->threads));
    if (nq > 0 && (!labels || !distances || !queries)) TRY(base_fail(err, PCCT_E_INVALID, "labels, distances and queries must be given"));
done:
    return status;
}

static int search(int64_t *labels, double *distances, const pcct_view *view, const struct query_batch *batch, const struct pcct_knn_options *o,
                  const struct base_env *env, struct pcct_error *err)
{
    struct block_work work = { 0, 0, 0, 0 };
    struct metric_calls calls;
    struct index_state reader;
    int status = 0;

    if (metric_is_custom(&view->state.metric)) {
        api_reader(&reader, &calls, &view->state);
        TRY(query_knn(labels, distances, o->counts, &reader, batch, env, &work, err));
    } else {
        TRY(query_knn(labels, distances, o->counts, &view->state, batch, env, &work, err));
    }
    if (o->work) *o->work = (struct pcct_work){ work.nodes, work.blocks, work.distances };
done:
    return status;
}

int pcct_knn(int64_t *labels, double *distances, const pcct_view *view, const double *queries, size_t nq, size_t k,
             const struct pcct_knn_options *options, struct pcct_error *err)
{
    const struct metric *metric = &view->state.metric;
    struct query_batch batch = { .queries = queries, .nq = nq, .k = k };
    struct pcct_knn_options o;
    struct base_env env;
    double *place = NULL;
    size_t bad = 0;
    int status = 0;

    TRY(index_calls_need(&view->state.metric, err));
    TRY(check_call(&o, labels, distances, queries, nq, k, options, err));
    env = call_env(view, o.threads);
    TRY(metric_validate(&bad, metric, queries, nq, 0, err));
    if (metric->embeds) {
        TRY(base_take(&place, &env, nq * metric->dim, sizeof *place, err));
        metric_embed(place, metric, queries, nq);
        batch.queries = place;
    }
    TRY(search(labels, distances, view, &batch, &o, &env, err));
done:
    base_free(view->state.env, place);
    return status;
}

int pcct_knn_stored(int64_t *labels, double *distances, const pcct_view *view, const int64_t *query_labels, size_t nq, size_t k,
                    const struct pcct_knn_options *options, struct pcct_error *err)
{
    size_t dim = view->state.metric.dim;
    struct query_batch batch = { .nq = nq, .k = k };
    struct pcct_knn_options o;
    struct base_env env;
    uint32_t *node = NULL;
    double *place = NULL;
    int status = 0;

    TRY(index_calls_need(&view->state.metric, err));
    TRY(check_call(&o, labels, distances, query_labels, nq, k, options, err));
    env = call_env(view, o.threads);
    TRY(base_take(&node, &env, nq, sizeof *node, err));
    TRY(base_take(&place, &env, nq * dim, sizeof *place, err));
    TRY(api_view_nodes(node, view, query_labels, nq, err));
    for (size_t i = 0; i < nq; i++) {
        for (size_t j = 0; j < dim; j++) place[i * dim + j] = index_place(&view->state, node[i])[j];
    }
    batch.queries = place;
    batch.self = o.exclude_self ? node : NULL;
    TRY(search(labels, distances, view, &batch, &o, &env, err));
done:
    base_free(view->state.env, place);
    base_free(view->state.env, node);
    return status;
}
