/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/settle.h"

#include "base/hilbert.h"
#include "base/par.h"
#include "base/random.h"
#include "base/sort.h"
#include "tree/bulk.h"

#include <assert.h>
#include <string.h>

enum { FIRST_CHUNK = 64, LOCATE_GRAIN = 16, GATHER_GRAIN = 4096 };

static int chunk_take(struct tree_chunk *chunk, struct pcct_error *err)
{
    int status = 0;

    TRY(base_arena_take(&chunk->place, chunk->arena, chunk->n * chunk->state->metric.dim, sizeof *chunk->place, err));
    TRY(base_arena_take(&chunk->key, chunk->arena, chunk->n, sizeof *chunk->key, err));
    TRY(base_arena_take(&chunk->parent, chunk->arena, chunk->n, sizeof *chunk->parent, err));
    TRY(base_arena_take(&chunk->level, chunk->arena, chunk->n, sizeof *chunk->level, err));
    TRY(base_arena_take(&chunk->route, chunk->arena, chunk->n, sizeof *chunk->route, err));
done:
    return status;
}

static void gather(void *ctx, size_t begin, size_t end, int thread)
{
    struct tree_chunk *chunk = ctx;
    size_t dim = chunk->state->metric.dim;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        memcpy(chunk->place + i * dim, index_place(chunk->state, chunk->node[i]), dim * sizeof(double));
    }
}

/* The nearest eligible node of the tree for each item: one search over the layout. The parent of the last item is near enough to start from. */
static void locate(void *ctx, size_t begin, size_t end, int thread)
{
    struct tree_chunk *chunk = ctx;
    const struct index_state *state = chunk->state;
    const struct block_source source = index_source(state);
    struct block_work work = { 0, 0, 0, 0 };
    uint32_t last = INDEX_NONE;

    (void)thread;
    if (base_watch_stopped(state->env)) return;
    for (size_t i = begin; i < end; i++) {
        uint32_t rank = chunk->route[i];
        const double *q = chunk->place + (size_t)rank * state->metric.dim;
        struct block_hit best = { (double)INFINITY, BLOCK_NONE };

        if (last != INDEX_NONE && last != chunk->node[rank]) {
            double key = metric_key(&state->metric, q, index_place(state, last));

            if (key <= index_node_reach(state, last)) best = (struct block_hit){ key, last };
        }
        block_nearest(&best, &state->layout, &source, q, chunk->node[rank], &work);
        assert(best.node != BLOCK_NONE); /* T1: the root reaches everything */
        last = best.node;
        chunk->key[rank] = best.key;
        chunk->parent[rank] = best.node;
        chunk->level[rank] = tree_level_of(&state->metric, best.key);
    }
    base_watch_add(state->env, BASE_STAT_searches, end - begin);
    tree_count_work(state->env, &work);
}

static int random_route(const struct tree_chunk *chunk, struct pcct_error *err)
{
    struct base_pair *pair = NULL;
    int status = 0;

    TRY(base_arena_take(&pair, chunk->arena, chunk->n, sizeof *pair, err));
    for (size_t i = 0; i < chunk->n; i++) pair[i] = (struct base_pair){ base_priority(chunk->n, (uint32_t)i), i };
    TRY(base_sort_pairs(pair, chunk->n, chunk->state->env, err));
    for (size_t i = 0; i < chunk->n; i++) chunk->route[i] = (uint32_t)pair[i].value;
done:
    return status;
}

/* The order of work has no effect on the result; neighbours in space one after the other find their way in the cache. */
static int find_route(const struct tree_chunk *chunk, enum tree_route route, struct pcct_error *err)
{
    const struct index_state *state = chunk->state;

    if (route == TREE_ROUTE_RANDOM) return random_route(chunk, err);
    if (route == TREE_ROUTE_HILBERT) return base_hilbert_order(chunk->route, chunk->place, chunk->n, state->metric.dim, state->env, err);
    for (size_t i = 0; i < chunk->n; i++) chunk->route[i] = (uint32_t)i;
    return 0;
}

