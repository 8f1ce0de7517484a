/* SPDX-License-Identifier: Apache-2.0 */
#include "query/knn.h"

#include "base/par.h"
#include "base/sort.h"
#include "block/layout_flat.h"
#include "index/search.h"
#include "query/graph.h"
#include "query/knn_tree.h"

#include <math.h>

/*
 * The way to its home block is a fortieth of a query, so it is found in parallel, too. Layouts of fewer numbers than ORDERED_FROM are near at hand in
 * any order: G3 on two threads is asked 1.1 times as fast without one.
 * Of TRIED_FROM queries or more TRIED, taken from all over, are answered first: how many blocks these looked into says whether all others had better
 * be answered by a flat scan.
 */
enum { GRAIN = 16, HOME_GRAIN = 128, ORDERED_FROM = 1 << 19, PIECE = 65536, TRIED_FROM = 64, TRIED = 4 };

struct run {
    int64_t *labels;
    double *distances;
    int32_t *counts;
    const struct index_state *state;
    const struct query_batch *batch;
    const uint32_t *order;              /* of the queries; those that are searched by home block: they walk the same memory one after the other */
    struct base_topk_entry *entry;      /* [threads][k_kept] */
    struct block_near *near;            /* [threads][2] */
    size_t k_kept;
    struct block_flat flat;
    struct block_flat_some *some;       /* [threads]; NULL: blocks are searched */
    struct block_work *work;            /* [threads] */
    size_t first;                       /* place in the order where the piece being worked on begins */
};

void query_answer(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch, size_t i,
                  struct base_topk *top)
{
    size_t k = batch->k, found = 0;

    base_topk_finish(top);
    found = top->count < k ? top->count : k;
    labels += i * k;
    distances += i * k;
    for (size_t j = 0; j < found; j++) labels[j] = top->entry[j].id;
    metric_distances(distances, &state->metric, top->entry, found);
    for (size_t j = found; j < k; j++) {
        labels[j] = -1;
        distances[j] = (double)INFINITY;
    }
    if (counts) counts[i] = (int32_t)found;
    if (batch->bounds) batch->bounds[i] = top->count > k ? metric_distance(&state->metric, top->entry[k].key) : (double)INFINITY;
}

static void answer(const struct run *run, size_t i, struct base_topk *top)
{
    query_answer(run->labels, run->distances, run->counts, run->state, run->batch, i, top);
}

int query_go_on(const struct query_batch *batch, size_t done, struct pcct_error *err)
{
    if (!batch->progress || batch->progress(batch->progress_ctx, (double)done / (double)batch->nq) == 0) return 0;
    return base_fail(err, PCCT_E_CANCELLED, "stopped on request; what was asked for is incomplete");
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
    const struct block_source source = index_source(run->state);
    const uint32_t *order = run->order + run->first;
    struct block_near *near = run->near + 2 * (size_t)thread;
    struct block_work work = { 0, 0, 0, 0 };

    for (size_t at = begin; at < end; at++) {
        const struct block_query query = query_of(run->batch, run->state, order[at]);

        block_knn_filter(&near[at % 2], &run->state->layout, &source, &query, run->k_kept, &work);
        if (at > begin) decide(run, &source, &near[(at - 1) % 2], order[at - 1], thread, &work);
    }
    decide(run, &source, &near[(end - 1) % 2], order[end - 1], thread, &work);
    block_work_add(&run->work[thread], &work);
}

static void scan(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    const uint32_t *order = run->order + run->first;
    struct block_flat_some *some = &run->some[thread];
    struct block_work work = { 0, 0, 0, 0 };

    for (size_t at = begin; at < end; at += METRIC_FLAT_QUERIES) {
        const size_t n = end - at < METRIC_FLAT_QUERIES ? end - at : METRIC_FLAT_QUERIES;
        struct block_query query[METRIC_FLAT_QUERIES];

        for (size_t i = 0; i < n; i++) query[i] = query_of(run->batch, run->state, order[at + i]);
        block_flat_filter(some, &run->flat, query, n, run->k_kept, &work);
        for (size_t i = 0; i < n; i++) {
            struct base_topk top;

            base_topk_start(&top, run->entry + (size_t)thread * run->k_kept, run->k_kept);
            block_flat_decide(&top, some, &run->flat, i, &work);
            answer(run, order[at + i], &top);
        }
    }
    block_work_add(&run->work[thread], &work);
}

static void compare_all(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    const struct index_state *state = run->state;
    struct base_topk top;

    for (size_t i = begin; i < end; i++) {
        const struct block_query query = query_of(run->batch, state, i);

        base_topk_start(&top, run->entry + (size_t)thread * run->k_kept, run->k_kept);
        for (uint32_t node = 0; node < state->n; node++) {
            double key = 0;

            if (!query_may_find(run->batch, state, &query, node)) continue;
            key = metric_key(&state->metric, query.q, index_place(state, node));
            if (key <= query.limit) base_topk_offer(&top, key, index_label(state)[node]);
        }
        answer(run, i, &top);
    }
}

struct homing {
    const struct index_state *state;
    const struct query_batch *batch;
    const uint32_t *order;
    struct base_pair *home;             /* block, query */
};

static void go_home(void *ctx, size_t begin, size_t end, int thread)
{
    struct homing *homing = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i += BLOCK_HOMES) {
        const size_t n = end - i < BLOCK_HOMES ? end - i : BLOCK_HOMES;
        const double *place[BLOCK_HOMES];
        uint32_t home[BLOCK_HOMES];

        for (size_t j = 0; j < n; j++) place[j] = query_place(homing->batch, homing->state, homing->order[i + j]);
        block_homes(home, &homing->state->layout, place, n);
        for (size_t j = 0; j < n; j++) homing->home[i + j] = (struct base_pair){ home[j], homing->order[i + j] };
    }
}

