/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/remove.h"

#include "base/par.h"
#include "base/random.h"
#include "base/sort.h"
#include "tree/radius.h"
#include "tree/settle.h"

#include <stdlib.h>
#include <string.h>

struct removal {
    struct index_state *state;
    const struct tree_batch *batch;
    uint32_t *dead;             /* ascending */
    uint32_t *heir;             /* by position in dead: the twin that takes over, or INDEX_NONE */
    size_t n;
    struct base_vector seat;    /* struct index_seat: heirs and the children that they take on */
    struct base_vector heir_radius; /* double, one for each heir, in the order of dead */
    struct base_vector orphan;  /* struct base_pair: key = place in the order, value = node */
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Position in dead, or n. */
static size_t position(const struct removal *r, uint32_t node)
{
    size_t low = 0, high = r->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (r->dead[middle] < node) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < r->n && r->dead[low] == node ? low : r->n;
}

static int is_dead(const struct removal *r, uint32_t node)
{
    return position(r, node) < r->n;
}

/* The least-numbered live twin in the same place. Twins stand last in a list, node descending. */
static uint32_t heir_of(const struct removal *r, uint32_t node)
{
    const struct index_state *state = r->state;
    size_t bytes = state->metric.dim * sizeof(double);
    uint32_t heir = INDEX_NONE;

    if (index_level(state)[node] == INDEX_LEVEL_TWIN) return INDEX_NONE;
    for (uint32_t c = index_child(state)[node]; c != INDEX_NONE; c = index_next(state)[c]) {
        if (index_level(state)[c] != INDEX_LEVEL_TWIN || is_dead(r, c)) continue;
        if (memcmp(index_place(state, c), index_place(state, node), bytes) == 0) heir = c;
    }
    return heir;
}

static void find_heirs(void *ctx, size_t begin, size_t end, int thread)
{
    struct removal *r = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) r->heir[i] = heir_of(r, r->dead[i]);
}

/* Orphans by level descending, then priority; twins that have to find a place anew come last, by priority. */
static int add_orphan(struct removal *r, uint32_t node, int16_t level, struct pcct_error *err)
{
    uint64_t depth = level == INDEX_LEVEL_TWIN ? INDEX_LEVELS : (uint64_t)(INDEX_LEVELS - level);
    struct base_pair *pair = NULL;
    int status = 0;

    TRY(base_vector_add(&pair, &r->orphan, r->state->env, 1, err));
    *pair = (struct base_pair){ depth << 32 | base_priority(r->state->seed, node), node };
done:
    return status;
}

static int add_seat(struct removal *r, uint32_t node, uint32_t parent, int16_t level, struct pcct_error *err)
{
    struct index_seat *seat = NULL;
    int status = 0;

    TRY(base_vector_add(&seat, &r->seat, r->state->env, 1, err));
    *seat = (struct index_seat){ node, parent, level };
done:
    return status;
}

/* The heir's seat: where the dead node sat. Under a dead parent without an heir it waits there, at its new level, to be settled with the orphans. */
static int seat_heir(struct removal *r, size_t i, struct pcct_error *err)
{
    const struct index_state *state = r->state;
    uint32_t node = r->dead[i], parent = index_parent(state)[node];
    int16_t level = index_level(state)[node];
    size_t up = parent == INDEX_NONE ? r->n : position(r, parent);
    double *radius = NULL;
    int status = 0;

    TRY(base_vector_add(&radius, &r->heir_radius, state->env, 1, err));
    *radius = index_radius(state)[node];
    if (up < r->n && r->heir[up] != INDEX_NONE) {
        parent = r->heir[up];
    } else if (up < r->n) {
        TRY(add_orphan(r, r->heir[i], level, err));
    }
    TRY(add_seat(r, r->heir[i], parent, level, err));
done:
    return status;
}

