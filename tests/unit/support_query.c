/* SPDX-License-Identifier: Apache-2.0 */
#include "support_query.h"

#include <stdlib.h>
#include <string.h>

void support_scene_start(struct support_scene *scene, const char *metric, uint32_t dim, enum support_kind kind, size_t n, size_t n_dead)
{
    struct pcct_error err = { 0, "" };
    struct support_batch batch;
    struct base_random random;
    struct tree_batch removal;
    uint32_t *dead = NULL;

    support_env_start(&scene->env, 1);
    support_ok(metric_init(&scene->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    index_init(&scene->state, &scene->env.env, &scene->metric, 3);
    support_batch_start(&batch, &scene->metric, kind, 0, n, NULL, 0, 21);
    for (size_t i = 0; i < n; i++) batch.labels[i] = (int64_t)(i * 7919 % n) - 20;
    for (size_t i = 0; i < n; i++) batch.labels[i] -= batch.labels[i] <= -1; /* -1 is no label */
    support_plan(&scene->state, &batch.tree);
    support_batch_free(&batch);
    base_random_seed(&random, 4);
    removal = (struct tree_batch){ .n_delete = support_pick_nodes(&dead, &scene->state, SUPPORT_PICK_ANY, n_dead, &random) };
    removal.dead = dead;
    support_plan(&scene->state, &removal);
    free(dead);
}

void support_scene_finish(struct support_scene *scene)
{
    index_free(&scene->state);
    support_env_finish(&scene->env);
}

void support_scene_queries(double *queries, uint32_t *node, const struct support_scene *scene, enum support_kind kind, size_t nq)
{
    const struct index_state *state = &scene->state;
    double *outside = calloc(nq * scene->metric.input_dim + 1, sizeof *outside);

    assert_non_null(outside);
    support_kind_points(outside, &scene->metric, kind, 5000, nq, 77);
    metric_embed(queries, &scene->metric, outside, nq);
    for (size_t i = 0; i < nq && state->n > 0; i++) {
        node[i] = (uint32_t)(i * 31 % state->n);
        while (!index_is_live(state, node[i])) node[i] = (node[i] + 1) % state->n;
        if (i % 2) memcpy(queries + i * scene->metric.dim, index_place(state, node[i]), scene->metric.dim * sizeof(double));
    }
    free(outside);
}

static int compare(const void *a, const void *b)
{
    return base_topk_less(a, b) ? -1 : base_topk_less(b, a);
}

size_t support_scene_all(struct base_topk_entry *entry, const struct support_scene *scene, const struct support_rule *rule, const double *q,
                         uint32_t self, uint32_t node)
{
    const struct index_state *state = &scene->state;
    size_t n = 0;

    for (uint32_t y = 0; y < state->n; y++) {
        if (!index_is_live(state, y) || y == self) continue;
        if (rule && rule->allowed && !rule->allowed[y]) continue;
        if (rule && rule->rank && rule->rank[y] >= rule->rank[node]) continue;
        entry[n++] = (struct base_topk_entry){ support_key(q, index_place(state, y), state->metric.sum, state->metric.dim), index_label(state)[y] };
    }
    qsort(entry, n, sizeof *entry, compare);
    return n;
}
