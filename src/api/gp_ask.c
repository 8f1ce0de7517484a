/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"
#include "api/gp_handle.h"

#include "gp/predecessors.h"
#include "gp/residual.h"

#include <inttypes.h>
#include <string.h>

/* One call: what was asked for, checked. */
struct asking {
    struct pcct_gp_ask_options o;
    struct base_env env;
    struct base_watch watch;
    struct gp_ask ask;
    struct gp_features queries;
    uint32_t *member, *rank, *self;
    double *point;               /* of queries by label */
};

/* The points that may be found, by filter, and their ranks. */
static int choose_members(struct asking *a, const pcct_gp *gp, struct pcct_error *err)
{
    const struct query_filter *filter = a->o.filter ? &a->o.filter->filter : NULL;
    const size_t n = filter ? filter->nodes : gp->n;
    int status = 0;

    TRY(base_take(&a->member, &a->env, n, sizeof *a->member, err));
    for (size_t i = 0; i < n; i++) a->member[i] = filter ? gp->row[filter->node[i]] : (uint32_t)i;
    if (filter && filter->rank) {
        TRY(base_take(&a->rank, &a->env, gp->n, sizeof *a->rank, err));
        for (size_t i = 0; i < gp->n; i++) a->rank[i] = filter->rank[gp->node[i]];
    }
    a->ask.member = a->member;
    a->ask.members = n;
    a->ask.rank = a->rank;
done:
    return status;
}

static int check_ready(const pcct_gp *gp, struct pcct_error *err)
{
    return gp->ready ? 0 : base_fail(err, PCCT_E_INVALID, "pcct_gp_parameters() prepares no questions; open the kernel with pcct_gp_open()");
}

