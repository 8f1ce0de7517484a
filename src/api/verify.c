/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include "base/memory.h"
#include "base/random.h"
#include "query/knn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE = 1000, NEIGHBOURS = 10 };

struct verification {
    const struct index_state *state;
    struct base_env env;
    size_t sample, k;
    uint32_t *node;        /* the sample */
    double *place;
    int64_t *label, *brute_label;
    double *distance, *brute_distance;
};

/* `sample` distinct live nodes (Floyd would need a set; a partial shuffle of the live nodes is as fair). */
static int choose(struct verification *v, uint64_t seed, struct pcct_error *err)
{
    const struct index_state *state = v->state;
    size_t dim = state->metric.dim, n = 0;
    struct base_random random;
    uint32_t *live = NULL;
    int status = 0;

    TRY(base_take(&live, &v->env, state->n_live, sizeof *live, err));
    for (uint32_t node = 0; node < state->n; node++) {
        if (index_is_live(state, node)) live[n++] = node;
    }
    base_random_seed(&random, seed);
    for (size_t i = 0; i < v->sample; i++) {
        size_t j = i + (size_t)base_random_below(&random, n - i);
        uint32_t swap = live[i];

        live[i] = live[j];
        live[j] = swap;
        v->node[i] = live[i];
        memcpy(v->place + i * dim, index_place(state, live[i]), dim * sizeof *v->place);
    }
done:
    base_free(&v->env, live);
    return status;
}

static int take(struct verification *v, struct pcct_error *err)
{
    size_t cells = v->sample * v->k;
    int status = 0;

    TRY(base_take(&v->node, &v->env, v->sample, sizeof *v->node, err));
    TRY(base_take(&v->place, &v->env, v->sample * v->state->metric.dim, sizeof *v->place, err));
    TRY(base_take(&v->label, &v->env, cells, sizeof *v->label, err));
    TRY(base_take(&v->brute_label, &v->env, cells, sizeof *v->brute_label, err));
    TRY(base_take(&v->distance, &v->env, cells, sizeof *v->distance, err));
    TRY(base_take(&v->brute_distance, &v->env, cells, sizeof *v->brute_distance, err));
done:
    return status;
}

static void compare(struct pcct_verify_result *result, const struct verification *v)
{
    for (size_t i = 0; i < v->sample * v->k; i++) {
        if (v->label[i] == v->brute_label[i] && memcmp(&v->distance[i], &v->brute_distance[i], sizeof(double)) == 0) continue;
        if (result->differences++ > 0) continue;
        snprintf(result->first, sizeof result->first,
                 "query point %" PRId64 ", neighbour %zu: index says %" PRId64 " at %.17g, brute force %" PRId64 " at %.17g",
                 index_label(v->state)[v->node[i / v->k]], i % v->k + 1, v->label[i], v->distance[i], v->brute_label[i], v->brute_distance[i]);
    }
}

static int check_tree(struct pcct_verify_result *result, const struct index_state *state, struct pcct_error *err)
{
    struct pcct_error fault = { 0 };
    int status = index_check(state, &fault);

    if (status == PCCT_E_DAMAGED) {
        result->violations = 1;
        if (!result->first[0]) snprintf(result->first, sizeof result->first, "%.250s", fault.message);
        return 0;
    }
    return status == 0 ? 0 : base_fail(err, status, "%s", fault.message);
}

int pcct_verify(struct pcct_verify_result *out, const pcct_view *view, const struct pcct_verify_options *options, struct pcct_error *err)
{
    struct pcct_verify_options o;
    struct pcct_verify_result result = { 0 };
    struct verification v = { .state = &view->state };
    struct metric_calls calls;
    struct index_state reader;
    struct query_batch batch;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_verify", err));
    if (o.threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o.threads));
    base_env_init(&v.env, view->state.env->os, o.threads);
    v.env.memory = view->state.env->memory;
    if (metric_is_custom(&view->state.metric)) {
        api_reader(&reader, &calls, &view->state);
        v.state = &reader;
    }
    v.sample = o.sample ? o.sample : SAMPLE;
    if (v.sample > view->state.n_live) v.sample = view->state.n_live;
    if (!metric_has_keys(&view->state.metric)) v.sample = 0;
    result.structure_only = !metric_has_keys(&view->state.metric);
    v.k = o.k ? o.k : NEIGHBOURS;
    if (v.k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", v.k, INT32_MAX));
    result.queries = v.sample;
    result.k = v.k;
    TRY(take(&v, err));
    if (v.sample > 0) TRY(choose(&v, o.seed, err));
    batch = (struct query_batch){ .queries = v.place, .nq = v.sample, .k = v.k };
    TRY(query_knn(v.label, v.distance, NULL, v.state, &batch, &v.env, NULL, err));
    TRY(query_brute(v.brute_label, v.brute_distance, NULL, v.state, &batch, &v.env, err));
    compare(&result, &v);
    if (o.tree >= 0) TRY(check_tree(&result, v.state, err));
    if (api_result_write(out, &result, sizeof result) != 0) TRY(base_fail(err, PCCT_E_INVALID, "pcct_verify: set the result's size to sizeof first"));
done:
    base_free(&v.env, v.node);
    base_free(&v.env, v.place);
    base_free(&v.env, v.label);
    base_free(&v.env, v.brute_label);
    base_free(&v.env, v.distance);
    base_free(&v.env, v.brute_distance);
    return status;
}
