/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/update.h"

#include "base/error.h"
#include "base/par.h"
#include "base/random.h"
#include "base/sort.h"
#include "base/watch.h"
#include "index/search.h"
#include "tree/radius.h"
#include "tree/remove.h"
#include "tree/settle.h"

#include <assert.h>

enum { GRAIN = 4096 };

struct ordering {
    const struct index_state *state;
    uint32_t first;
    struct base_pair *pair;
    uint32_t *order;
};

static void give_priorities(void *ctx, size_t begin, size_t end, int thread)
{
    const struct ordering *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = work->first + (uint32_t)i;

        work->pair[i] = (struct base_pair){ base_priority(work->state->seed, node), node };
    }
}

static void list_nodes(void *ctx, size_t begin, size_t end, int thread)
{
    const struct ordering *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) work->order[i] = (uint32_t)work->pair[i].value;
}

/* The new rows first .. first + n - 1 in priority order. */
static int insertion_order(uint32_t **order, const struct index_state *state, uint32_t first, size_t n, struct pcct_error *err)
{
    struct ordering work = { state, first, NULL, NULL };
    int status = 0;

    TRY(base_take(&work.pair, state->env, n, sizeof *work.pair, err));
    TRY(base_take(order, state->env, n, sizeof **order, err));
    work.order = *order;
    base_par_for(state->env, n, GRAIN, give_priorities, &work);
    TRY(base_sort_pairs(work.pair, n, state->env, err));
    base_par_for(state->env, n, GRAIN, list_nodes, &work);
done:
    base_free(state->env, work.pair);
    return status;
}

/* The new rows as they stand in the layout, when they are most of it: neighbours climb to the same ancestors one after the other. */
static void order_by_layout(uint32_t *order, const struct index_state *state, uint32_t first, size_t n)
{
    const struct block_link *block = state->layout.block.data;
    const uint32_t *node = state->layout.node.data;
    size_t count = 0;

    if (state->layout.entries > 2 * n) return;
    for (uint32_t b = 0; b < state->layout.blocks; b++) {
        for (uint32_t lane = 0; lane < block[b].count; lane++) {
            if (node[b * METRIC_LANES + lane] >= first) order[count++] = node[b * METRIC_LANES + lane];
        }
    }
    assert(count == n);
}

static int insert(struct index_state *state, const struct tree_batch *batch, struct pcct_error *err)
{
    const struct base_env *env = state->env;
    struct base_span span = base_watch_span(env);
    uint32_t first = state->n, *order = NULL;
    int status = 0;

    if (batch->n_insert == 0) goto done;
    if (batch->n_insert > (size_t)INDEX_NONE - 1 - first) {
        TRY(base_fail(err, PCCT_E_LIMIT, "a store holds at most 4294967294 rows; %u are there and %zu were to be added", first, batch->n_insert));
    }
    base_watch_stage(env, BASE_STAT_attach_seconds);
    base_watch_part(env, span, 0, 0.03);
    TRY(index_append(state, batch->points, batch->labels, batch->n_insert, err));
    base_watch_stage(env, BASE_STAT_order_seconds);
    base_watch_part(env, span, 0.03, 0.05);
    TRY(insertion_order(&order, state, first, batch->n_insert, err));
    base_watch_part(env, span, 0.05, 0.9);
    TRY(tree_settle(state, order, batch->n_insert, batch, err));
    base_watch_stage(env, BASE_STAT_radius_seconds);
    base_watch_part(env, span, 0.9, 1);
    if (!metric_is_custom(&state->metric)) {
        order_by_layout(order, state, first, batch->n_insert);
        TRY(tree_raise_radii(state, order, NULL, batch->n_insert, err));
    }
done:
    base_free(env, order);
    return status;
}

/* Deletes and inserts are taken to cost the same. */
int tree_update(struct index_state *state, const struct tree_batch *batch, struct pcct_error *err)
{
    struct base_span span = base_watch_span(state->env);
    double all = (double)batch->n_delete + (double)batch->n_insert + 1; /* a batch may be empty */
    double half = (double)batch->n_delete / all;
    int status = 0;

    base_watch_part(state->env, span, 0, half);
    TRY(tree_remove(state, batch, err));
    base_watch_part(state->env, span, half, 1);
    TRY(base_watch_check(state->env, err));
    TRY(index_calls_check(state, NULL, 0, err)); /* before rows are added, which may move those that it names */
    TRY(insert(state, batch, err));
    TRY(base_watch_check(state->env, err));
    TRY(index_settle_root(state, err));
    TRY(index_calls_check(state, NULL, 0, err));
done:
    return status;
}
