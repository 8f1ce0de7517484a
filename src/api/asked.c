/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"

#include "api/registration.h"
#include "base/memory.h"
#include "index/search.h"

#include <string.h>

static int start(struct api_asked *asked, const pcct_view *view, const void *queries, size_t nq, const pcct_filter *filter, int threads,
                 struct pcct_error *err)
{
    int status = 0;

    memset(asked, 0, sizeof *asked);
    base_env_init(&asked->env, view->state.env->os, threads > 0 ? threads : 0);
    asked->env.memory = view->state.env->memory;
    if (threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", threads));
    TRY(index_calls_need(&view->state.metric, err));
    asked->state = &view->state;
    if (metric_is_custom(&view->state.metric)) {
        TRY(base_take(&asked->reader, &asked->env, 1, sizeof *asked->reader, err));
        api_reader(asked->reader, &asked->calls, &view->state);
        asked->state = asked->reader;
    }
    if (nq > UINT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "%zu queries in one call; at most %u are possible", nq, UINT32_MAX));
    if (nq > 0 && !queries) TRY(base_fail(err, PCCT_E_INVALID, "queries must be given"));
    if (filter && filter->view != view) TRY(base_fail(err, PCCT_E_INVALID, "the filter was made for another view; make one for this view"));
    asked->batch.nq = nq;
    asked->batch.filter = filter ? &filter->filter : NULL;
done:
    return status;
}

int api_asked_points(struct api_asked *asked, const pcct_view *view, const double *queries, size_t nq, const pcct_filter *filter, int threads,
                     struct pcct_error *err)
{
    const struct metric *metric = &view->state.metric;
    size_t bad = 0;
    int status = 0;

    TRY(start(asked, view, queries, nq, filter, threads, err));
    if (filter && filter->filter.order != QUERY_ORDER_NONE) {
        TRY(base_fail(err, PCCT_E_INVALID, "points that are not stored have no rank in the filter's order; ask for stored points by label"));
    }
    TRY(metric_validate(&bad, metric, queries, nq, 0, err));
    asked->batch.queries = queries;
    if (metric->embeds) {
        TRY(base_take(&asked->place, &asked->env, nq * metric->dim, sizeof *asked->place, err));
        metric_embed(asked->place, metric, queries, nq);
        asked->batch.queries = asked->place;
    }
done:
    return status;
}

int api_asked_labels(struct api_asked *asked, const pcct_view *view, const int64_t *labels, size_t nq, const pcct_filter *filter, int threads,
                     int exclude_self, struct pcct_error *err)
{
    int status = 0;

    TRY(start(asked, view, labels, nq, filter, threads, err));
    TRY(base_take(&asked->node, &asked->env, nq, sizeof *asked->node, err));
    TRY(api_view_nodes(asked->node, view, labels, nq, err));
    asked->batch.node = asked->node;
    asked->batch.self = exclude_self ? asked->node : NULL;
done:
    return status;
}

int api_asked_all(struct api_asked *asked, const pcct_view *view, const pcct_filter *filter, int threads, struct pcct_error *err)
{
    int status = 0;

    TRY(start(asked, view, view, filter ? filter->filter.nodes : view->state.n_live, filter, threads, err));
    if (filter) {
        asked->batch.node = filter->filter.node;
    } else {
        TRY(base_take(&asked->node, &asked->env, asked->batch.nq, sizeof *asked->node, err));
        TRY(query_nodes_by_label(asked->node, &view->state, &asked->env, err));
        asked->batch.node = asked->node;
    }
    asked->batch.self = asked->batch.node;
done:
    return status;
}

void api_asked_free(struct api_asked *asked)
{
    base_free(&asked->env, asked->node);
    base_free(&asked->env, asked->place);
    base_free(&asked->env, asked->reader);
    asked->reader = NULL;
    asked->node = NULL;
    asked->place = NULL;
}

void api_tell_work(struct pcct_work *out, const struct block_work *work)
{
    if (out) *out = (struct pcct_work){ work->nodes, work->blocks, work->distances };
}
