/* SPDX-License-Identifier: Apache-2.0 */
#include "base/par.h"
#include "tree/settle.h"

enum { GRAIN = 16, BLOCK_FILL = 64, BUDGET_PER_ITEM = 128, BUDGET_BASE = 8192 };

struct search {
    const struct tree_chunk *chunk;
    struct tree_conflicts *conflicts;
    struct block_source source;   /* the chunk's items: entries are ranks */
    struct block_layout layout;
    uint64_t budget, met;         /* entries that may be met, and were */
    struct block_work work;
    uint64_t memory;              /* 1: there was none left */
};

struct meeting {
    struct search *search;
    struct base_vector *pair;
    uint32_t rank;
    uint64_t met;
};

static int spent(const struct search *search)
{
    return base_par_read(&search->met) > search->budget || base_par_read(&search->memory) || base_watch_stopped(search->chunk->state->env);
}

static int meet(void *ctx, uint32_t other, double key)
{
    struct meeting *meeting = ctx;
    struct search *search = meeting->search;
    const struct tree_chunk *chunk = search->chunk;
    uint32_t rank = meeting->rank;
    struct tree_pair *pair = NULL;

    if (++meeting->met % 1024 == 0) {
        base_par_add(&search->met, 1024);
        if (spent(search)) return 1;
    }
    if (other >= rank) return 0;
    if (key == chunk->key[rank] && chunk->node[other] > chunk->parent[rank]) return 0;
    if (base_vector_add(&pair, meeting->pair, chunk->state->env, 1, NULL) != 0) {
        base_par_add(&search->memory, 1);
        return 1;
    }
    *pair = (struct tree_pair){ key, other };
    return 0;
}

static void find(void *ctx, size_t begin, size_t end, int thread)
{
    struct search *search = ctx;
    const struct tree_chunk *chunk = search->chunk;
    struct tree_conflicts *conflicts = search->conflicts;
    struct base_vector *pair = &conflicts->pair[thread];
    struct block_work work = { 0, 0, 0, 0 };

    for (size_t i = begin; i < end && !spent(search); i++) {
        uint32_t rank = chunk->route[i];
        struct meeting meeting = { search, pair, rank, 0 };
        size_t before = pair->count;

        block_visit(&search->layout, &search->source, chunk->place + (size_t)rank * chunk->state->metric.dim, chunk->key[rank], meet, &meeting,
                    &work);
        base_par_add(&search->met, meeting.met % 1024);
        conflicts->owner[rank] = (uint32_t)thread;
        conflicts->start[rank] = before;
        conflicts->count[rank] = (uint32_t)(pair->count - before);
    }
    base_par_add(&search->work.nodes, work.nodes);
    base_par_add(&search->work.blocks, work.blocks);
    base_par_add(&search->work.distances, work.distances);
}

static double reach_of(const void *owner, uint32_t rank)
{
    const struct tree_chunk *chunk = owner;

    return index_level_reach(&chunk->state->metric, chunk->level[rank]);
}

static int lay_out(struct search *search, struct pcct_error *err)
{
    const struct tree_chunk *chunk = search->chunk;
    uint32_t *rank = NULL;
    int status = 0;

    search->source = (struct block_source){ chunk->place, NULL, reach_of, chunk, (uint32_t)chunk->n };
    TRY(base_arena_take(&rank, chunk->arena, chunk->n, sizeof *rank, err));
    for (size_t i = 0; i < chunk->n; i++) rank[i] = (uint32_t)i;
    TRY(block_build(&search->layout, &search->source, rank, chunk->n, BLOCK_FILL, err));
done:
    return status;
}

/* Of a search that came to its end: where it stops when the budget is spent depends on the schedule. */
static void record(const struct search *search)
{
    const struct base_env *env = search->chunk->state->env;
    uint64_t kept = 0;

    for (size_t i = 0; i < search->chunk->n; i++) kept += search->conflicts->count[i];
    tree_count_work(env, &search->work);
    base_watch_add(env, BASE_STAT_candidate_pairs, search->met);
    base_watch_add(env, BASE_STAT_kept_pairs, kept);
    base_watch_peak(env, BASE_STAT_working_peak_bytes,
                    search->chunk->arena->used + kept * sizeof(struct tree_pair) + block_memory(&search->layout));
}

/*
 * All that an item meets counts towards the budget, not only the pairs that are kept, so that neither time nor memory can be quadratic. Whether
 * the budget is exceeded is a function of the chunk alone: the total is the same for every schedule.
 */
int tree_conflicts_find(struct tree_conflicts *conflicts, int *over, const struct tree_chunk *chunk, struct pcct_error *err)
{
    const struct base_env *env = chunk->state->env;
    struct search search = { .chunk = chunk, .conflicts = conflicts };
    int status = 0;

    *over = 0;
    block_init(&search.layout, env, &chunk->state->metric);
    search.budget = BUDGET_PER_ITEM * (uint64_t)chunk->n + BUDGET_BASE;
    TRY(base_take_zero(&conflicts->pair, env, (size_t)base_par_threads(env), sizeof *conflicts->pair, err));
    conflicts->threads = base_par_threads(env);
    for (int i = 0; i < conflicts->threads; i++) conflicts->pair[i].item_bytes = sizeof(struct tree_pair);
    TRY(base_arena_take(&conflicts->owner, chunk->arena, chunk->n, sizeof *conflicts->owner, err));
    TRY(base_arena_take(&conflicts->start, chunk->arena, chunk->n, sizeof *conflicts->start, err));
    TRY(base_arena_take(&conflicts->count, chunk->arena, chunk->n, sizeof *conflicts->count, err));
    tree_step(chunk, BASE_STAT_pairs_seconds, 0.4, 0.48);
    TRY(lay_out(&search, err));
    tree_step(chunk, BASE_STAT_pairs_seconds, 0.48, 0.65);
    base_par_for(env, chunk->n, GRAIN, find, &search);
    TRY(base_watch_check(env, err));
    if (search.memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for the conflicts of a batch; commit fewer points at a time"));
    *over = search.met > search.budget;
    if (!*over) record(&search);
done:
    block_free(&search.layout);
    return status;
}

void tree_conflicts_free(struct tree_conflicts *conflicts, const struct base_env *env)
{
    for (int i = 0; i < conflicts->threads; i++) base_vector_free(&conflicts->pair[i], env);
    base_free(env, conflicts->pair);
    conflicts->pair = NULL;
    conflicts->threads = 0;
}
