/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include <stdlib.h>
#include <string.h>

void support_index_start(struct support_index *s, const char *metric, uint32_t dim, int threads)
{
    struct pcct_error err = { 0, "" };

    support_env_start(&s->support, threads);
    if (strcmp(metric, "custom") == 0) support_custom_start(&s->custom, &s->metric, SUPPORT_PLAIN, dim, 1);
    else support_ok(metric_init(&s->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    support_tree_start(&s->tree, &s->metric, 7);
    index_init(&s->state, &s->support.env, &s->metric, 7);
}

void support_index_free(struct support_index *s)
{
    index_free(&s->state);
    support_tree_free(&s->tree);
    support_env_finish(&s->support);
}

/* Every node that is not where the naive tree has it. */
static int attach_all(struct index_state *state, const struct support_tree *tree, struct pcct_error *err)
{
    struct index_seat *seats = calloc((size_t)state->n + 1, sizeof *seats);
    size_t n = 0;
    int status;

    assert_non_null(seats);
    for (uint32_t i = 0; i < state->n; i++) {
        int moved = index_parent(state)[i] != tree->parent[i] || index_level(state)[i] == INDEX_LEVEL_FREE;

        if (tree->level[i] != INDEX_LEVEL_DEAD && moved) seats[n++] = (struct index_seat){ i, tree->parent[i], tree->level[i] };
    }
    status = index_attach(state, seats, n, err);
    free(seats);
    return status;
}

static int raise_all(struct index_state *state, struct pcct_error *err)
{
    int status = 0;

    for (uint32_t i = 0; i < state->n; i++) {
        for (uint32_t a = index_parent(state)[i]; a != INDEX_NONE; a = index_parent(state)[a]) {
            TRY(index_raise_radius(state, a, metric_inner(&state->metric, index_key(state, a, i)), err));
        }
    }
    TRY(index_settle_root(state, err));
done:
    return status;
}

int support_index_follow(struct index_state *state, const struct support_tree *tree, const struct tree_batch *batch, int steps,
                         struct pcct_error *err)
{
    int status = 0;

    TRY(index_bury(state, batch->dead, batch->n_delete, err));
    if (steps >= 2) TRY(index_append(state, batch->points, batch->labels, batch->n_insert, err));
    if (steps >= 3) TRY(attach_all(state, tree, err));
    if (steps >= 4) TRY(raise_all(state, err));
done:
    return status;
}

void support_index_batch(struct support_index *s, struct index_frame *frame, enum support_kind kind, size_t n, enum support_pick pick, size_t n_dead,
                         struct base_random *random)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    uint32_t *dead = NULL;
    size_t buried = n_dead > 0 ? support_pick_nodes(&dead, &s->state, pick, n_dead, random) : 0;

    support_batch_start(&batch, &s->metric, kind, s->state.n, n, dead, buried, 3);
    support_tree_update(&s->tree, &batch.tree);
    if (frame) index_frame_begin(frame, &s->state);
    support_ok(support_index_follow(&s->state, &s->tree, &batch.tree, 4, &err), &err);
    if (frame) support_ok(index_frame_seal(frame, &s->state, &err), &err);
    support_batch_free(&batch);
    free(dead);
}

void support_index_sound(struct index_state *state)
{
    struct pcct_error err = { 0, "" };

    support_ok(index_check(state, &err), &err);
}
