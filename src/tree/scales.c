/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/par.h"
#include "tree/bulk.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 4096, SAMPLES = 128, SAMPLES_AT_ONCE = 4, NEIGHBOURS = 32, BUDGET_PER_ITEM = 12, BUDGET_BASE = 65536, TOLD_AT_ONCE = 1024 };

/* ---- outlook ------------------------------------------------------------------------------------------------------------------------------ */

struct looking {
    const struct tree_bulk *bulk;
    const struct block_layout *layout;
    size_t n;
    struct block_near *near;            /* scratch of each thread */
    int16_t scale[SAMPLES][NEIGHBOURS]; /* of each sample's nearest others; a twin's is the least level */
    uint32_t count[SAMPLES];
};

static void look_around(void *ctx, size_t begin, size_t end, int thread)
{
    struct looking *looking = ctx;
    const struct tree_bulk *bulk = looking->bulk;
    const struct metric *metric = &bulk->state->metric;
    const uint32_t *node = looking->layout->node.data;
    struct base_topk_entry entry[NEIGHBOURS];
    struct block_work work = { 0, 0, 0, 0 };
    struct base_topk top;

    for (size_t i = begin; i < end; i++) {
        uint32_t self = node[looking->layout->entries * i / looking->n];
        const struct block_query query = { index_place(bulk->state, self), self, (double)INFINITY, NULL, 0 };

        base_topk_start(&top, entry, NEIGHBOURS);
        block_knn_filter(&looking->near[thread], looking->layout, &bulk->source, &query, NEIGHBOURS, &work);
        block_knn_decide(&top, &looking->near[thread], looking->layout, &bulk->source, &work);
        base_topk_finish(&top);
        looking->count[i] = (uint32_t)top.count;
        for (size_t k = 0; k < top.count; k++) {
            looking->scale[i][k] = (int16_t)(entry[k].key > 0 ? metric_scale(metric, entry[k].key) : METRIC_LEVEL_MIN);
        }
    }
    tree_count_work(bulk->state->env, &work);
}

static int by_size(const void *a, const void *b)
{
    return *(const int16_t *)a - *(const int16_t *)b;
}

static void tell(struct tree_outlook *outlook, const struct looking *looking)
{
    enum { LEVELS = METRIC_LEVEL_MAX - METRIC_LEVEL_MIN + 1 };
    uint32_t within[LEVELS] = { 0 };
    int16_t nearest[SAMPLES];
    size_t sum = 0, n = looking->n;

    for (size_t i = 0; i < n; i++) {
        nearest[i] = looking->count[i] ? looking->scale[i][0] : METRIC_LEVEL_MIN;
        for (uint32_t k = 0; k < looking->count[i]; k++) within[looking->scale[i][k] - METRIC_LEVEL_MIN]++;
    }
    qsort(nearest, n, sizeof *nearest, by_size);
    *outlook = (struct tree_outlook){ METRIC_LEVEL_MIN, nearest[n - 1 - n / 16] - nearest[n / 16], within[0] <= TREE_BULK_FEW * n, 0, 0 };
    for (int i = 0; i < LEVELS; i++) {
        sum += within[i];
        outlook->next = (double)sum / (double)n;
        if (outlook->next > TREE_BULK_FEW) break;
        outlook->scale = i + METRIC_LEVEL_MIN;
        outlook->others = outlook->next;
    }
}

int tree_bulk_look(struct tree_outlook *outlook, const struct tree_bulk *bulk, const struct block_layout *layout, struct pcct_error *err)
{
    const struct base_env *env = bulk->state->env;
    struct looking looking = { .bulk = bulk, .layout = layout, .n = layout->entries < SAMPLES ? layout->entries : SAMPLES };
    int threads = base_par_threads(env), status = 0;

    TRY(base_take_zero(&looking.near, env, (size_t)threads, sizeof *looking.near, err));
    for (int t = 0; t < threads; t++) TRY(block_near_take(&looking.near[t], env, NEIGHBOURS, err));
    base_par_for(env, looking.n, SAMPLES_AT_ONCE, look_around, &looking);
    tell(outlook, &looking);
done:
    for (int t = 0; looking.near && t < threads; t++) block_near_free(&looking.near[t], env);
    base_free(env, looking.near);
    return status;
}

/* ---- pairs -------------------------------------------------------------------------------------------------------------------------------- */

struct joining {
    struct tree_bulk *bulk;
    struct tree_chunk *chunk;
    struct tree_conflicts *conflicts;
    uint32_t *turn;
    int16_t level;
    uint64_t budget, met;  /* met: told by all threads now and then */
    uint64_t memory;       /* 1: there was none left */
    const struct tree_bulk_pair *listed;
};

