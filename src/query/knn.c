/* SPDX-License-Identifier: Apache-2.0 */
#include "query/knn.h"

#include "base/par.h"
#include "base/sort.h"
#include "index/search.h"
#include "query/knn_tree.h"

#include <math.h>

/* A query takes microseconds, the way to its home block a tenth of one: a second parallel region for it pays for many queries only. */
enum { GRAIN = 16, HOME_GRAIN = 4096 };

struct run {
    int64_t *labels;
    double *distances;
    int32_t *counts;
    const struct index_state *state;
    const struct query_batch *batch;
    const uint32_t *order;              /* queries that share a home block one after the other: they walk the same memory */
    struct base_topk_entry *entry;      /* [threads][k_kept] */
    struct block_near *near;            /* [threads][2] */
    size_t k_kept;
    struct block_work *work;            /* [threads] */
    struct base_pair *home;             /* block, query */
};

static void answer(const struct run *run, size_t i, struct base_topk *top)
{
    size_t k = run->batch->k;

    base_topk_finish(top);
    for (size_t j = 0; j < k; j++) {
        run->labels[i * k + j] = j < top->count ? top->entry[j].id : -1;
        run->distances[i * k + j] = j < top->count ? metric_distance(&run->state->metric, top->entry[j].key) : (double)INFINITY;
    }
    if (run->counts) run->counts[i] = (int32_t)top->count;
}

/* Decides the query that was filtered before, while memory fetches what the one after it needs. */
static void decide(const struct run *run, const struct block_source *source, const struct block_near *near, size_t i, int thread,
                   struct block_work *work)
{
    struct base_topk top;

    base_topk_start(&top, run->entry + (size_t)thread * run->k_kept, run->k_kept);
    block_knn_decide(&top, near, &run->state->layout, source, work);
    answer(run, i, &top);
}

static void search(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    const struct query_batch *batch = run->batch;
    const struct block_source source = index_source(run->state);
    struct block_near *near = run->near + 2 * (size_t)thread;
    struct block_work work = { 0, 0, 0, 0 };

    for (size_t at = begin; at < end; at++) {
        const size_t i = run->order[at];

        block_knn_filter(&near[at % 2], &run->state->layout, &source, batch->queries + i * run->state->metric.dim,
                         batch->self ? batch->self[i] : BLOCK_NONE, run->k_kept, &work);
        if (at > begin) decide(run, &source, &near[(at - 1) % 2], run->order[at - 1], thread, &work);
    }
    decide(run, &source, &near[(end - 1) % 2], run->order[end - 1], thread, &work);
    block_work_add(&run->work[thread], &work);
}

static void compare_all(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    const struct index_state *state = run->state;
    struct base_topk top;

    for (size_t i = begin; i < end; i++) {
        const double *q = run->batch->queries + i * state->metric.dim;

        base_topk_start(&top, run->entry + (size_t)thread * run->k_kept, run->k_kept);
        for (uint32_t node = 0; node < state->n; node++) {
            if (!index_is_live(state, node) || (run->batch->self && run->batch->self[i] == node)) continue;
            base_topk_offer(&top, metric_key(&state->metric, q, index_place(state, node)), index_label(state)[node]);
        }
        answer(run, i, &top);
    }
}

static void go_home(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        run->home[i] = (struct base_pair){ block_home(&run->state->layout, run->batch->queries + i * run->state->metric.dim), i };
    }
}

/* The order in which queries are worked on; the caller's where there are too few to gain. */
static int sort_by_home(uint32_t **order, struct run *run, const struct base_env *env, struct pcct_error *err)
{
    size_t nq = run->batch->nq;
    int status = 0;

    TRY(base_take(order, env, nq, sizeof **order, err));
    if (nq <= GRAIN) {
        for (size_t i = 0; i < nq; i++) (*order)[i] = (uint32_t)i;
        goto done;
    }
    TRY(base_take(&run->home, env, nq, sizeof *run->home, err));
    base_par_for(env, nq, HOME_GRAIN, go_home, run);
    TRY(base_sort_pairs(run->home, nq, env, err));
    for (size_t i = 0; i < nq; i++) (*order)[i] = (uint32_t)run->home[i].value;
done:
    base_free(env, run->home);
    return status;
}

static int take_heaps(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    size_t threads = (size_t)base_par_threads(env);

    run->k_kept = run->batch->k < run->state->n_live ? run->batch->k : run->state->n_live;
    if (run->k_kept == 0) run->k_kept = 1;
    return base_take(&run->entry, env, threads * run->k_kept, sizeof *run->entry, err);
}

int query_knn(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
              const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    struct run run = { .labels = labels, .distances = distances, .counts = counts, .state = state, .batch = batch };
    const size_t threads = (size_t)base_par_threads(env);
    uint32_t *order = NULL;
    int status = 0;

    if (metric_is_custom(&state->metric)) return query_knn_tree(labels, distances, counts, state, batch, env, work, err);
    if (state->n_live == 0) return query_brute(labels, distances, counts, state, batch, env, err); /* nothing to compare with */
    TRY(take_heaps(&run, env, err));
    TRY(base_take_zero(&run.work, env, threads, sizeof *run.work, err));
    TRY(base_take_zero(&run.near, env, 2 * threads, sizeof *run.near, err));
    for (size_t i = 0; i < 2 * threads; i++) TRY(block_near_take(&run.near[i], env, run.k_kept, err));
    TRY(sort_by_home(&order, &run, env, err));
    run.order = order;
    base_par_for(env, batch->nq, GRAIN, search, &run);
    for (size_t t = 0; work && t < threads; t++) block_work_add(work, &run.work[t]);
done:
    for (size_t i = 0; run.near && i < 2 * threads; i++) block_near_free(&run.near[i], env);
    base_free(env, run.near);
    base_free(env, order);
    base_free(env, run.work);
    base_free(env, run.entry);
    return status;
}

int query_brute(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                const struct base_env *env, struct pcct_error *err)
{
    struct run run = { .labels = labels, .distances = distances, .counts = counts, .state = state, .batch = batch };
    int status = 0;

    TRY(take_heaps(&run, env, err));
    base_par_for(env, batch->nq, 1, compare_all, &run);
    TRY(index_calls_check(state, batch->queries, batch->nq, err));
done:
    base_free(env, run.entry);
    return status;
}
