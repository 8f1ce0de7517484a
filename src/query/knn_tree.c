/* SPDX-License-Identifier: Apache-2.0 */
#include "query/knn_tree.h"

#include "base/par.h"
#include "index/search.h"

#include <math.h>

enum { GRAIN = 1 }; /* a query evaluates hundreds of distances, each a call */

struct run {
    int64_t *labels;
    double *distances;
    int32_t *counts;
    const struct index_state *state;
    const struct query_batch *batch;
    struct base_topk_entry *entry; /* [threads][k_kept] */
    size_t k_kept;
    struct index_search *search;   /* [threads] */
    uint64_t memory;               /* 1: there was none left */
};

/* A custom metric's keys are its distances. */
static void answer(const struct run *run, size_t i, struct base_topk *top)
{
    size_t k = run->batch->k;

    base_topk_finish(top);
    for (size_t j = 0; j < k; j++) {
        run->labels[i * k + j] = j < top->count ? top->entry[j].id : -1;
        run->distances[i * k + j] = j < top->count ? top->entry[j].key : (double)INFINITY;
    }
    if (run->counts) run->counts[i] = (int32_t)top->count;
}

static void find(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    struct base_topk top;

    for (size_t i = begin; i < end; i++) {
        const double *q = run->batch->queries + i * run->state->metric.dim;

        base_topk_start(&top, run->entry + (size_t)thread * run->k_kept, run->k_kept);
        if (index_search_knn(&top, &run->search[thread], q, run->batch->self ? run->batch->self[i] : INDEX_NONE, NULL) != 0) {
            base_par_add(&run->memory, 1);
        }
        answer(run, i, &top);
    }
}

int query_knn_tree(int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                   const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    struct run run = { .labels = labels, .distances = distances, .counts = counts, .state = state, .batch = batch };
    int threads = base_par_threads(env), status = 0;

    run.k_kept = batch->k < state->n_live ? batch->k : state->n_live > 0 ? state->n_live : 1;
    TRY(base_take(&run.entry, env, (size_t)threads * run.k_kept, sizeof *run.entry, err));
    TRY(base_take(&run.search, env, (size_t)threads, sizeof *run.search, err));
    for (int t = 0; t < threads; t++) index_search_start(&run.search[t], state);
    base_par_for(env, batch->nq, GRAIN, find, &run);
    for (int t = 0; t < threads; t++) {
        if (work) work->nodes += run.search[t].nodes;
        if (work) work->distances += run.search[t].distances;
        index_search_free(&run.search[t]);
    }
    if (run.memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for a search over the tree"));
    TRY(index_calls_check(state, batch->queries, batch->nq, err));
done:
    base_free(env, run.search);
    base_free(env, run.entry);
    return status;
}