static int meet(void *ctx, int thread, uint32_t a, uint32_t b, double key)
{
    struct joining *joining = ctx;
    struct base_vector *list = &joining->bulk->pair[thread];
    int later = joining->turn[a] > joining->turn[b];
    struct tree_bulk_pair *pair = NULL;

    if (base_vector_add(&pair, list, joining->bulk->state->env, 1, NULL) != 0) {
        base_par_add(&joining->memory, 1);
        return 1;
    }
    *pair = (struct tree_bulk_pair){ key, later ? a : b, later ? b : a };
    __atomic_fetch_add(&joining->conflicts->count[pair->at], 1, __ATOMIC_RELAXED); /* read after the parallel region */
    if (list->count % TOLD_AT_ONCE != 0) return 0;
    return base_par_add(&joining->met, TOLD_AT_ONCE) > joining->budget || base_watch_stopped(joining->bulk->state->env);
}

static void start_items(void *ctx, size_t begin, size_t end, int thread)
{
    struct joining *work = ctx;
    struct tree_chunk *chunk = work->chunk;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        chunk->key[i] = (double)INFINITY;
        chunk->parent[i] = INDEX_NONE;
        chunk->level[i] = work->level;
        work->turn[i] = work->bulk->turn[chunk->node[i]];
        work->conflicts->owner[i] = work->conflicts->count[i] = 0;
    }
}

static int take_items(struct joining *work, struct pcct_error *err)
{
    struct tree_chunk *chunk = work->chunk;
    struct tree_conflicts *conflicts = work->conflicts;
    const struct base_env *env = chunk->state->env;
    size_t n = chunk->n;
    int status = 0;

    TRY(base_arena_take(&chunk->key, chunk->arena, n, sizeof *chunk->key, err));
    TRY(base_arena_take(&chunk->parent, chunk->arena, n, sizeof *chunk->parent, err));
    TRY(base_arena_take(&chunk->level, chunk->arena, n, sizeof *chunk->level, err));
    TRY(base_arena_take(&work->turn, chunk->arena, n, sizeof *work->turn, err));
    TRY(base_arena_take(&conflicts->owner, chunk->arena, n, sizeof *conflicts->owner, err));
    TRY(base_arena_take(&conflicts->start, chunk->arena, n, sizeof *conflicts->start, err));
    TRY(base_arena_take(&conflicts->count, chunk->arena, n, sizeof *conflicts->count, err));
    base_par_for(env, n, GRAIN, start_items, work);
    chunk->turn = work->turn;
done:
    return status;
}

/* start[] stands at the end of an item's pairs and comes down to their beginning. */
static void place_pairs(void *ctx, size_t begin, size_t end, int thread)
{
    struct joining *work = ctx;
    struct tree_pair *pair = work->conflicts->pair[0].memory.data;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const struct tree_bulk_pair *p = &work->listed[i];

        pair[__atomic_sub_fetch(&work->conflicts->start[p->at], 1, __ATOMIC_RELAXED)] = (struct tree_pair){ p->key, p->before };
    }
}

/* From the lists of the threads to one, item by item. */
static int group_pairs(struct joining *work, size_t pairs, struct pcct_error *err)
{
    struct tree_conflicts *conflicts = work->conflicts;
    const struct base_env *env = work->bulk->state->env;
    struct tree_pair *first = NULL;
    size_t end = 0;
    int status = 0;

    conflicts->pair = &work->bulk->grouped;
    conflicts->pair->count = 0;
    TRY(base_vector_add(&first, conflicts->pair, env, pairs, err));
    for (size_t i = 0; i < work->chunk->n; i++) conflicts->start[i] = end += conflicts->count[i];
    for (int t = 0; t < base_par_threads(env); t++) {
        work->listed = work->bulk->pair[t].memory.data;
        base_par_for(env, work->bulk->pair[t].count, GRAIN, place_pairs, work);
    }
done:
    return status;
}

int tree_bulk_resolve(struct tree_chunk *chunk, int *over, struct tree_bulk *bulk, const struct block_layout *layout, int scale,
                      struct pcct_error *err)
{
    const struct metric *metric = &bulk->state->metric;
    const struct base_env *env = bulk->state->env;
    struct tree_conflicts conflicts = { 0 };
    struct joining joining = { .bulk = bulk, .chunk = chunk, .conflicts = &conflicts, .level = (int16_t)(scale + INDEX_LEVEL_BIAS) };
    struct block_work *work = NULL;
    size_t threads = (size_t)base_par_threads(env), pairs = 0, scratch = 0;
    int status = 0;