/* The place of a chunk as seats, owned: the scratch of the chunk can go before they are taken. */
static int seats_of(struct index_seat **out, const struct tree_chunk *chunk, struct pcct_error *err)
{
    const struct base_env *env = chunk->state->env;
    struct index_seat *seats = NULL;
    uint64_t twins = 0;
    int status = 0;

    TRY(base_take(out, env, chunk->n, sizeof *seats, err));
    seats = *out;
    for (size_t i = 0; i < chunk->n; i++) {
        assert(chunk->level[i] == INDEX_LEVEL_TWIN || chunk->level[i] >= index_level(chunk->state)[chunk->node[i]]); /* orphans never fall */
        seats[i] = (struct index_seat){ chunk->node[i], chunk->parent[i], chunk->level[i] };
        twins += chunk->level[i] == INDEX_LEVEL_TWIN;
    }
    base_watch_add(env, BASE_STAT_twin_items, twins);
done:
    return status;
}

/* *over = 1 and nothing changed when the chunk has too many conflicts. */
static int settle_chunk(int *over, struct index_state *state, const uint32_t *node, size_t n, enum tree_route route, struct base_arena *arena,
                        struct pcct_error *err)
{
    struct tree_chunk chunk = { .state = state, .node = node, .n = n, .arena = arena };
    struct tree_conflicts conflicts = { 0 };
    const struct base_env *env = state->env;
    struct index_seat *seats = NULL;
    int status = 0;

    *over = 0;
    chunk.span = base_watch_span(env);
    tree_step(&chunk, BASE_STAT_order_seconds, 0, 0.08);
    TRY(chunk_take(&chunk, err));
    base_par_for(env, n, GATHER_GRAIN, gather, &chunk);
    TRY(find_route(&chunk, route, err));
    tree_step(&chunk, BASE_STAT_locate_seconds, 0.08, 0.4);
    base_par_for(env, n, LOCATE_GRAIN, locate, &chunk);
    TRY(base_watch_check(env, err));
    if (n > 1) {
        TRY(tree_conflicts_find(&conflicts, over, &chunk, err));
        if (*over) goto done;
        TRY(tree_resolve(&chunk, &conflicts, err));
    }
    tree_step(&chunk, BASE_STAT_attach_seconds, 0.68, 1);
    TRY(base_watch_check(env, err));
    TRY(seats_of(&seats, &chunk, err));
    tree_conflicts_free(&conflicts, env);
    base_arena_free(arena);
    TRY(index_attach(state, seats, n, err));
    TRY(base_watch_sub_batch(env, n, err));
done:
    base_watch_peak(env, BASE_STAT_arena_peak_bytes, arena->peak);
    base_free(env, seats);
    tree_conflicts_free(&conflicts, env);
    base_arena_clear(arena);
    return status;
}

static int found_root(struct index_state *state, uint32_t node, struct pcct_error *err)
{
    int16_t level = index_level(state)[node];
    struct index_seat seat = { node, INDEX_NONE, level > 0 ? level : INDEX_LEVEL_BIAS };
    int status = 0;

    TRY(index_attach(state, &seat, 1, err));
    TRY(base_watch_sub_batch(state->env, 1, err));
done:
    return status;
}

/*
 * Chunks as large as the tree that they meet (prefix doubling): then conflicts are few, and every point is located once. A chunk over the pair budget
 * is halved; its first half is settled by itself and the rest sees it as part of the tree. The result is the same for every cut.
 */
int tree_settle(struct index_state *state, const uint32_t *order, size_t n, const struct tree_batch *batch, struct pcct_error *err)
{
    struct base_arena arena = { .env = state->env };
    struct base_span span = base_watch_span(state->env);
    size_t at = 0, length = 0;
    int status = 0, over = 0, taken = 0;

    if (n > 0 && state->layout.entries == 0 && !metric_is_custom(&state->metric)) TRY(tree_bulk_settle(&taken, state, order, n, batch, err));
    if (taken) goto done;
    if (n > 0 && state->root == INDEX_NONE) {
        base_watch_part(state->env, span, 0, 0);
        TRY(found_root(state, order[0], err));
        at = 1;
    }
    if (metric_is_custom(&state->metric)) {
        TRY(tree_settle_sequence(state, order + at, n - at, err));
        goto done;
    }
    length = state->layout.entries > FIRST_CHUNK ? state->layout.entries : FIRST_CHUNK;
    while (at < n) {
        if (length > n - at) length = n - at;
        base_watch_part(state->env, span, (double)at / (double)n, (double)(at + length) / (double)n);
        TRY(settle_chunk(&over, state, order + at, length, batch->route, &arena, err));
        if (over) {
            base_watch_add(state->env, BASE_STAT_sub_batches_halved, 1);
            length = (length + 1) / 2;
            continue;
        }
        at += length;
        length *= 2;
    }
done:
    base_arena_free(&arena);
    return status;
}
