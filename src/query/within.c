/* SPDX-License-Identifier: Apache-2.0 */
#include "query/within.h"

#include "base/par.h"
#include "query/knn_tree.h"

#include <assert.h>
#include <string.h>

enum { GRAIN = 16 };

struct run {
    struct query_found *found;
    uint64_t *counts;             /* of a query's nodes: the answer of query_count, starts in the making of query_within */
    const struct index_state *state;
    const struct query_batch *batch;
    const struct base_env *env;
    uint32_t *order;
    struct block_work *work;      /* [threads] */
    struct index_search *search;  /* [threads] of a custom metric; NULL: the layout is searched */
    uint64_t memory;              /* other than 0: there was none left */
};

/* What is met of one query. */
struct meeting {
    const struct run *run;
    struct base_vector *hit; /* NULL: only counted */
    uint64_t count;
    int failed;              /* no memory */
};

static int meet(void *ctx, uint32_t node, double key)
{
    struct meeting *meeting = ctx;
    struct base_topk_entry *entry = NULL;

    meeting->count++;
    if (!meeting->hit) return meeting->count == meeting->run->batch->k;
    meeting->failed = base_vector_add(&entry, meeting->hit, meeting->run->env, 1, NULL) != 0;
    if (!meeting->failed) *entry = (struct base_topk_entry){ key, index_label(meeting->run->state)[node] };
    return meeting->failed;
}

/* Meets all that a query is for; other than 0: no memory. */
static int meet_all(struct meeting *meeting, struct run *run, size_t i, int thread)
{
    const struct index_state *state = run->state;
    const struct block_source source = index_source(state);
    const struct block_query query = query_of(run->batch, state, i);
    const struct index_wish wish = query_wish(run->batch, state, i);

    if (run->search) return index_search_within(&run->search[thread], &wish, meet, meeting, NULL) != 0 || meeting->failed;
    block_within(&state->layout, &source, &query, meet, meeting, &run->work[thread]);
    return meeting->failed;
}

/* All of one query, in order, to the end of the hits. */
static int find_all(struct run *run, struct base_vector *hit, size_t i, int thread)
{
    struct meeting meeting = { run, hit, 0, 0 };
    const size_t first = hit->count;
    const int failed = meet_all(&meeting, run, i, thread);

    if (hit->count > first) base_topk_sort((struct base_topk_entry *)hit->memory.data + first, hit->count - first);
    return failed;
}

/* The least k of one query. */
static int find_least(struct run *run, struct base_vector *hit, size_t i, int thread)
{
    const struct index_state *state = run->state;
    const struct block_source source = index_source(state);
    const struct block_query query = query_of(run->batch, state, i);
    const struct index_wish wish = query_wish(run->batch, state, i);
    const size_t first = hit->count, k = run->batch->k;
    struct block_near *near = &run->found->near[thread];
    struct base_topk_entry *entry = NULL;
    struct base_topk top;

    if (base_vector_add(&entry, hit, run->env, k, NULL) != 0) return 1;
    base_topk_start(&top, entry, k);
    if (run->search) {
        if (index_search_knn(&top, &run->search[thread], &wish, NULL) != 0) return 1;
    } else {
        block_knn_filter(near, &state->layout, &source, &query, k, &run->work[thread]);
        block_knn_decide(&top, near, &state->layout, &source, &run->work[thread]);
    }
    base_topk_finish(&top);
    hit->count = first + top.count;
    return 0;
}

static void find(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    struct base_vector *hit = &run->found->hit[thread];
    struct query_part *part = run->found->part.data;

    for (size_t at = begin; at < end && !base_par_read(&run->memory); at++) {
        const size_t i = run->order[at], first = hit->count;
        const int failed = (run->batch->k < run->state->n_live ? find_least : find_all)(run, hit, i, thread);

        if (failed) base_par_add(&run->memory, 1);
        part[i] = (struct query_part){ first, thread };
        run->counts[i] = hit->count - first;
    }
}

static void count(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;

    for (size_t at = begin; at < end; at++) {
        const size_t i = run->order[at];
        struct meeting meeting = { run, NULL, 0, 0 };

        if (!run->search) {
            const struct block_source source = index_source(run->state);
            const struct block_query query = query_of(run->batch, run->state, i);

            run->counts[i] = block_count(&run->state->layout, &source, &query, run->batch->k, &run->work[thread]);
            continue;
        }
        if (meet_all(&meeting, run, i, thread) != 0) base_par_add(&run->memory, 1);
        run->counts[i] = meeting.count;
    }
}

/* From the threads' hits to their places. */
static void gather(void *ctx, size_t begin, size_t end, int thread)
{
    const struct run *run = ctx;
    struct query_found *found = run->found;
    const uint64_t *start = found->start.data;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const struct query_part *part = (struct query_part *)found->part.data + i;
        const struct base_topk_entry *hit = found->hit[part->thread].memory.data;

        for (uint64_t j = start[i]; j < start[i + 1]; j++) {
            const struct base_topk_entry *entry = &hit[part->first + (j - start[i])];

            ((int64_t *)found->label.data)[j] = entry->id;
            ((double *)found->distance.data)[j] = metric_distance(&run->state->metric, entry->key);
        }
    }
}

