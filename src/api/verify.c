/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include "base/memory.h"
#include "base/random.h"
#include "query/within.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 1000, NEIGHBOURS = 10, OTHERS = 100 };

struct answers {
    int64_t *label;
    double *distance, *bound;
    int32_t *count;
    uint64_t *number;      /* of all within a radius */
};

struct verification {
    const struct index_state *state;
    struct base_env env;
    struct pcct_verify_result result;
    size_t sample, k, others; /* others: of the sample, asked in the other ways */
    uint32_t *live;        /* all live nodes, the sample first, all in random order */
    uint8_t *chosen;       /* [state->n] a random half */
    struct answers index, brute;
};

static int take_answers(struct answers *answers, const struct verification *v, struct pcct_error *err)
{
    size_t cells = 0;
    int status = 0;

    if (__builtin_mul_overflow(v->sample, v->k, &cells)) cells = SIZE_MAX; /* is refused as too much */
    TRY(base_take(&answers->label, &v->env, cells, sizeof *answers->label, err));
    TRY(base_take(&answers->distance, &v->env, cells, sizeof *answers->distance, err));
    TRY(base_take(&answers->bound, &v->env, v->sample, sizeof *answers->bound, err));
    TRY(base_take(&answers->count, &v->env, v->sample, sizeof *answers->count, err));
    TRY(base_take(&answers->number, &v->env, v->sample, sizeof *answers->number, err));
done:
    return status;
}

static void free_answers(struct answers *answers, const struct base_env *env)
{
    base_free(env, answers->label);
    base_free(env, answers->distance);
    base_free(env, answers->bound);
    base_free(env, answers->count);
    base_free(env, answers->number);
}

static int choose(struct verification *v, uint64_t seed, struct pcct_error *err)
{
    const struct index_state *state = v->state;
    struct base_random random;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&v->live, &v->env, state->n_live, sizeof *v->live, err));
    TRY(base_take(&v->chosen, &v->env, state->n, sizeof *v->chosen, err));
    base_random_seed(&random, seed);
    for (uint32_t node = 0; node < state->n; node++) {
        if (index_is_live(state, node)) v->live[n++] = node;
        v->chosen[node] = (uint8_t)base_random_below(&random, 2);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        const size_t j = i + (size_t)base_random_below(&random, n - i);
        const uint32_t swap = v->live[i];

        v->live[i] = v->live[j];
        v->live[j] = swap;
    }
done:
    return status;
}

static void differ(struct verification *v, const char *kind, size_t i, const char *words, ...) __attribute__((format(printf, 4, 5)));

/* Notes a difference; the first in words. */
static void differ(struct verification *v, const char *kind, size_t i, const char *words, ...)
{
    struct pcct_verify_result *result = &v->result;
    char said[160];
    va_list list;

    if (result->differences++ > 0) return;
    va_start(list, words);
    vsnprintf(said, sizeof said, words, list);
    va_end(list);
    snprintf(result->first, sizeof result->first, "query point %" PRId64 ", %s: %s", index_label(v->state)[v->live[i]], kind, said);
}

static int same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void compare(struct verification *v, const char *kind, const struct query_batch *batch)
{
    const struct answers *a = &v->index, *b = &v->brute;

    for (size_t i = 0; i < batch->nq; i++) {
        for (size_t at = i * v->k; at < (i + 1) * v->k; at++) {
            if (a->label[at] == b->label[at] && same(a->distance[at], b->distance[at])) continue;
            differ(v, kind, i, "place %zu: index says %" PRId64 " at %.17g, brute force %" PRId64 " at %.17g", at - i * v->k + 1, a->label[at],
                   a->distance[at], b->label[at], b->distance[at]);
        }
        if (a->count[i] != b->count[i]) {
            differ(v, kind, i, "index finds %" PRId32 ", brute force %" PRId32, a->count[i], b->count[i]);
        }
        if (!same(a->bound[i], b->bound[i])) differ(v, kind, i, "index is closed at %.17g, brute force at %.17g", a->bound[i], b->bound[i]);
    }
}

/* The k nearest of a batch, among what its filter lets through. */
static int check_nearest(struct verification *v, const char *kind, struct query_batch *batch, struct pcct_error *err)
{
    int status = 0;

    batch->bounds = v->index.bound;
    TRY(query_knn(v->index.label, v->index.distance, v->index.count, v->state, batch, &v->env, NULL, err));
    batch->bounds = v->brute.bound;
    TRY(query_brute(v->brute.label, v->brute.distance, v->brute.count, v->state, batch, &v->env, err));
    compare(v, kind, batch);
done:
    return status;
}

static int check_filtered(struct verification *v, const char *kind, const struct query_rule *rule, struct pcct_error *err)
{
    struct query_filter filter = { .nodes = 0 };
    struct query_batch batch = { .node = v->live, .self = v->live, .nq = v->others, .k = v->k, .filter = &filter };
    int status = 0;

    TRY(query_filter_make(&filter, v->state, rule, &v->env, err));
    TRY(check_nearest(v, kind, &batch, err));
done:
    query_filter_free(&filter, &v->env);
    return status;
}