    *over = 0;
    *chunk = (struct tree_chunk){ .state = bulk->state, .node = layout->node.data, .n = layout->entries, .arena = &bulk->arena,
                                   .span = base_watch_span(env) };
    joining.budget = BUDGET_PER_ITEM * (uint64_t)chunk->n + BUDGET_BASE;
    tree_step(chunk, BASE_STAT_pairs_seconds, 0, 0.05);
    TRY(take_items(&joining, err));
    scratch = bulk->arena.used; /* without what depends on the number of threads */
    TRY(base_arena_take(&work, &bulk->arena, threads, sizeof *work, err));
    memset(work, 0, threads * sizeof *work);
    for (size_t t = 0; t < threads; t++) bulk->pair[t].count = 0;
    tree_step(chunk, BASE_STAT_pairs_seconds, 0.05, 0.5);
    TRY(block_join(layout, &bulk->source, metric_reach(metric, scale), meet, &joining, work, err));
    if (joining.memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for the pairs of a batch; commit fewer points at a time"));
    TRY(base_watch_check(env, err));
    for (size_t t = 0; t < threads; t++) pairs += bulk->pair[t].count;
    *over = pairs > joining.budget;
    if (*over) goto done; /* nothing is counted: where it stopped depends on the schedule */
    for (size_t t = 0; t < threads; t++) tree_count_work(env, &work[t]);
    base_watch_add(env, BASE_STAT_candidate_pairs, pairs);
    base_watch_add(env, BASE_STAT_kept_pairs, pairs);
    tree_step(chunk, BASE_STAT_pairs_seconds, 0.5, 0.65);
    TRY(group_pairs(&joining, pairs, err));
    base_watch_peak(env, BASE_STAT_arena_peak_bytes, scratch);
    base_watch_peak(env, BASE_STAT_working_peak_bytes, scratch + pairs * (sizeof(struct tree_pair) + sizeof(struct tree_bulk_pair)) +
                    block_memory(layout));
    TRY(tree_resolve(chunk, &conflicts, err));
done:
    return status;
}

/* ---- one scale at once -------------------------------------------------------------------------------------------------------------------- */

struct seating {
    const struct tree_bulk *bulk;
    const struct tree_chunk *chunk;
};

static void seat_items(void *ctx, size_t begin, size_t end, int thread)
{
    const struct seating *work = ctx;
    const struct tree_chunk *chunk = work->chunk;
    uint64_t twins = 0;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        if (chunk->parent[i] == INDEX_NONE) continue;
        tree_bulk_seat(work->bulk, chunk->node[i], chunk->parent[i], chunk->key[i]);
        twins += !(chunk->key[i] > 0);
    }
    base_watch_add(work->bulk->state->env, BASE_STAT_twin_items, twins);
}

/* Room for the pairs that are expected, so that lists need not grow step by step. */
static int reserve(struct tree_bulk *bulk, double others, struct pcct_error *err)
{
    const struct base_env *env = bulk->state->env;
    int threads = base_par_threads(env), status = 0;
    size_t pairs = (size_t)((double)bulk->n_left * others * 0.625 / threads) + 1; /* half, each pair being of two, and a quarter more */

    for (int t = 0; t < threads; t++) TRY(base_buffer_reserve(&bulk->pair[t].memory, env, pairs * sizeof(struct tree_bulk_pair), 0, err));
done:
    return status;
}

int tree_bulk_join(int *over, struct tree_bulk *bulk, const struct block_layout *layout, const struct tree_outlook *outlook, struct pcct_error *err)
{
    struct tree_chunk chunk;
    struct seating work = { bulk, &chunk };
    int status = 0;

    assert(outlook->scale > bulk->scale && layout->entries == bulk->n_left);
    TRY(reserve(bulk, outlook->others, err));
    TRY(tree_bulk_resolve(&chunk, over, bulk, layout, outlook->scale, err));
    if (*over) goto done;
    tree_step(&chunk, BASE_STAT_attach_seconds, 0.68, 1);
    base_par_for(bulk->state->env, chunk.n, GRAIN, seat_items, &work);
    bulk->n_left = 0;
    for (size_t i = 0; i < chunk.n; i++) {
        if (chunk.parent[i] == INDEX_NONE) bulk->left[bulk->n_left++] = chunk.node[i];
    }
    bulk->scale = outlook->scale;
done:
    base_arena_clear(&bulk->arena);
    return status;
}