/* What becomes of the live children of a dead node. An heir that is itself the child has its seat already. */
static int place_children(struct removal *r, size_t i, struct pcct_error *err)
{
    const struct index_state *state = r->state;
    uint32_t heir = r->heir[i];
    int status = 0;

    if (heir != INDEX_NONE) TRY(seat_heir(r, i, err));
    for (uint32_t c = index_child(state)[r->dead[i]]; c != INDEX_NONE; c = index_next(state)[c]) {
        int16_t level = index_level(state)[c];

        if (c == heir || is_dead(r, c)) continue;
        if (heir != INDEX_NONE && (level != INDEX_LEVEL_TWIN || !(index_key(state, c, heir) > 0))) {
            TRY(add_seat(r, c, heir, level, err));
        } else {
            TRY(add_orphan(r, c, level, err));
        }
    }
done:
    return status;
}

static int give_radii(struct removal *r, struct pcct_error *err)
{
    const double *radius = r->heir_radius.memory.data;
    size_t k = 0;
    int status = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (r->heir[i] != INDEX_NONE) TRY(index_set_radius(r->state, r->heir[i], radius[k++], err));
    }
done:
    return status;
}

/* A dead root's heir becomes the root before anything is settled. */
static int settle_orphans(struct removal *r, struct pcct_error *err)
{
    struct base_pair *pair = r->orphan.memory.data;
    const struct base_env *env = r->state->env;
    struct base_span span = base_watch_span(env);
    size_t n = r->orphan.count;
    uint32_t *order = NULL;
    double *radius = NULL;
    int status = 0;

    if (n == 0) goto done;
    TRY(base_sort_pairs(pair, n, env, err));
    TRY(base_take(&order, env, n, sizeof *order, err));
    TRY(base_take(&radius, env, n, sizeof *radius, err));
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)pair[i].value;
        radius[i] = tree_radius_below(r->state, order[i]);
    }
    base_watch_part(env, span, 0, 0.9);
    TRY(tree_settle(r->state, order, n, r->batch, err));
    base_watch_stage(env, BASE_STAT_radius_seconds);
    base_watch_part(env, span, 0.9, 1);
    if (!metric_is_custom(&r->state->metric)) TRY(tree_raise_radii(r->state, order, radius, n, err));
done:
    base_free(env, order);
    base_free(env, radius);
    return status;
}

int tree_remove(struct index_state *state, const struct tree_batch *batch, struct pcct_error *err)
{
    struct removal r = { .state = state, .batch = batch, .n = batch->n_delete };
    struct base_span span = base_watch_span(state->env);
    int status = 0;

    base_watch_stage(state->env, BASE_STAT_remove_seconds);
    r.seat.item_bytes = sizeof(struct index_seat);
    r.heir_radius.item_bytes = sizeof(double);
    r.orphan.item_bytes = sizeof(struct base_pair);
    if (r.n == 0) goto done;
    base_watch_part(state->env, span, 0, 0.1);
    TRY(base_take(&r.dead, state->env, r.n, sizeof *r.dead, err));
    TRY(base_take(&r.heir, state->env, r.n, sizeof *r.heir, err));
    memcpy(r.dead, batch->dead, r.n * sizeof *r.dead);
    qsort(r.dead, r.n, sizeof *r.dead, by_number);
    base_par_for(state->env, r.n, 64, find_heirs, &r);
    for (size_t i = 0; i < r.n; i++) TRY(place_children(&r, i, err));
    base_watch_stage(state->env, BASE_STAT_attach_seconds);
    base_watch_part(state->env, span, 0.1, 0.3);
    TRY(index_bury(state, r.dead, r.n, err));
    TRY(index_attach(state, r.seat.memory.data, r.seat.count, err));
    TRY(give_radii(&r, err));
    base_watch_stage(state->env, BASE_STAT_remove_seconds);
    base_watch_part(state->env, span, 0.3, 1);
    TRY(settle_orphans(&r, err));
done:
    base_vector_free(&r.orphan, state->env);
    base_vector_free(&r.heir_radius, state->env);
    base_vector_free(&r.seat, state->env);
    base_free(state->env, r.heir);
    base_free(state->env, r.dead);
    return status;
}
