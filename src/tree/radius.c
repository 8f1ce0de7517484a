/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/radius.h"

#include "base/par.h"
#include "index/frame.h"
#include "metric/custom.h"

#include <float.h>

enum { GRAIN = 64, AHEAD = 6 };

struct raise {
    uint32_t node;
    double radius;
};

struct raising {
    struct index_state *state;
    const uint32_t *node;
    const double *below;        /* NULL: all 0 */
    uint32_t first_new;         /* rows from here on are of this commit: nobody needs their old values */
    struct base_vector *raise;  /* one list of struct raise for each thread: rows that are older */
    uint64_t memory;            /* 1: there was none left */
};

/*
 * Upper bound of the computed distance from an ancestor to anything within `below` of a point at distance `d`. Each computed distance is within a
 * relative (dim + 4) / 2 roundings of the true one and, where squares underflow, within 2^-530 absolutely, or, for keys that are no squares, within
 * dim roundings; the slack covers all three and the sum. Of a custom metric's distances it is known by promise how far they are from it.
 */
static double covering(double d, double below, const struct metric *metric)
{
    double slack = metric_is_custom(metric) ? 2 * METRIC_TRUST : 2 * DBL_EPSILON * (metric->dim + 8);

    return below > 0 ? (d + below) * (1 + slack) + 0x1p-520 : d;
}

static void raise_ancestors(struct raising *r, size_t i, int thread)
{
    struct index_state *state = r->state;
    double *radius = index_radius(state);
    uint32_t node = r->node[i];

    for (uint32_t a = index_parent(state)[node]; a != INDEX_NONE; a = index_parent(state)[a]) {
        double d = metric_inner(&state->metric, index_key(state, a, node));
        double reach = covering(d, r->below ? r->below[i] : 0, &state->metric);
        struct raise *raise = NULL;

        if (a >= r->first_new) {
            base_par_max(&radius[a], reach);
        } else if (reach > radius[a]) {
            if (base_vector_add(&raise, &r->raise[thread], state->env, 1, NULL) != 0) {
                base_par_add(&r->memory, 1);
                return;
            }
            *raise = (struct raise){ a, reach };
        }
    }
}

static void work(void *ctx, size_t begin, size_t end, int thread)
{
    struct raising *r = ctx;

    for (size_t i = begin; i < end; i++) {
        if (i + AHEAD < end) {
            __builtin_prefetch(&index_parent(r->state)[r->node[i + AHEAD]]);
            __builtin_prefetch(index_place(r->state, r->node[i + AHEAD]));
        }
        raise_ancestors(r, i, thread);
    }
}

int tree_raise_radii(struct index_state *state, const uint32_t *node, const double *below, size_t n, struct pcct_error *err)
{
    const struct base_env *env = state->env;
    struct raising r = { .state = state, .node = node, .below = below };
    int threads = base_par_threads(env), status = 0;

    r.first_new = state->frame ? state->frame->n_before : 0;
    TRY(base_take_zero(&r.raise, env, (size_t)threads, sizeof *r.raise, err));
    for (int t = 0; t < threads; t++) r.raise[t].item_bytes = sizeof(struct raise);
    base_par_for(env, n, GRAIN, work, &r);
    if (r.memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for the radii of a batch"));
    for (int t = 0; t < threads; t++) {
        const struct raise *raise = r.raise[t].memory.data;

        for (size_t i = 0; i < r.raise[t].count; i++) TRY(index_raise_radius(state, raise[i].node, raise[i].radius, err));
    }
done:
    for (int t = 0; r.raise && t < threads; t++) base_vector_free(&r.raise[t], env);
    base_free(env, r.raise);
    return status;
}

double tree_radius_below(const struct index_state *state, uint32_t node)
{
    double radius = index_radius(state)[node];

    return index_child(state)[node] != INDEX_NONE && !(radius > 0) ? 0x1p-530 : radius;
}
