/* SPDX-License-Identifier: Apache-2.0 */
#include "support_bulk.h"

#include "base/par.h"

#include <stdlib.h>
#include <string.h>

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    assert_non_null(memory);
    return memory;
}

void support_bulk_start(struct support_bulk *b, const char *metric, uint32_t dim, const double *points, size_t n, int threads, uint64_t seed)
{
    struct pcct_error err = { 0, "" };
    int64_t *labels = room(n, sizeof *labels);
    struct base_random random;

    memset(b, 0, sizeof *b);
    support_env_start(&b->env, threads);
    support_ok(metric_init(&b->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    index_init(&b->state, &b->env.env, &b->metric, seed);
    for (size_t i = 0; i < n; i++) labels[i] = (int64_t)i;
    support_ok(index_append(&b->state, points, labels, n, &err), &err);
    free(labels);
    b->order = room(n, sizeof *b->order);
    b->bulk = (struct tree_bulk){ .state = &b->state, .batch = &b->batch, .source = { index_places(&b->state), NULL, NULL, NULL, b->state.n }, .n = n,
                                  .n_left = n, .scale = METRIC_LEVEL_MIN - 1, .arena = { .env = &b->env.env } };
    b->bulk.grouped.item_bytes = sizeof(struct tree_pair);
    b->bulk.turn = room(n, sizeof *b->bulk.turn);
    b->bulk.left = room(n, sizeof *b->bulk.left);
    b->bulk.pair = room(BASE_PAR_THREADS_MAX, sizeof *b->bulk.pair);
    base_random_seed(&random, seed);
    for (size_t i = 0; i < n; i++) {
        size_t other = base_random_below(&random, i + 1);

        b->order[i] = b->order[other];
        b->order[other] = b->bulk.left[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) b->bulk.turn[b->order[i]] = (uint32_t)i;
    for (int t = 0; t < BASE_PAR_THREADS_MAX; t++) b->bulk.pair[t].item_bytes = sizeof(struct tree_bulk_pair);
}

void support_bulk_finish(struct support_bulk *b)
{
    for (int t = 0; t < BASE_PAR_THREADS_MAX; t++) base_vector_free(&b->bulk.pair[t], &b->env.env);
    base_vector_free(&b->bulk.grouped, &b->env.env);
    base_arena_free(&b->bulk.arena);
    free(b->bulk.pair);
    free(b->bulk.left);
    free(b->bulk.turn);
    free(b->order);
    index_free(&b->state);
    support_env_finish(&b->env);
}
