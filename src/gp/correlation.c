/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/residual.h"

#include "base/memory.h"
#include "base/par.h"
#include "base/sort.h"
#include "base/watch.h"
#include "block/layout_sieve.h"

#include <math.h>
#include <string.h>

/*
 * Without inducing points rho is the kernel over the variance with the nugget, and falls with the scaled distance: the nearest by one are the
 * nearest by the other, and a layout of the scaled coordinates answers.
 */
enum { GRAIN = 64, HOME_GRAIN = 4096, FILL = 64 };

struct run {
    const struct gp_ask *ask;
    int64_t *labels;
    double *distances;
    int32_t *counts;
    struct metric metric;
    struct block_layout layout;
    struct block_source source;   /* entry i is ask->member[i] */
    double *place;
    int64_t *label;
    uint32_t *entry_rank, *entry; /* by entry; [points->n] the entry of a point, BLOCK_NONE: none */
    struct block_sieve sieve;
    struct base_pair *asked;      /* home block, query */
    struct block_near *near;      /* [threads] */
    struct base_topk_entry *top;  /* [threads][k] */
    struct block_work *work;      /* [threads] */
    size_t nq, k;
};

static const double *place_of(const struct run *run, size_t i)
{
    const struct gp_ask *ask = run->ask;

    return ask->queries ? ask->queries->x + i * run->metric.dim : run->place + i * run->metric.dim;
}

static void go_home(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) run->asked[i] = (struct base_pair){ block_home(&run->layout, place_of(run, i)), i };
}

/* 16 at a time. */
void gp_correlation_distances(double *distance, const struct gp_features *f, const struct base_topk_entry *entry, size_t n)
{
    const double most = f->form.variance + f->kernel->nugget;

    for (size_t first = 0; first < n; first += GP_LANES) {
        const size_t some = n - first < GP_LANES ? n - first : GP_LANES;
        _Alignas(64) double d2[GP_LANES] = { 0 }, k[GP_LANES];

        for (size_t i = 0; i < some; i++) d2[i] = entry[first + i].key;
        f->tiles->kernel(k, d2, GP_LANES, &f->form);
        for (size_t i = 0; i < some; i++) distance[first + i] = sqrt(gp_key(k[i] / most));
    }
}

static void answer(struct run *run, size_t i, int thread)
{
    const struct gp_ask *ask = run->ask;
    const uint32_t self = !ask->queries ? (uint32_t)i : ask->self && ask->self[i] != GP_NOBODY ? run->entry[ask->self[i]] : BLOCK_NONE;
    const struct block_query query = { place_of(run, i), self, (double)INFINITY, ask->rank ? &run->sieve : NULL,
                                       ask->rank ? run->entry_rank[i] : BLOCK_NONE };
    struct block_near *near = &run->near[thread];
    struct base_topk top;

    base_topk_start(&top, run->top + (size_t)thread * run->k, run->k);
    block_knn_filter(near, &run->layout, &run->source, &query, run->k, &run->work[thread]);
    block_knn_decide(&top, near, &run->layout, &run->source, &run->work[thread]);
    base_topk_finish(&top);
    gp_correlation_distances(run->distances + i * ask->k, ask->points, top.entry, top.count);
    for (size_t j = 0; j < ask->k; j++) {
        run->labels[i * ask->k + j] = j < top.count ? top.entry[j].id : -1;
        if (j >= top.count) run->distances[i * ask->k + j] = (double)INFINITY;
    }
    if (run->counts) run->counts[i] = (int32_t)top.count;
}

static void search(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;

    if (base_watch_stopped(run->layout.env)) return;
    for (size_t i = begin; i < end; i++) answer(run, run->asked[i].value, thread);
}