/* The first of what the index found within a radius, of which the numbers are right, against brute force. */
static void compare_within(struct verification *v, const struct query_found *found)
{
    static const char kind[] = "within a radius";
    const uint64_t *start = found->start.data;
    const int64_t *label = found->label.data; /* NULL when nothing was found */
    const double *distance = found->distance.data;
    const struct answers *b = &v->brute;

    for (size_t i = 0; i < found->nq; i++) {
        if (v->index.number[i] != b->number[i] || start[i + 1] - start[i] != b->number[i]) {
            differ(v, kind, i, "index finds %" PRIu64 " and counts %" PRIu64 ", brute force %" PRIu64, start[i + 1] - start[i], v->index.number[i],
                   b->number[i]);
            continue;
        }
        for (size_t j = 0; j < (size_t)b->count[i]; j++) {
            const size_t at = start[i] + j, right = i * v->k + j;

            if (label[at] == b->label[right] && same(distance[at], b->distance[right])) continue;
            differ(v, kind, i, "place %zu: index says %" PRId64 " at %.17g, brute force %" PRId64 " at %.17g", j + 1, label[at], distance[at],
                   b->label[right], b->distance[right]);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* How far off the last is that the index found for the i-th point; 0: it found none, not even the point. */
static double farthest(const struct verification *v, size_t i)
{
    const size_t count = (size_t)v->index.count[i];

    return count > 0 ? v->index.distance[i * v->k + count - 1] : 0;
}

/* Everything as near as the k-th neighbour of a point in the middle is to it, and how much that is. */
static int check_within(struct verification *v, struct pcct_error *err)
{
    struct query_found found = { .nq = 0 };
    struct query_batch batch = { .node = v->live, .nq = v->others, .k = v->k };
    double limit = 0;
    int status = 0;

    TRY(query_knn(v->index.label, v->index.distance, v->index.count, v->state, &batch, &v->env, NULL, err));
    for (size_t i = 0; i < v->others; i++) v->index.bound[i] = farthest(v, i);
    qsort(v->index.bound, v->others, sizeof *v->index.bound, ascending);
    limit = metric_limit(&v->state->metric, v->index.bound[v->others / 2]);
    batch.limit = &limit;
    TRY(query_brute(v->brute.label, v->brute.distance, v->brute.count, v->state, &batch, &v->env, err));
    batch.k = UINT32_MAX; /* all */
    query_count_brute(v->brute.number, v->state, &batch, &v->env);
    TRY(query_count(v->index.number, v->state, &batch, &v->env, NULL, err));
    TRY(query_within(&found, v->state, &batch, &v->env, NULL, err));
    compare_within(v, &found);
done:
    query_found_free(&found, &v->env);
    return status;
}

/* A level of which about half of the nodes are in the net, or are not. */
static int middle_level(const struct index_state *state)
{
    uint64_t above = 0;
    int level = INDEX_LEVELS - 1;

    for (; level > 1 && above < state->n_live / 2; level--) above += state->level_count[level];
    return level - INDEX_LEVEL_BIAS;
}

static int check_others(struct verification *v, struct pcct_error *err)
{
    const struct query_rule by_node = { .order = QUERY_ORDER_NODE }, by_label = { .order = QUERY_ORDER_LABEL };
    const struct query_rule net = { .by_level = 1, .level = middle_level(v->state) };
    const struct query_rule half = { .chosen = v->chosen, .order = QUERY_ORDER_GIVEN, .given = v->live };
    int status = 0;

    if (v->others == 0) return 0;
    TRY(check_within(v, err));
    TRY(check_filtered(v, "predecessors by node", &by_node, err));
    TRY(check_filtered(v, "predecessors by label", &by_label, err));
    TRY(check_filtered(v, "among a net", &net, err));
    TRY(check_filtered(v, "predecessors among a half in a random order", &half, err));
done:
    return status;
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
    v.others = v.sample / 10 > OTHERS ? v.sample / 10 : OTHERS;
    if (v.others > v.sample) v.others = v.sample;
    if (o.kinds < 0) v.others = 0;
    if (!metric_has_keys(&view->state.metric)) v.sample = v.others = 0;
    v.result.structure_only = !metric_has_keys(&view->state.metric);
    v.k = o.k ? o.k : NEIGHBOURS;
    if (v.k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", v.k, INT32_MAX));
    v.result.queries = v.sample;
    v.result.k = v.k;
    v.result.other_queries = v.others;
    TRY(take_answers(&v.index, &v, err));
    TRY(take_answers(&v.brute, &v, err));
    TRY(choose(&v, o.seed, err));
    batch = (struct query_batch){ .node = v.live, .nq = v.sample, .k = v.k };
    TRY(check_nearest(&v, "k nearest", &batch, err));
    TRY(check_others(&v, err));
    if (o.tree >= 0) TRY(check_tree(&v.result, v.state, err));
    if (api_result_write(out, &v.result, sizeof v.result) != 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_verify: set the result's size to sizeof first"));
    }
done:
    free_answers(&v.index, &v.env);
    free_answers(&v.brute, &v.env);
    base_free(&v.env, v.live);
    base_free(&v.env, v.chosen);
    return status;
}
