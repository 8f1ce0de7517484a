/* SPDX-License-Identifier: Apache-2.0 */
#include "index/renumber.h"

#include "base/error.h"
#include "base/par.h"
#include "index/digest.h"
#include "index/labels.h"
#include "index/rows.h"

#include <assert.h>
#include <string.h>

enum { GRAIN = 4096, FEW_DEAD = 1024 };

int index_renumber_due(const struct index_state *state)
{
    uint32_t dead = state->n - state->n_live;

    return dead > FEW_DEAD && dead > state->n_live;
}

struct renumbering {
    const struct index_state *state;
    uint32_t *map;                          /* [n] new numbers of old rows; INDEX_NONE: dead */
    uint32_t *old;                          /* [n_live] and back */
    struct base_buffer array[INDEX_ARRAYS]; /* as in the state, over the live rows */
};

static void make_map(struct renumbering *r)
{
    uint32_t n = 0;

    for (uint32_t node = 0; node < r->state->n; node++) {
        assert(index_level(r->state)[node] != INDEX_LEVEL_FREE);
        r->map[node] = index_is_live(r->state, node) ? n : INDEX_NONE;
        if (r->map[node] != INDEX_NONE) r->old[n++] = node;
    }
    assert(n == r->state->n_live);
}

static int names_rows(int array) { return array == INDEX_PARENT || array == INDEX_CHILD || array == INDEX_NEXT; }

/* What a live row names is live (T2, T4). Numbers keep their order, so lists stay in theirs. */
static void move_names(struct renumbering *r, int array, size_t begin, size_t end)
{
    const uint32_t *from = r->state->array[array].data;
    uint32_t *to = r->array[array].data;

    for (size_t i = begin; i < end; i++) {
        uint32_t named = from[r->old[i]];

        to[i] = named == INDEX_NONE ? INDEX_NONE : r->map[named];
        assert(named == INDEX_NONE || to[i] != INDEX_NONE);
    }
}

static void move_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct renumbering *r = ctx;

    (void)thread;
    for (int array = 1; array < INDEX_ARRAYS; array++) {
        size_t bytes = index_array_bytes(&r->state->metric, array);
        const char *from = r->state->array[array].data;
        char *to = r->array[array].data;

        if (names_rows(array)) {
            move_names(r, array, begin, end);
        } else if (bytes > 0) {
            for (size_t i = begin; i < end; i++) memcpy(to + i * bytes, from + r->old[i] * bytes, bytes);
        }
    }
}

/* Nothing fails from here on. */
static void take_over(struct index_state *state, struct renumbering *r)
{
    struct base_buffer swap;

    for (int array = 1; array < INDEX_ARRAYS; array++) {
        swap = state->array[array];
        state->array[array] = r->array[array];
        r->array[array] = swap;
    }
    index_labels_free(state);
    state->n = state->n_live;
    if (state->root != INDEX_NONE) state->root = r->map[state->root];
    memset(state->digest, 0, sizeof state->digest);
    index_digest_rows(state->digest, state, 0, state->n);
}

int index_renumber(struct index_state *state, struct pcct_error *err)
{
    struct renumbering r = { .state = state };
    int status = 0;

    assert(!state->frame);
    TRY(base_take(&r.map, state->env, state->n, sizeof *r.map, err));
    TRY(base_take(&r.old, state->env, state->n_live, sizeof *r.old, err));
    for (int array = 1; array < INDEX_ARRAYS; array++) {
        size_t bytes = index_array_bytes(&state->metric, array) * state->n_live;

        if (bytes > 0) TRY(base_buffer_beside(&r.array[array], &state->array[array], state->env, bytes, err));
    }
    make_map(&r);
    base_par_for(state->env, state->n_live, GRAIN, move_rows, &r);
    if (!metric_is_custom(&state->metric)) TRY(block_renumber(&state->layout, r.map, state->n_live, err));
    take_over(state, &r);
done:
    for (int array = 1; array < INDEX_ARRAYS; array++) base_buffer_free(&r.array[array], state->env);
    base_free(state->env, r.old);
    base_free(state->env, r.map);
    return status;
}