static int lay_out(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    const struct gp_ask *ask = run->ask;
    const uint32_t dim = run->metric.dim;
    uint32_t *all = NULL;
    int status = 0;

    TRY(base_take(&run->place, env, ask->members * dim, sizeof *run->place, err));
    TRY(base_take(&run->label, env, ask->members, sizeof *run->label, err));
    TRY(base_take(&run->entry_rank, env, ask->members, sizeof *run->entry_rank, err));
    TRY(base_take(&run->entry, env, ask->points->n, sizeof *run->entry, err));
    TRY(base_take(&all, env, ask->members, sizeof *all, err));
    memset(run->entry, 0xff, ask->points->n * sizeof *run->entry);
    for (size_t i = 0; i < ask->members; i++) {
        memcpy(run->place + i * dim, ask->points->x + ask->member[i] * (size_t)dim, dim * sizeof *run->place);
        run->label[i] = ask->label[ask->member[i]];
        run->entry[ask->member[i]] = all[i] = (uint32_t)i;
        if (ask->rank) run->entry_rank[i] = ask->rank[ask->member[i]];
    }
    run->source = (struct block_source){ run->place, run->label, NULL, NULL, (uint32_t)ask->members };
    TRY(block_build(&run->layout, &run->source, all, ask->members, FILL, err));
    if (ask->rank) TRY(block_sieve_make(&run->sieve, &run->layout, run->entry_rank, env, err));
done:
    base_free(env, all);
    return status;
}

static int prepare(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    const size_t threads = (size_t)base_par_threads(env);
    int status = 0;

    TRY(base_take_zero(&run->near, env, threads, sizeof *run->near, err));
    TRY(base_take_zero(&run->work, env, threads, sizeof *run->work, err));
    TRY(base_take(&run->top, env, threads * run->k, sizeof *run->top, err));
    TRY(base_take(&run->asked, env, run->nq, sizeof *run->asked, err));
    for (size_t t = 0; t < threads; t++) TRY(block_near_take(&run->near[t], env, run->k, err));
done:
    return status;
}

static void leave(struct run *run, const struct base_env *env)
{
    for (int t = 0; run->near && t < base_par_threads(env); t++) block_near_free(&run->near[t], env);
    base_free(env, run->near);
    base_free(env, run->work);
    base_free(env, run->top);
    base_free(env, run->asked);
    block_sieve_free(&run->sieve, env);
    block_free(&run->layout);
    base_free(env, run->place);
    base_free(env, run->label);
    base_free(env, run->entry_rank);
    base_free(env, run->entry);
}

int gp_correlation(int64_t *labels, double *distances, int32_t *counts, const struct gp_ask *ask, struct gp_work *work, const struct base_env *env,
                   struct pcct_error *err)
{
    struct run run = { .ask = ask, .labels = labels, .distances = distances, .counts = counts };
    const enum base_stat stage = base_watch_stage(env, BASE_STAT_layout_seconds);
    int status = 0;

    run.nq = ask->queries ? ask->queries->n : ask->members;
    run.k = ask->k < ask->members ? ask->k : ask->members;
    if (run.k == 0) run.k = 1;
    TRY(metric_init(&run.metric, "euclidean", ask->points->form.dim, METRIC_ISA_BEST, err));
    block_init(&run.layout, env, &run.metric);
    TRY(prepare(&run, env, err));
    if (ask->members > 0) TRY(lay_out(&run, env, err));
    for (size_t i = 0; ask->members == 0 && i < run.nq * ask->k; i++) {
        labels[i] = -1;
        distances[i] = (double)INFINITY;
    }
    for (size_t i = 0; ask->members == 0 && counts && i < run.nq; i++) counts[i] = 0;
    if (ask->members == 0) goto done;
    base_watch_stage(env, BASE_STAT_locate_seconds);
    base_par_for(env, run.nq, HOME_GRAIN, go_home, &run);
    TRY(base_sort_pairs(run.asked, run.nq, env, err));
    base_par_for(env, run.nq, GRAIN, search, &run);
    TRY(base_watch_check(env, err));
    for (int t = 0; t < base_par_threads(env); t++) {
        work->pairs += run.work[t].distances;
        work->nodes += run.work[t].nodes;
    }
    work->blocks = run.layout.blocks;
done:
    leave(&run, env);
    base_watch_stage(env, stage);
    return status;
}
