/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/bulk.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"
#include "index/rows.h"

#include <string.h>

/* Shares of the work. */
#define START 0.02
#define LAYOUT 0.12
#define STEP 0.4
#define ALL_STEPS 0.95

enum { FEW = 256, LEAST = 4096, SPREAD_MAX = 8, FILL = 64, GRAIN = 4096 };

void tree_bulk_seat(const struct tree_bulk *bulk, uint32_t node, uint32_t parent, double key)
{
    const struct metric *metric = &bulk->state->metric;
    const struct index_row row = { 0, metric_inner(metric, key), parent, tree_level_of(metric, key), 0 };

    index_row_put(bulk->state, node, &row);
}

int tree_bulk_lay_out(struct block_layout *layout, const struct tree_bulk *bulk, const uint32_t *node, size_t n, struct pcct_error *err)
{
    return block_build(layout, &bulk->source, node, n, FILL, err);
}

/* ---- the rest ----------------------------------------------------------------------------------------------------------------------------- */

/* The rest is settled in a state of its own, by prefixes. */
struct rest {
    struct tree_bulk *bulk;
    struct index_state state;
    struct base_pair *pair;   /* by number in the rest: node; then by turn: number */
    uint32_t *node, *order;
    double *points;
    int64_t *labels;
};

/* Numbers ascend with nodes, so that ties fall as they do among nodes. */
static int number_rest(struct rest *rest, struct pcct_error *err)
{
    const struct tree_bulk *bulk = rest->bulk;
    const struct base_env *env = bulk->state->env;
    size_t n = bulk->n_left, dim = bulk->state->metric.input_dim;
    int status = 0;

    TRY(base_take(&rest->pair, env, n, sizeof *rest->pair, err));
    TRY(base_take(&rest->node, env, n, sizeof *rest->node, err));
    TRY(base_take(&rest->order, env, n, sizeof *rest->order, err));
    TRY(base_take(&rest->points, env, n * dim, sizeof *rest->points, err));
    TRY(base_take(&rest->labels, env, n, sizeof *rest->labels, err));
    for (size_t i = 0; i < n; i++) rest->pair[i] = (struct base_pair){ bulk->left[i], 0 };
    TRY(base_sort_pairs(rest->pair, n, env, err));
    for (size_t i = 0; i < n; i++) {
        rest->node[i] = (uint32_t)rest->pair[i].key;
        rest->labels[i] = (int64_t)i;
        memcpy(rest->points + i * dim, index_points(bulk->state) + rest->node[i] * dim, dim * sizeof(double));
        rest->pair[i] = (struct base_pair){ bulk->turn[rest->node[i]], i };
    }
    TRY(base_sort_pairs(rest->pair, n, env, err));
    for (size_t i = 0; i < n; i++) rest->order[i] = (uint32_t)rest->pair[i].value;
done:
    return status;
}

static int settle_rest(struct tree_bulk *bulk, struct pcct_error *err)
{
    struct rest rest = { .bulk = bulk };
    struct tree_batch batch = { .builder = TREE_BY_PREFIXES, .route = bulk->batch->route };
    const struct base_env *env = bulk->state->env;
    int status = 0;

    index_init(&rest.state, env, &bulk->state->metric, bulk->state->seed);
    TRY(number_rest(&rest, err));
    TRY(index_append(&rest.state, rest.points, rest.labels, bulk->n_left, err));
    TRY(tree_settle(&rest.state, rest.order, bulk->n_left, &batch, err));
    for (uint32_t i = 0; i < rest.state.n; i++) {
        struct index_row row = index_row_get(&rest.state, i);

        if (row.parent != INDEX_NONE) row.parent = rest.node[row.parent];
        index_row_put(bulk->state, rest.node[i], &row);
    }
done:
    index_free(&rest.state);
    base_free(env, rest.labels);
    base_free(env, rest.points);
    base_free(env, rest.order);
    base_free(env, rest.node);
    base_free(env, rest.pair);
    return status;
}

/* ---- from scale to scale ------------------------------------------------------------------------------------------------------------------ */

/* Steps become shorter: each is taken to be a part of what remains. */
static struct base_span begin_step(struct tree_bulk *bulk)
{
    double from = bulk->done;

    bulk->done += STEP * (ALL_STEPS - from);
    base_watch_part(bulk->state->env, bulk->span, from, bulk->done);
    return base_watch_span(bulk->state->env);
}

/* Those that a step has settled are a sub-batch. */
static int end_step(const struct tree_bulk *bulk, size_t before, struct pcct_error *err)
{
    const struct base_env *env = bulk->state->env;
    int status = 0;

    TRY(base_watch_check(env, err));
    if (before > bulk->n_left) TRY(base_watch_sub_batch(env, before - bulk->n_left, err));
done:
    return status;
}

/* Whether the next scale is too dense to be joined, as far as the last look tells: `before` were left then. */
static int is_dense(const struct tree_outlook *outlook, const struct tree_bulk *bulk, size_t before)
{
    return outlook->scale == bulk->scale && outlook->next * ((double)bulk->n_left / (double)before) > TREE_BULK_FEW;
}