/* The parallel part of both, and what it needs. */
static int carry_out(struct run *run, base_par_body *body, struct block_work *work, struct pcct_error *err)
{
    const int threads = base_par_threads(run->env);
    int status = 0;

    TRY(base_take_zero(&run->work, run->env, (size_t)threads, sizeof *run->work, err));
    if (metric_is_custom(&run->state->metric)) TRY(query_searches_take(&run->search, run->state, run->env, err));
    TRY(base_take(&run->order, run->env, run->batch->nq, sizeof *run->order, err));
    query_plain_order(run->order, run->batch->nq);
    TRY(query_spatial_order(run->order, run->batch->nq, run->state, run->batch, run->env, err));
    base_par_for(run->env, run->batch->nq, GRAIN, body, run);
    if (run->memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for what was found; ask for fewer queries at a time, or with a cap"));
    TRY(query_calls_check(run->state, run->batch, err));
    for (int t = 0; work && t < threads; t++) block_work_add(work, &run->work[t]);
done:
    query_searches_free(work, run->search, run->env);
    base_free(run->env, run->order);
    base_free(run->env, run->work);
    return status;
}

static void free_scratch(struct query_found *found, const struct base_env *env)
{
    for (int t = 0; t < found->threads; t++) {
        base_vector_free(&found->hit[t], env);
        block_near_free(&found->near[t], env);
    }
    base_free(env, found->hit);
    base_free(env, found->near);
    found->hit = NULL;
    found->near = NULL;
    found->threads = 0;
    found->k = 0;
}

/* Makes the scratch of threads: more of them, or more room. */
static int take_scratch(struct query_found *found, const struct query_batch *batch, const struct index_state *state, const struct base_env *env,
                        struct pcct_error *err)
{
    const int threads = base_par_threads(env);
    const size_t k = batch->k < state->n_live && !metric_is_custom(&state->metric) ? batch->k : 0; /* 0: no filter's scratch */
    int status = 0;

    if (threads > found->threads) {
        free_scratch(found, env);
        TRY(base_take_zero(&found->hit, env, (size_t)threads, sizeof *found->hit, err));
        TRY(base_take_zero(&found->near, env, (size_t)threads, sizeof *found->near, err));
        found->threads = threads;
    }
    for (int t = 0; k > found->k && t < found->threads; t++) {
        block_near_free(&found->near[t], env);
        TRY(block_near_take(&found->near[t], env, k, err));
    }
    if (k > found->k) found->k = k;
    for (int t = 0; t < found->threads; t++) {
        found->hit[t].item_bytes = sizeof(struct base_topk_entry);
        found->hit[t].count = 0;
    }
done:
    return status;
}

int query_within(struct query_found *found, const struct index_state *state, const struct query_batch *batch, const struct base_env *env,
                 struct block_work *work, struct pcct_error *err)
{
    struct run run = { .found = found, .state = state, .batch = batch, .env = env };
    const size_t nq = batch->nq;
    uint64_t *start = NULL;
    int status = 0;

    assert(batch->limit && batch->k >= 1 && !batch->bounds && !batch->progress);
    found->nq = 0;
    TRY(take_scratch(found, batch, state, env, err));
    TRY(base_buffer_reserve(&found->part, env, nq * sizeof(struct query_part), 0, err));
    TRY(base_buffer_reserve(&found->start, env, (nq + 1) * sizeof *start, 0, err));
    start = found->start.data;
    run.counts = start + 1;
    TRY(carry_out(&run, find, work, err));
    start[0] = 0;
    for (size_t i = 0; i < nq; i++) start[i + 1] += start[i];
    TRY(base_buffer_reserve(&found->label, env, start[nq] * sizeof(int64_t), 0, err));
    TRY(base_buffer_reserve(&found->distance, env, start[nq] * sizeof(double), 0, err));
    base_par_for(env, nq, GRAIN, gather, &run);
    found->nq = nq;
done:
    return status;
}

int query_count(uint64_t *counts, const struct index_state *state, const struct query_batch *batch, const struct base_env *env,
                struct block_work *work, struct pcct_error *err)
{
    struct run run = { .counts = counts, .state = state, .batch = batch, .env = env };

    assert(batch->limit && batch->k >= 1 && !batch->bounds && !batch->progress);
    return carry_out(&run, count, work, err);
}

static void compare_all(void *ctx, size_t begin, size_t end, int thread)
{
    const struct run *run = ctx;
    const struct index_state *state = run->state;
    const struct query_batch *batch = run->batch;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const struct block_query query = query_of(batch, state, i);
        uint64_t number = 0;

        for (uint32_t node = 0; node < state->n; node++) {
            if (!query_may_find(batch, state, &query, node)) continue;
            number += metric_key(&state->metric, query.q, index_place(state, node)) <= query.limit;
        }
        run->counts[i] = number < batch->k ? number : batch->k;
    }
}

void query_count_brute(uint64_t *counts, const struct index_state *state, const struct query_batch *batch, const struct base_env *env)
{
    struct run run = { .counts = counts, .state = state, .batch = batch };

    base_par_for(env, batch->nq, 1, compare_all, &run);
}

void query_found_free(struct query_found *found, const struct base_env *env)
{
    free_scratch(found, env);
    base_buffer_free(&found->start, env);
    base_buffer_free(&found->label, env);
    base_buffer_free(&found->distance, env);
    base_buffer_free(&found->part, env);
    memset(found, 0, sizeof *found);
}
