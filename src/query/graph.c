/* SPDX-License-Identifier: Apache-2.0 */
#include "query/graph.h"

#include "base/par.h"
#include "block/layout_pairs.h"
#include "index/search.h"

/* Progress is told and a stop noticed between pieces of so many blocks. */
enum { BLOCKS_AT_ONCE = 8, PIECE = 1024 };

struct scratch {
    struct block_pairs pairs;
    struct block_near near[2];
    struct base_topk_entry *entry; /* [k_kept] */
    struct block_work work;
};

struct run {
    int64_t *labels;
    double *distances;
    int32_t *counts;
    const struct index_state *state;
    const struct query_batch *batch;
    uint32_t *place;         /* [state->n] by node: which query it is */
    size_t k_kept;
    struct scratch *scratch; /* [threads] */
    size_t first;            /* the block where the piece being worked on begins */
};

/* Decides the entry that was filtered before, while memory fetches what the one after it needs. */
static void decide(const struct run *run, struct scratch *scratch, const struct block_source *source, const struct block_near *near, uint32_t node)
{
    struct base_topk top;

    base_topk_start(&top, scratch->entry, run->k_kept);
    block_knn_decide(&top, near, &run->state->layout, source, &scratch->work);
    query_answer(run->labels, run->distances, run->counts, run->state, run->batch, run->place[node], &top);
}

/* Has memory fetch where an answer will go, which is in the caller's order: hardly two entries of a block go near each other. */
static void fetch_answer(const struct run *run, uint32_t node)
{
    const size_t k = run->batch->k, first = run->place[node] * k;

    for (size_t j = 0; j < k; j += BASE_ALIGNMENT / sizeof(double)) {
        __builtin_prefetch(run->labels + first + j, 1);
        __builtin_prefetch(run->distances + first + j, 1);
    }
}

/* All entries of a block; returns 0 when they had better ask one by one. What answers take waits for memory mostly, so it is asked for bit by bit. */
static int join_together(const struct run *run, struct scratch *scratch, const struct block_source *source, uint32_t block, const uint32_t *node,
                         uint32_t count)
{
    struct block_pairs *pairs = &scratch->pairs;
    const struct block_near *last = NULL;
    uint32_t fetched = 0;

    if (!block_pairs_open(pairs, &run->state->layout, source, block, run->k_kept, &scratch->work)) return 0;
    for (uint32_t i = 0; i < pairs->count; i++) {
        for (const uint32_t end = count * (i + 1) / pairs->count; fetched < end; fetched++) fetch_answer(run, node[fetched]);
        block_pairs_look(pairs, i, &scratch->work);
    }
    for (uint32_t lane = 0; lane < count; lane++) {
        const struct block_near *near = block_pairs_found(pairs, lane);

        if (lane > 0) decide(run, scratch, source, last, node[lane - 1]);
        last = near;
    }
    decide(run, scratch, source, last, node[count - 1]);
    return 1;
}

static void join_block(const struct run *run, struct scratch *scratch, uint32_t block)
{
    const struct block_layout *layout = &run->state->layout;
    const struct block_source source = index_source(run->state);
    const uint32_t *node = NULL, count = block_pairs_nodes(&node, layout, block);

    for (uint32_t lane = 0; lane < count; lane++) __builtin_prefetch(run->place + node[lane]);
    if (count == 0 || join_together(run, scratch, &source, block, node, count)) return;
    for (uint32_t lane = 0; lane < count; lane++) {
        const struct block_query query = { index_place(run->state, node[lane]), node[lane], (double)INFINITY, NULL, INDEX_NONE };

        fetch_answer(run, node[lane]);
        block_knn_filter(&scratch->near[lane % 2], layout, &source, &query, run->k_kept, &scratch->work);
        if (lane > 0) decide(run, scratch, &source, &scratch->near[(lane - 1) % 2], node[lane - 1]);
    }
    decide(run, scratch, &source, &scratch->near[(count - 1) % 2], node[count - 1]);
}

static void join_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    const struct run *run = ctx;

    for (size_t block = run->first + begin; block < run->first + end; block++) join_block(run, &run->scratch[thread], (uint32_t)block);
}

static int join_all(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    const size_t blocks = run->state->layout.blocks;
    int status = 0;

    for (; run->first < blocks; run->first += PIECE) {
        const size_t left = blocks - run->first;

        TRY(query_go_on(run->batch, (size_t)((double)run->batch->nq * (double)run->first / (double)blocks), err));
        base_par_for(env, left < PIECE ? left : PIECE, BLOCKS_AT_ONCE, join_blocks, run);
    }
done:
    return status;
}

/* Whether every live node asks exactly once; place[n] says where. */
static int everyone_asks(uint32_t *place, const struct index_state *state, const struct query_batch *batch)
{
    for (uint32_t node = 0; node < state->n; node++) place[node] = INDEX_NONE;
    for (size_t i = 0; i < batch->nq; i++) {
        if (place[batch->node[i]] != INDEX_NONE) return 0;
        place[batch->node[i]] = (uint32_t)i;
    }
    return 1;
}

int query_graph(int *done, int64_t *labels, double *distances, int32_t *counts, const struct index_state *state, const struct query_batch *batch,
                const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    const size_t threads = (size_t)base_par_threads(env);
    struct run run = { .labels = labels, .distances = distances, .counts = counts, .state = state, .batch = batch };
    int status = 0;

    *done = 0;
    if (metric_is_custom(&state->metric) || state->metric.dim > BLOCK_PAIRS_DIM || batch->filter || batch->limit) return 0;
    if (batch->nq != state->n_live || batch->nq == 0 || !batch->node || batch->queries || batch->self != batch->node) return 0;
    TRY(base_take(&run.place, env, state->n, sizeof *run.place, err));
    if (!everyone_asks(run.place, state, batch)) goto done;
    run.k_kept = query_kept(batch, state);
    TRY(base_take_zero(&run.scratch, env, threads, sizeof *run.scratch, err));
    for (size_t i = 0; i < threads; i++) {
        for (int j = 0; j < 2; j++) TRY(block_near_take(&run.scratch[i].near[j], env, run.k_kept, err));
        TRY(block_pairs_take(&run.scratch[i].pairs, env, err));
        TRY(base_take(&run.scratch[i].entry, env, run.k_kept, sizeof *run.scratch[i].entry, err));
    }
    TRY(join_all(&run, env, err));
    for (size_t i = 0; work && i < threads; i++) block_work_add(work, &run.scratch[i].work);
    *done = 1;
done:
    for (size_t i = 0; run.scratch && i < threads; i++) {
        for (int j = 0; j < 2; j++) block_near_free(&run.scratch[i].near[j], env);
        block_pairs_free(&run.scratch[i].pairs, env);
        base_free(env, run.scratch[i].entry);
    }
    base_free(env, run.scratch);
    base_free(env, run.place);
    return status;
}