/* Up while it pays. What is left when it does not, or has become few, is settled by prefixes. */
static int climb(struct tree_bulk *bulk, struct tree_outlook *outlook, struct block_layout *scratch, struct pcct_error *err)
{
    size_t before = bulk->n;
    int status = 0, over = 0;

    while (bulk->n_left > FEW) {
        int dense = is_dense(outlook, bulk, before);
        struct base_span step = begin_step(bulk);

        if (!dense) {
            base_watch_part(bulk->state->env, step, 0, 0.2);
            TRY(tree_bulk_lay_out(scratch, bulk, bulk->left, bulk->n_left, err));
            TRY(tree_bulk_look(outlook, bulk, scratch, err));
            base_watch_part(bulk->state->env, step, 0.2, 1);
        }
        before = bulk->n_left;
        if (dense || outlook->scale <= bulk->scale) {
            TRY(tree_bulk_rounds(bulk, err));
            TRY(end_step(bulk, before, err));
            if (bulk->n_left > before - before / 8) break;
        } else {
            TRY(tree_bulk_join(&over, bulk, scratch, outlook, err));
            if (over) break;
            TRY(end_step(bulk, before, err));
        }
    }
    base_watch_part(bulk->state->env, bulk->span, bulk->done, ALL_STEPS);
    TRY(settle_rest(bulk, err));
done:
    return status;
}

struct starting {
    struct tree_bulk *bulk;
    const uint32_t *order;
};

static void clear_turns(void *ctx, size_t begin, size_t end, int thread)
{
    const struct starting *work = ctx;

    (void)thread;
    for (size_t node = begin; node < end; node++) work->bulk->turn[node] = INDEX_NONE;
}

static void give_turns(void *ctx, size_t begin, size_t end, int thread)
{
    const struct starting *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) work->bulk->turn[work->order[i]] = (uint32_t)i;
}

/* Nodes ascending at first: so their coordinates are read in order. */
static int start(struct tree_bulk *bulk, const uint32_t *order, struct pcct_error *err)
{
    const struct base_env *env = bulk->state->env;
    struct starting work = { bulk, order };
    size_t threads = (size_t)base_par_threads(env);
    int status = 0;

    TRY(base_take(&bulk->turn, env, bulk->state->n, sizeof *bulk->turn, err));
    TRY(base_take(&bulk->left, env, bulk->n, sizeof *bulk->left, err));
    TRY(base_take_zero(&bulk->pair, env, threads, sizeof *bulk->pair, err));
    for (size_t t = 0; t < threads; t++) bulk->pair[t].item_bytes = sizeof(struct tree_bulk_pair);
    bulk->grouped.item_bytes = sizeof(struct tree_pair);
    base_par_for(env, bulk->state->n, GRAIN, clear_turns, &work);
    base_par_for(env, bulk->n, GRAIN, give_turns, &work);
    for (uint32_t node = 0; node < bulk->state->n; node++) {
        if (bulk->turn[node] != INDEX_NONE) bulk->left[bulk->n_left++] = node;
    }
done:
    return status;
}

static void finish(struct tree_bulk *bulk)
{
    const struct base_env *env = bulk->state->env;

    for (int t = 0; bulk->pair && t < base_par_threads(env); t++) base_vector_free(&bulk->pair[t], env);
    base_free(env, bulk->pair);
    base_vector_free(&bulk->grouped, env);
    base_arena_free(&bulk->arena);
    base_free(env, bulk->left);
    base_free(env, bulk->turn);
}

/* Nearest neighbours over many scales, or many equal points: prefixes do better. */
static int worth_it(const struct tree_outlook *outlook, const struct tree_batch *batch)
{
    return batch->builder == TREE_BY_SCALES || (outlook->sparse && outlook->spread <= SPREAD_MAX);
}

int tree_bulk_settle(int *taken, struct index_state *state, const uint32_t *order, size_t n, const struct tree_batch *batch, struct pcct_error *err)
{
    struct tree_bulk bulk = { .state = state, .batch = batch, .span = base_watch_span(state->env), .done = LAYOUT, .n = n,
                              .source = { index_places(state), index_label(state), NULL, NULL, state->n }, .scale = METRIC_LEVEL_MIN - 1,
                              .arena = { .env = state->env } };
    struct block_layout layout, scratch;
    struct tree_outlook outlook;
    int status = 0, over = 0;

    *taken = 0;
    block_init(&layout, state->env, &state->metric);
    layout.rotates = 1; /* it becomes the state's */
    block_keep_rows(&layout);
    block_init(&scratch, state->env, &state->metric);
    if (batch->builder == TREE_BY_PREFIXES || (n < LEAST && batch->builder != TREE_BY_SCALES)) goto done;
    base_watch_part(state->env, bulk.span, 0, START);
    TRY(start(&bulk, order, err));
    base_watch_stage(state->env, BASE_STAT_layout_seconds);
    base_watch_part(state->env, bulk.span, START, LAYOUT);
    TRY(tree_bulk_lay_out(&layout, &bulk, bulk.left, n, err));
    begin_step(&bulk);
    TRY(base_watch_check(state->env, err));
    TRY(tree_bulk_look(&outlook, &bulk, &layout, err));
    if (!worth_it(&outlook, batch)) goto done;
    TRY(tree_bulk_join(&over, &bulk, &layout, &outlook, err));
    if (over) goto done;
    *taken = 1;
    TRY(end_step(&bulk, n, err));
    TRY(climb(&bulk, &outlook, &scratch, err));
    base_watch_stage(state->env, BASE_STAT_attach_seconds);
    base_watch_part(state->env, bulk.span, ALL_STEPS, 1);
    TRY(index_rows_found(state, &layout, err));
done:
    for (size_t i = 0; status != 0 && i < n; i++) index_row_put(state, order[i], &(struct index_row){ 0, 0, INDEX_NONE, INDEX_LEVEL_FREE, 0 });
    finish(&bulk);
    block_free(&scratch);
    block_free(&layout);
    return status;
}