/* finish() in any case. */
static int begin(struct asking *a, const pcct_gp *gp, size_t k, const struct pcct_gp_ask_options *options, struct pcct_error *err)
{
    int status = 0;

    base_env_init(&a->env, gp->env.os, 1);
    a->env.memory = gp->env.memory;
    TRY(api_options_read(&a->o, sizeof a->o, options, "the options of a question to a kernel", err));
    if (a->o.threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", a->o.threads));
    base_env_init(&a->env, gp->env.os, a->o.threads);
    a->env.memory = gp->env.memory;
    TRY(check_ready(gp, err));
    if (k == 0) TRY(base_fail(err, PCCT_E_INVALID, "k must be at least 1"));
    if (k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", k, INT32_MAX));
    if (a->o.filter && a->o.filter->view != gp->view) {
        TRY(base_fail(err, PCCT_E_INVALID, "the filter was made for another view; make one for this view"));
    }
    base_watch_begin(&a->watch, a->o.work ? a->env.os : NULL, a->o.progress, a->o.progress_ctx);
    a->env.watch = &a->watch;
    a->ask = (struct gp_ask){ .points = &gp->features, .label = gp->label, .k = k, .brute = a->o.brute };
    TRY(choose_members(a, gp, err));
done:
    return status;
}

/* The layout of all points, made by the first question that needs it. */
static int take_prepared(struct asking *a, const pcct_gp *gp, struct pcct_error *err)
{
    pcct_gp *handle = (pcct_gp *)(uintptr_t)gp; /* a cache behind a lock: what callers see does not change */
    int status = 0;

    pthread_mutex_lock(&handle->lock);
    if (!handle->prepared) {
        handle->env.threads = a->env.threads;
        TRY(gp_prepare(&handle->prepared, &a->ask, &handle->env, err));
    }
    a->ask.prepared = handle->prepared;
done:
    pthread_mutex_unlock(&handle->lock);
    return status;
}

/* work NULL: there was nothing to do. */
static int tell(const struct asking *a, const struct gp_work *work, struct pcct_error *err)
{
    static const struct gp_work none = { 0 };
    const struct gp_work *w = work ? work : &none;
    const struct pcct_gp_work told = {
        .pairs = w->pairs,
        .nodes = w->nodes,
        .enveloped = w->enveloped,
        .flat = w->flat,
        .filtered = (uint64_t)w->filtered,
        .cascaded = (uint64_t)w->cascaded,
        .again = w->again,
        .layout_seconds = 1e-9 * (double)a->watch.value[BASE_STAT_layout_seconds],
        .search_seconds = 1e-9 * (double)a->watch.value[BASE_STAT_locate_seconds],
    };

    if (!a->o.work || api_result_write(a->o.work, &told, sizeof told) == 0) return 0;
    return base_fail(err, PCCT_E_INVALID, "struct pcct_gp_work needs its size filled in");
}

static int answer(int64_t *labels, double *distances, struct asking *a, const pcct_gp *gp, struct pcct_error *err)
{
    const int plain = api_gp_plain(gp);
    struct gp_work work = { 0 };
    int status = 0;

    if (!labels || !distances) TRY(base_fail(err, PCCT_E_INVALID, "labels and distances must be given"));
    if (plain) TRY(gp_correlation(labels, distances, a->o.counts, &a->ask, &work, &a->env, err));
    else if (!a->o.filter && a->ask.queries) TRY(take_prepared(a, gp, err));
    if (!plain) TRY(gp_residual(labels, distances, a->o.counts, &a->ask, &work, &a->env, err));
    TRY(tell(a, &work, err));
done:
    return status;
}

static void finish(struct asking *a)
{
    gp_features_free(&a->queries);
    base_watch_end(&a->watch, &a->env);
    base_free(&a->env, a->member);
    base_free(&a->env, a->rank);
    base_free(&a->env, a->self);
    base_free(&a->env, a->point);
}

static int refuse_order(const struct asking *a, struct pcct_error *err)
{
    if (!a->rank) return 0;
    return base_fail(err, PCCT_E_INVALID, "a filter with an order goes with pcct_gp_graph(), which finds the predecessors of all points");
}

int pcct_gp_graph(int64_t *labels, double *distances, const pcct_gp *gp, size_t k, const struct pcct_gp_ask_options *options, struct pcct_error *err)
{
    struct asking a = { .member = NULL };
    int status = 0;

    TRY(begin(&a, gp, k, options, err));
    if (a.ask.members > 0) TRY(answer(labels, distances, &a, gp, err));
    else TRY(tell(&a, NULL, err));
done:
    finish(&a);
    return status;
}

int pcct_gp_knn(int64_t *labels, double *distances, const pcct_gp *gp, const double *queries, size_t nq, size_t k,
                const struct pcct_gp_ask_options *options, struct pcct_error *err)
{
    struct asking a = { .member = NULL };
    size_t bad = 0;
    int status = 0;

    TRY(begin(&a, gp, k, options, err));
    TRY(refuse_order(&a, err));
    if (gp->given) TRY(base_fail(err, PCCT_E_INVALID, "with features of your own only stored points can be asked for"));
    if (nq > UINT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "%zu queries in one call; at most %u are possible", nq, UINT32_MAX));
    if (nq == 0) {
        TRY(tell(&a, NULL, err));
        goto done;
    }
    if (!queries) TRY(base_fail(err, PCCT_E_INVALID, "queries must be given"));
    TRY(metric_validate(&bad, &gp->view->state.metric, queries, nq, 0, err));
    TRY(gp_features_make(&a.queries, &gp->inducing, queries, nq, &a.env, err));
    a.ask.queries = &a.queries;
    TRY(answer(labels, distances, &a, gp, err));
done:
    finish(&a);
    return status;
}

/* The features of stored points as queries, to the bit those of the points. */
static int ask_for(struct asking *a, const pcct_gp *gp, const int64_t *labels, size_t nq, struct pcct_error *err)
{
    const size_t m = gp->features.form.m, dim = gp->features.form.dim;
    double *v = NULL, *p = NULL;
    int status = 0;

    TRY(base_take(&a->self, &a->env, nq, sizeof *a->self, err));
    TRY(base_take(&a->point, &a->env, nq * dim, sizeof *a->point, err));
    TRY(base_take(&v, &a->env, nq * m, sizeof *v, err));
    TRY(base_take(&p, &a->env, nq, sizeof *p, err));
    TRY(api_view_nodes(a->self, gp->view, labels, nq, err));
    for (size_t i = 0; i < nq; i++) {
        const size_t row = gp->row[a->self[i]];

        memcpy(a->point + i * dim, gp->point + row * dim, dim * sizeof *v);
        if (m > 0) memcpy(v + i * m, gp->features.v + row * m, m * sizeof *v);
        p[i] = gp->features.p[row];
        a->self[i] = a->o.exclude_self ? (uint32_t)row : GP_NOBODY;
    }
    TRY(gp_features_given(&a->queries, &gp->kernel.kernel, a->point, v, p, nq, (uint32_t)m, gp->features.tiles, &a->env, err));
    a->ask.queries = &a->queries;
    a->ask.self = a->self;
done:
    base_free(&a->env, p);
    base_free(&a->env, v);
    return status;
}

int pcct_gp_knn_stored(int64_t *labels, double *distances, const pcct_gp *gp, const int64_t *query_labels, size_t nq, size_t k,
                       const struct pcct_gp_ask_options *options, struct pcct_error *err)
{
    struct asking a = { .member = NULL };
    int status = 0;

    TRY(begin(&a, gp, k, options, err));
    TRY(refuse_order(&a, err));
    if (nq > UINT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "%zu queries in one call; at most %u are possible", nq, UINT32_MAX));
    if (nq == 0) {
        TRY(tell(&a, NULL, err));
        goto done;
    }
    if (!query_labels) TRY(base_fail(err, PCCT_E_INVALID, "labels of the queries must be given"));
    TRY(ask_for(&a, gp, query_labels, nq, err));
    TRY(answer(labels, distances, &a, gp, err));
done:
    finish(&a);
    return status;
}

