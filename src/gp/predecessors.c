/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/predecessors.h"

#include "base/par.h"
#include "base/sort.h"
#include "base/watch.h"
#include "block/layout_sieve.h"

#include <assert.h>
#include <math.h>

/* SHRINK: a prefix is this much shorter than the next; below LEAST there is nothing to gain by another. */
enum { GRAIN = 64, HOME_GRAIN = 4096, FILL = 64, SHRINK = 3, LEAST = 512 };

struct run {
    int32_t *rank_out;
    double *distance;
    const struct gp_cloud *cloud;
    const uint32_t *order;
    uint32_t m;
    uint32_t *rank;                /* [n] by row */
    struct base_pair *asked;       /* home block, rank: those of a prefix, by block */
    struct block_near *near;       /* [threads][2] */
    struct base_topk_entry *entry; /* [threads][m] */
    struct block_work *work;       /* [threads] */
    /* the prefix at work */
    const struct block_layout *layout;
    struct block_sieve sieve;
    uint32_t first;                /* ranks from here on are asked for */
};

static void go_home(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t rank = run->first + (uint32_t)i;

        run->asked[i] = (struct base_pair){ block_home(run->layout, gp_cloud_place(run->cloud, run->order[rank])), rank };
    }
}

static uint32_t wanted(const struct run *run, uint64_t rank)
{
    return rank < run->m ? (uint32_t)rank : run->m;
}

static void filter(const struct run *run, struct block_near *near, uint64_t rank, struct block_work *work)
{
    const uint32_t row = run->order[rank];
    const struct block_query query = { gp_cloud_place(run->cloud, row), BLOCK_NONE, (double)INFINITY, &run->sieve, (uint32_t)rank };

    block_knn_filter(near, run->layout, &run->cloud->source, &query, wanted(run, rank), work);
}

static void decide(const struct run *run, const struct block_near *near, uint64_t rank, int thread, struct block_work *work)
{
    const uint64_t start = gp_answer_start(rank, run->m);
    struct base_topk top;

    base_topk_start(&top, run->entry + (size_t)thread * run->m, wanted(run, rank));
    block_knn_decide(&top, near, run->layout, &run->cloud->source, work);
    base_topk_finish(&top);
    assert(top.count == wanted(run, rank));
    for (size_t i = 0; i < top.count; i++) {
        run->rank_out[start + i] = (int32_t)run->rank[top.entry[i].id];
        run->distance[start + i] = metric_distance(&run->cloud->metric, top.entry[i].key);
    }
}

/* One query is filtered while memory fetches what deciding the one before it needs. */
static void search(void *ctx, size_t begin, size_t end, int thread)
{
    const struct run *run = ctx;
    struct block_near *near = run->near + 2 * (size_t)thread;
    struct block_work work = { 0, 0, 0, 0 };

    if (base_watch_stopped(run->cloud->layout.env)) return;
    for (size_t i = begin; i < end; i++) {
        filter(run, &near[i % 2], run->asked[i].value, &work);
        if (i > begin) decide(run, &near[(i - 1) % 2], run->asked[i - 1].value, thread, &work);
    }
    decide(run, &near[(end - 1) % 2], run->asked[end - 1].value, thread, &work);
    block_work_add(&run->work[thread], &work);
}

/* The rows of ranks first to size - 1, among the first `size`; the first row of all has no predecessors. */
static int answer_prefix(struct run *run, uint32_t first, uint32_t size, const struct base_env *env, struct pcct_error *err)
{
    struct block_layout layout;
    int status = 0;

    block_init(&layout, env, &run->cloud->metric);
    if (size < run->cloud->n) TRY(block_build(&layout, &run->cloud->source, run->order, size, FILL, err));
    run->layout = size < run->cloud->n ? &layout : &run->cloud->layout;
    run->first = first > 0 ? first : 1;
    if (size <= run->first) goto done;
    TRY(block_sieve_make(&run->sieve, run->layout, run->rank, env, err));
    base_par_for(env, size - run->first, HOME_GRAIN, go_home, run);
    TRY(base_sort_pairs(run->asked, size - run->first, env, err));
    base_par_for(env, size - run->first, GRAIN, search, run);
    TRY(base_watch_check(env, err));
done:
    block_sieve_free(&run->sieve, env);
    block_free(&layout);
    return status;
}

static int answer_all(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    const struct base_span span = base_watch_span(env);
    const uint32_t n = run->cloud->n;
    uint32_t size = n, first = 0;
    int status = 0;

    while (size / SHRINK >= LEAST) size /= SHRINK;
    for (;;) {
        base_watch_part(env, span, (double)first / n, (double)size / n);
        TRY(answer_prefix(run, first, size, env, err));
        if (size == n) break;
        first = size;
        size = n;
        while (size / SHRINK > first) size /= SHRINK;
    }
done:
    return status;
}

int gp_predecessors(int32_t *rank, double *distance, const struct gp_cloud *cloud, const uint32_t *order, uint32_t m, const struct base_env *env,
                    struct block_work *work, struct pcct_error *err)
{
    struct run run = { .rank_out = rank, .distance = distance, .cloud = cloud, .order = order, .m = m };
    const size_t threads = (size_t)base_par_threads(env);
    int status = 0;

    assert(m >= 1);
    if (cloud->n == 0) return 0;
    if (run.m > cloud->n) run.m = cloud->n;
    TRY(base_take(&run.rank, env, cloud->n, sizeof *run.rank, err));
    TRY(base_take(&run.asked, env, cloud->n, sizeof *run.asked, err));
    TRY(base_take(&run.entry, env, threads * run.m, sizeof *run.entry, err));
    TRY(base_take_zero(&run.work, env, threads, sizeof *run.work, err));
    TRY(base_take_zero(&run.near, env, 2 * threads, sizeof *run.near, err));
    for (size_t i = 0; i < 2 * threads; i++) TRY(block_near_take(&run.near[i], env, run.m, err));
    for (uint32_t i = 0; i < cloud->n; i++) run.rank[order[i]] = i;
    TRY(answer_all(&run, env, err));
    for (size_t t = 0; work && t < threads; t++) block_work_add(work, &run.work[t]);
done:
    for (size_t i = 0; run.near && i < 2 * threads; i++) block_near_free(&run.near[i], env);
    base_free(env, run.near);
    base_free(env, run.work);
    base_free(env, run.entry);
    base_free(env, run.asked);
    base_free(env, run.rank);
    return status;
}
