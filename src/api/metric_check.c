/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include "base/memory.h"
#include "base/random.h"
#include "index/search.h"

#include <inttypes.h>
#include <string.h>

enum { TRIPLES = 10000 };

/* Three points of a view and the distances between them. */
struct triple {
    const struct index_state *state;
    uint32_t node[3];
    double d[3]; /* of 0 and 1, 1 and 2, 0 and 2 */
};

static int64_t label(const struct triple *t, int i) { return index_label(t->state)[t->node[i]]; }

static const double *row(const struct triple *t, int i) { return index_place(t->state, t->node[i]); }

static int check_self(const struct triple *t, int i, struct pcct_error *err)
{
    double d = metric_custom_key(&t->state->metric, row(t, i), row(t, i));

    if (d == 0) return 0;
    return base_fail(err, PCCT_E_INVALID, "the metric \"%s\" is none: the point with label %" PRId64 " is %.17g from itself, not 0",
                     metric_called(&t->state->metric), label(t, i), d);
}

/* One by one both ways, and together: the same bits. */
static int measure(double *d, const struct triple *t, int i, int j, struct pcct_error *err)
{
    const struct metric *metric = &t->state->metric;
    const double *other = row(t, j);
    double back = metric_custom_key(metric, row(t, j), row(t, i)), together = 0;

    *d = metric_custom_key(metric, row(t, i), row(t, j));
    metric_custom_keys(&together, metric, row(t, i), &other, 1);
    if (memcmp(d, &back, sizeof back) != 0) {
        return base_fail(err, PCCT_E_INVALID, "the metric \"%s\" is none: from label %" PRId64 " to %" PRId64 " it is %.17g, and %.17g back",
                         metric_called(metric), label(t, i), label(t, j), *d, back);
    }
    if (memcmp(d, &together, sizeof together) != 0) {
        return base_fail(err, PCCT_E_INVALID, "the functions of the metric \"%s\" differ: from label %" PRId64 " to %" PRId64 " distance says %.17g, "
                         "distances %.17g", metric_called(metric), label(t, i), label(t, j), *d, together);
    }
    return 0;
}

/* far: the side that is compared with the way round by point `over`. */
static int check_side(const struct triple *t, int far, int from, int over, int to, struct pcct_error *err)
{
    double a = t->d[(far + 1) % 3], b = t->d[(far + 2) % 3];

    if (t->d[far] <= (1 + METRIC_TRUST) * (a + b)) return 0;
    return base_fail(err, PCCT_E_INVALID, "the metric \"%s\" is none: from label %" PRId64 " to %" PRId64 " it is %.17g, by way of %" PRId64
                     " only %.17g + %.17g", metric_called(&t->state->metric), label(t, from), label(t, to), t->d[far], label(t, over),
                     far == 2 ? a : b, far == 2 ? b : a);
}

static int check_triple(struct triple *t, struct pcct_error *err)
{
    int status = 0;

    for (int i = 0; i < 3; i++) TRY(check_self(t, i, err));
    TRY(measure(&t->d[0], t, 0, 1, err));
    TRY(measure(&t->d[1], t, 1, 2, err));
    TRY(measure(&t->d[2], t, 0, 2, err));
    TRY(index_calls_check(t->state, NULL, 0, err)); /* what is no number is told as that */
    TRY(check_side(t, 0, 0, 2, 1, err));
    TRY(check_side(t, 1, 1, 0, 2, err));
    TRY(check_side(t, 2, 0, 1, 2, err));
done:
    return status;
}

/* Points at random; in every second triple a point with its parent, since near ones break rules that far ones keep. */
static int check_sample(const struct index_state *state, uint64_t triples, uint64_t seed, struct pcct_error *err)
{
    struct triple t = { .state = state };
    struct base_random random;
    uint32_t *live = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&live, state->env, state->n_live, sizeof *live, err));
    for (uint32_t node = 0; node < state->n; node++) {
        if (index_is_live(state, node)) live[n++] = node;
    }
    base_random_seed(&random, seed);
    for (uint64_t i = 0; n > 0 && i < triples; i++) {
        for (int j = 0; j < 3; j++) t.node[j] = live[base_random_below(&random, n)];
        if (i % 2 == 1 && t.node[0] != state->root) t.node[1] = index_parent(state)[t.node[0]];
        status = check_triple(&t, err);
        if (status != 0) {
            index_calls_check(state, NULL, 0, err);
            goto done;
        }
    }
done:
    base_free(state->env, live);
    return status;
}

int pcct_metric_check(const pcct_view *view, const struct pcct_metric_check_options *options, struct pcct_error *err)
{
    struct pcct_metric_check_options o;
    struct metric_calls calls;
    struct index_state reader;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_metric_check", err));
    if (!metric_is_custom(&view->state.metric)) {
        TRY(base_fail(err, PCCT_E_INVALID, "%s is a built-in metric; there is nothing to try", view->state.metric.name));
    }
    TRY(index_calls_need(&view->state.metric, err));
    api_reader(&reader, &calls, &view->state);
    TRY(check_sample(&reader, o.triples ? o.triples : TRIPLES, o.seed, err));
done:
    return status;
}