void query_plain_order(uint32_t *order, size_t nq)
{
    for (size_t i = 0; i < nq; i++) order[i] = (uint32_t)i;
}

int query_spatial_order(uint32_t *order, size_t n, const struct index_state *state, const struct query_batch *batch, const struct base_env *env,
                        struct pcct_error *err)
{
    struct homing homing = { state, batch, order, NULL };
    int status = 0;

    if (n <= GRAIN || state->layout.entries * state->layout.dim < ORDERED_FROM) return 0; /* too few to gain */
    TRY(base_take(&homing.home, env, n, sizeof *homing.home, err));
    base_par_for(env, n, HOME_GRAIN, go_home, &homing);
    TRY(base_sort_pairs(homing.home, n, env, err));
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)homing.home[i].value;
done:
    base_free(env, homing.home);
    return status;
}

static int take_heaps(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    run->k_kept = query_kept(run->batch, run->state);
    return base_take(&run->entry, env, (size_t)base_par_threads(env) * run->k_kept, sizeof *run->entry, err);
}

static int search_all(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    for (; run->first < run->batch->nq; run->first += PIECE) {
        const size_t left = run->batch->nq - run->first;

        TRY(query_go_on(run->batch, run->first, err));
        base_par_for(env, left < PIECE ? left : PIECE, GRAIN, run->some ? scan : search, run);
    }
done:
    return status;
}

/* Answers TRIED queries, which are put first for that, and makes ready for a flat scan if that is the faster way for the rest. */
static int try_some(struct run *run, uint32_t *order, const struct block_source *source, const struct base_env *env, struct pcct_error *err)
{
    const size_t nq = run->batch->nq, threads = (size_t)base_par_threads(env);
    enum block_flat_way way;
    int status = 0, made = 0;

    if (nq < TRIED_FROM || run->batch->filter || run->k_kept > BLOCK_FLAT_K || !block_flat_may(&run->state->layout)) return 0;
    for (size_t i = 0; i < TRIED; i++) {
        const size_t from = (2 * i + 1) * nq / (2 * TRIED);
        const uint32_t tried = order[from];

        order[from] = order[i];
        order[i] = tried;
    }
    search(run, 0, TRIED, 0);
    run->first = TRIED;
    way = block_flat_best(&run->state->layout, run->work[0].blocks / TRIED, nq, run->k_kept);
    if (way == BLOCK_FLAT_NONE) return 0;
    TRY(block_flat_make(&made, &run->flat, way, &run->state->layout, source, env, err));
    if (!made) goto done;
    TRY(base_take_zero(&run->some, env, threads, sizeof *run->some, err));
    for (size_t t = 0; t < threads; t++) TRY(block_flat_some_take(&run->some[t], &run->flat, run->k_kept, env, err));
done:
    return status;
}

/* Few queries go without taking memory, which would cost about as much as one of them. */
static void search_few(struct run *run, struct block_work *work)
{
    struct base_topk_entry entry[BLOCK_NEAR_LENT];
    struct block_near_room room[2];
    struct block_near near[2];
    struct block_work done = { 0, 0, 0, 0 };
    uint32_t order[GRAIN];

    for (int i = 0; i < 2; i++) block_near_lend(&near[i], &room[i]);
    query_plain_order(order, GRAIN);
    run->order = order;
    run->entry = entry;
    run->near = near;
    run->work = &done;
    search(run, 0, run->batch->nq, 0);
    run->order = NULL;
    run->entry = NULL;
    run->near = NULL;
    run->work = NULL;
    if (work) block_work_add(work, &done);
}

int query_knn(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
              const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    struct run run = { .labels = labels, .distances = distances, .counts = counts, .state = state, .batch = batch };
    const size_t threads = (size_t)base_par_threads(env);
    const struct block_source source = index_source(state);
    uint32_t *order = NULL;
    int status = 0, done = 0;

    if (metric_is_custom(&state->metric)) return query_knn_tree(labels, distances, counts, state, batch, env, work, err);
    if (state->n_live == 0) return query_brute(labels, distances, counts, state, batch, env, err); /* nothing to compare with */
    TRY(query_graph(&done, labels, distances, counts, state, batch, env, work, err));
    if (done) goto done;
    run.k_kept = query_kept(batch, state);
    if (batch->nq > 0 && batch->nq <= GRAIN && run.k_kept <= BLOCK_NEAR_LENT) {
        TRY(query_go_on(batch, 0, err));
        search_few(&run, work);
        goto done;
    }
    TRY(take_heaps(&run, env, err));
    TRY(base_take_zero(&run.work, env, threads, sizeof *run.work, err));
    TRY(base_take_zero(&run.near, env, 2 * threads, sizeof *run.near, err));
    for (size_t i = 0; i < 2 * threads; i++) TRY(block_near_take(&run.near[i], env, run.k_kept, err));
    TRY(base_take(&order, env, batch->nq, sizeof *order, err));
    query_plain_order(order, batch->nq);
    run.order = order;
    TRY(try_some(&run, order, &source, env, err));
    if (!run.some || run.flat.near) TRY(query_spatial_order(order + run.first, batch->nq - run.first, state, batch, env, err));
    TRY(search_all(&run, env, err));
    for (size_t t = 0; work && t < threads; t++) block_work_add(work, &run.work[t]);
done:
    for (size_t i = 0; run.near && i < 2 * threads; i++) block_near_free(&run.near[i], env);
    base_free(env, run.near);
    for (size_t t = 0; run.some && t < threads; t++) block_flat_some_free(&run.some[t], env);
    base_free(env, run.some);
    block_flat_free(&run.flat, env);
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
    TRY(query_calls_check(state, batch, err));
done:
    base_free(env, run.entry);
    return status;
}
