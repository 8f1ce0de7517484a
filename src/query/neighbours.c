/* SPDX-License-Identifier: Apache-2.0 */
#include "query/neighbours.h"

#include "base/par.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { GRAIN = 1024 };

int query_neighbours_rows(struct query_neighbours *g, size_t k, const struct index_state *state, const uint32_t *node, const struct base_env *env,
                          struct pcct_error *err)
{
    const size_t n = state->n_live;
    int status = 0;

    memset(g, 0, sizeof *g);
    g->k = k;
    g->n = state->n_live;
    g->dim = state->metric.dim;
    if (n > 0 && k > SIZE_MAX / sizeof(double) / n) TRY(base_fail(err, PCCT_E_MEMORY, "%zu neighbours of %zu points are too many", k, n));
    TRY(base_take(&g->label, env, n, sizeof *g->label, err));
    TRY(base_take(&g->place, env, n * g->dim, sizeof *g->place, err));
    TRY(base_take(&g->limit, env, n, sizeof *g->limit, err));
    TRY(base_take(&g->list, env, n * k, sizeof *g->list, err));
    TRY(base_take(&g->distance, env, n * k, sizeof *g->distance, err));
    TRY(base_take(&g->count, env, n, sizeof *g->count, err));
    for (uint32_t row = 0; row < g->n; row++) {
        g->label[row] = index_label(state)[node[row]];
        memcpy(g->place + (size_t)row * g->dim, index_place(state, node[row]), g->dim * sizeof *g->place);
    }
done:
    return status;
}

void query_neighbours_free(struct query_neighbours *g, const struct base_env *env)
{
    base_free(env, g->label);
    base_free(env, g->place);
    base_free(env, g->limit);
    base_free(env, g->list);
    base_free(env, g->distance);
    base_free(env, g->count);
    memset(g, 0, sizeof *g);
}

int query_neighbours_copy(struct query_neighbours *copy, const struct query_neighbours *from, const struct base_env *env, struct pcct_error *err)
{
    const size_t n = from->n, places = n * from->k;
    int status = 0;

    *copy = (struct query_neighbours){ .k = from->k, .n = from->n, .dim = from->dim };
    TRY(base_take(&copy->label, env, n, sizeof *copy->label, err));
    TRY(base_take(&copy->place, env, n * from->dim, sizeof *copy->place, err));
    TRY(base_take(&copy->limit, env, n, sizeof *copy->limit, err));
    TRY(base_take(&copy->list, env, places, sizeof *copy->list, err));
    TRY(base_take(&copy->distance, env, places, sizeof *copy->distance, err));
    TRY(base_take(&copy->count, env, n, sizeof *copy->count, err));
    if (n == 0) goto done;
    memcpy(copy->label, from->label, n * sizeof *copy->label);
    memcpy(copy->place, from->place, n * from->dim * sizeof *copy->place);
    memcpy(copy->limit, from->limit, n * sizeof *copy->limit);
    memcpy(copy->list, from->list, places * sizeof *copy->list);
    memcpy(copy->distance, from->distance, places * sizeof *copy->distance);
    memcpy(copy->count, from->count, n * sizeof *copy->count);
done:
    return status;
}

void query_neighbours_limit(struct query_neighbours *g, const struct index_state *state, uint32_t node, uint32_t row)
{
    const size_t last = (size_t)row * g->k + g->k - 1;

    if ((size_t)g->count[row] < g->k) g->limit[row] = (double)INFINITY;
    else g->limit[row] = index_key(state, node, index_find_prepared(state, g->list[last]));
}

int query_neighbours_make(struct query_neighbours *neighbours, size_t k, const struct index_state *state, const uint32_t *node,
                          const struct query_batch *batch, const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    const struct query_batch all = {
        .node = node, .self = node, .nq = state->n_live, .k = k, .progress = batch->progress, .progress_ctx = batch->progress_ctx
    };
    int status = 0;

    TRY(query_neighbours_rows(neighbours, k, state, node, env, err));
    TRY(query_knn(neighbours->list, neighbours->distance, neighbours->count, state, &all, env, work, err));
    for (uint32_t row = 0; row < neighbours->n; row++) query_neighbours_limit(neighbours, state, node[row], row);
done:
    return status;
}

/* ---- lists from elsewhere ----------------------------------------------------------------------------------------------------------------- */

struct adopting {
    const struct query_neighbours *g;
    const struct index_state *state;
    const uint32_t *node;
    uint64_t *bad; /* [n] 1: the row's list is none */
};

static int is_list(const struct adopting *a, uint32_t row)
{
    const struct query_neighbours *g = a->g;
    const int64_t *list = g->list + (size_t)row * g->k;
    const size_t others = g->n - 1, due = g->k < others ? g->k : others;
    struct base_topk_entry before = { -1, 0 };

    if (g->count[row] < 0 || (size_t)g->count[row] != due) return 0;
    for (size_t i = 0; i < due; i++) {
        const uint32_t node = index_find_prepared(a->state, list[i]);
        struct base_topk_entry at = { 0, list[i] };

        if (node == INDEX_NONE || node == a->node[row]) return 0;
        at.key = index_key(a->state, a->node[row], node);
        if (!base_topk_less(&before, &at) || metric_distance(&a->state->metric, at.key) != g->distance[(size_t)row * g->k + i]) return 0;
        before = at;
    }
    return 1;
}

static void check_lists(void *ctx, size_t begin, size_t end, int thread)
{
    struct adopting *a = ctx;

    (void)thread;
    for (size_t row = begin; row < end; row++) a->bad[row] = !is_list(a, (uint32_t)row);
}

int query_neighbours_adopt(struct query_neighbours *neighbours, size_t k, const struct index_state *state, const uint32_t *node,
                           const int64_t *list, const double *distance, const int32_t *count, const struct base_env *env, struct pcct_error *err)
{
    struct query_neighbours *g = neighbours;
    struct adopting adopting = { g, state, node, NULL };
    int status = 0;

    TRY(query_neighbours_rows(g, k, state, node, env, err));
    TRY(base_take(&adopting.bad, env, g->n, sizeof *adopting.bad, err));
    for (size_t row = 0; row < g->n; row++) g->count[row] = count[row];
    for (size_t i = 0; i < g->n * k; i++) {
        const int used = count[i / k] >= 0 && i % k < (size_t)count[i / k];

        g->list[i] = used ? list[i] : -1;
        g->distance[i] = used ? distance[i] : (double)INFINITY;
    }
    base_par_for(env, g->n, GRAIN, check_lists, &adopting);
    for (uint32_t row = 0; row < g->n; row++) {
        if (adopting.bad[row]) {
            TRY(base_fail(err, PCCT_E_INVALID, "the neighbours of label %" PRId64 " are not those of this version; make the graph anew",
                          g->label[row]));
        }
        query_neighbours_limit(g, state, node[row], row);
    }
done:
    base_free(env, adopting.bad);
    return status;
}