/* ---- in an order -------------------------------------------------------------------------------------------------------------------------- */

/* Answers in a row for each point become rows as long as they are, and points ranks. */
static void tell_ranks(int32_t *rank, double *distance, const int64_t *found, const double *found_distance, const uint32_t *rank_of, size_t n,
                       size_t m)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t start = gp_answer_start(i, m);

        for (size_t j = 0; j < (i < m ? i : m); j++) {
            rank[start + j] = (int32_t)rank_of[found[i * m + j]];
            distance[start + j] = found_distance[i * m + j];
        }
    }
}

int api_gp_predecessors(int32_t *rank, double *distance, const pcct_gp *gp, const uint32_t *order, uint32_t m, const struct base_env *env,
                        struct block_work *work, struct pcct_error *err)
{
    const size_t n = gp->n, k = m < n ? m : n;
    struct gp_ask ask = { .points = &gp->features, .member = order, .members = n, .k = k };
    struct gp_work done_so = { 0 };
    uint32_t *rank_of = NULL;
    int64_t *number = NULL, *found = NULL;
    double *found_distance = NULL;
    int status = 0;

    TRY(check_ready(gp, err));
    if (n == 0) goto done;
    if (k > SIZE_MAX / sizeof *found / n) TRY(base_fail(err, PCCT_E_MEMORY, "%zu neighbours of %zu points are too many", k, n));
    TRY(base_take(&rank_of, env, n, sizeof *rank_of, err));
    TRY(base_take(&number, env, n, sizeof *number, err));
    TRY(base_take(&found, env, n * k, sizeof *found, err));
    TRY(base_take(&found_distance, env, n * k, sizeof *found_distance, err));
    for (size_t i = 0; i < n; i++) {
        rank_of[order[i]] = (uint32_t)i;
        number[i] = (int64_t)i; /* in the place of labels, which ascend as these do: ties are decided alike */
    }
    ask.label = number;
    ask.rank = rank_of;
    if (api_gp_plain(gp)) TRY(gp_correlation(found, found_distance, NULL, &ask, &done_so, env, err));
    else TRY(gp_residual(found, found_distance, NULL, &ask, &done_so, env, err));
    tell_ranks(rank, distance, found, found_distance, rank_of, n, k);
    work->nodes += done_so.nodes;
    work->blocks += done_so.blocks;
    work->distances += done_so.pairs;
done:
    base_free(env, rank_of);
    base_free(env, number);
    base_free(env, found);
    base_free(env, found_distance);
    return status;
}
