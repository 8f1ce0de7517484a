/* SPDX-License-Identifier: Apache-2.0 */
#include "query/knn_tree.h"

#include "base/par.h"
#include "index/search.h"

enum { GRAIN = 1, PIECE = 1024 }; /* a query evaluates hundreds of distances, each a call */

struct run {
    int64_t *labels;
    double *distances;
    int32_t *counts;
    const struct index_state *state;
    const struct query_batch *batch;
    struct base_topk_entry *entry; /* [threads][k_kept] */
    size_t k_kept;
    struct index_search *search;   /* [threads] */
    size_t first;                  /* query where the piece being worked on begins */
    uint64_t memory;               /* 1: there was none left */
};

static void find(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    struct base_topk top;

    for (size_t at = begin; at < end; at++) {
        const size_t i = run->first + at;
        const struct index_wish wish = query_wish(run->batch, run->state, i);

        base_topk_start(&top, run->entry + (size_t)thread * run->k_kept, run->k_kept);
        if (index_search_knn(&top, &run->search[thread], &wish, NULL) != 0) base_par_add(&run->memory, 1);
        query_answer(run->labels, run->distances, run->counts, run->state, run->batch, i, &top);
    }
}

int query_knn_tree(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                   const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    struct run run = { .labels = labels, .distances = distances, .counts = counts, .state = state, .batch = batch };
    int threads = base_par_threads(env), status = 0;

    run.k_kept = query_kept(batch, state);
    TRY(base_take(&run.entry, env, (size_t)threads * run.k_kept, sizeof *run.entry, err));
    TRY(query_searches_take(&run.search, state, env, err));
    for (; run.first < batch->nq; run.first += PIECE) {
        const size_t left = batch->nq - run.first;

        TRY(query_go_on(batch, run.first, err));
        base_par_for(env, left < PIECE ? left : PIECE, GRAIN, find, &run);
    }
    if (run.memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for a search over the tree"));
    TRY(query_calls_check(state, batch, err));
done:
    query_searches_free(work, run.search, env);
    base_free(env, run.entry);
    return status;
}

int query_searches_take(struct index_search **search, const struct index_state *state, const struct base_env *env, struct pcct_error *err)
{
    int threads = base_par_threads(env), status = base_take(search, env, (size_t)threads, sizeof **search, err);

    for (int t = 0; status == 0 && t < threads; t++) index_search_start(&(*search)[t], state);
    return status;
}

void query_searches_free(struct block_work *work, struct index_search *search, const struct base_env *env)
{
    for (int t = 0; search && t < base_par_threads(env); t++) {
        if (work) work->nodes += search[t].nodes;
        if (work) work->distances += search[t].distances;
        index_search_free(&search[t]);
    }
    base_free(env, search);
}

int query_calls_check(const struct index_state *state, const struct query_batch *batch, struct pcct_error *err)
{
    return index_calls_check(state, batch->queries, batch->queries ? batch->nq : 0, err);
}
