/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

_Static_assert((int)PCCT_ORDER_NODE == (int)QUERY_ORDER_NODE && (int)PCCT_ORDER_LABEL == (int)QUERY_ORDER_LABEL &&
                   (int)PCCT_ORDER_GIVEN == (int)QUERY_ORDER_GIVEN, "one numbering");

static int check_options(const struct pcct_filter_options *o, struct pcct_error *err)
{
    int status = 0;

    if (o->by_level && (o->level < PCCT_LEVEL_MIN || o->level > PCCT_LEVEL_MAX)) {
        TRY(base_fail(err, PCCT_E_INVALID, "level %d is out of range; levels are exponents of two, from %d to %d", o->level, PCCT_LEVEL_MIN,
                      PCCT_LEVEL_MAX));
    }
    if (o->labels && o->bitmap) TRY(base_fail(err, PCCT_E_INVALID, "a filter takes a list of labels or a bitmap, not both"));
    if (o->n_labels > 0 && !o->labels) TRY(base_fail(err, PCCT_E_INVALID, "%zu labels are announced and none given", o->n_labels));
    if (o->order < PCCT_ORDER_NONE || o->order > PCCT_ORDER_GIVEN) {
        TRY(base_fail(err, PCCT_E_INVALID, "there is no order %d; see enum pcct_order", o->order));
    }
    if (o->order != PCCT_ORDER_GIVEN && o->ordering) {
        TRY(base_fail(err, PCCT_E_INVALID, "an ordering goes with the order PCCT_ORDER_GIVEN"));
    }
done:
    return status;
}

/* Marks the nodes that a list of labels names. */
static int choose_listed(uint8_t *chosen, const pcct_view *view, const struct pcct_filter_options *o, const struct base_env *env,
                         struct pcct_error *err)
{
    uint32_t *node = NULL;
    int status = 0;

    TRY(base_take(&node, env, o->n_labels, sizeof *node, err));
    TRY(api_view_nodes(node, view, o->labels, o->n_labels, err));
    memset(chosen, 0, view->state.n);
    for (size_t i = 0; i < o->n_labels; i++) chosen[node[i]] = 1;
done:
    base_free(env, node);
    return status;
}

static void choose_by_bit(uint8_t *chosen, const struct index_state *state, const struct pcct_filter_options *o)
{
    for (uint32_t node = 0; node < state->n; node++) {
        const int64_t label = index_label(state)[node];

        chosen[node] = label >= 0 && (uint64_t)label < o->bitmap_bits && (o->bitmap[label / 64] >> label % 64 & 1);
    }
}

/* The ordering is then known to be one of all live points: it has as many labels, all live and none twice. */
int api_ordering_nodes(uint32_t *nodes, const pcct_view *view, const int64_t *ordering, size_t n, const struct base_env *env, struct pcct_error *err)
{
    uint8_t *met = NULL;
    int status = 0;

    if (n != view->state.n_live || (n > 0 && !ordering)) {
        TRY(base_fail(err, PCCT_E_INVALID, "the ordering has %zu labels; it must name each of the %u live points once", n,
                      (unsigned)view->state.n_live));
    }
    TRY(base_take_zero(&met, env, view->state.n, 1, err));
    TRY(api_view_nodes(nodes, view, ordering, n, err));
    for (size_t i = 0; i < n; i++) {
        if (met[nodes[i]]++) {
            TRY(base_fail(err, PCCT_E_DUPLICATE, "label %" PRId64 " stands twice in the ordering; it must name each live point once", ordering[i]));
        }
    }
done:
    base_free(env, met);
    return status;
}

int pcct_filter_open(pcct_filter **out, const pcct_view *view, const struct pcct_filter_options *options, struct pcct_error *err)
{
    const struct base_env *env = view->state.env;
    struct pcct_filter_options o;
    struct query_rule rule = { .by_level = 0 };
    pcct_filter *filter = NULL;
    uint8_t *chosen = NULL;
    uint32_t *given = NULL;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_filter_open needs a place for the handle");
    *out = NULL;
    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_filter_open", err));
    TRY(check_options(&o, err));
    TRY(base_take_zero(&filter, env, 1, sizeof *filter, err));
    filter->view = view;
    filter->env = *env;
    rule.by_level = o.by_level != 0;
    rule.level = o.level;
    rule.order = (enum query_order)o.order;
    if (o.labels || o.bitmap) TRY(base_take(&chosen, env, view->state.n, 1, err));
    if (o.labels) TRY(choose_listed(chosen, view, &o, env, err));
    if (o.bitmap) choose_by_bit(chosen, &view->state, &o);
    rule.chosen = chosen;
    if (o.order == PCCT_ORDER_GIVEN) {
        TRY(base_take(&given, env, view->state.n_live, sizeof *given, err));
        TRY(api_ordering_nodes(given, view, o.ordering, o.n_ordering, env, err));
        rule.given = given;
    }
    TRY(query_filter_make(&filter->filter, &view->state, &rule, &filter->env, err));
    *out = filter;
    filter = NULL;
done:
    pcct_filter_close(filter);
    base_free(env, chosen);
    base_free(env, given);
    return status;
}

void pcct_filter_close(pcct_filter *filter)
{
    struct base_env env;

    if (!filter) return;
    env = filter->env;
    query_filter_free(&filter->filter, &env);
    base_free(&env, filter);
}

int pcct_filter_read(int64_t *labels, size_t *n, const pcct_filter *filter, struct pcct_error *err)
{
    if (!n) return base_fail(err, PCCT_E_INVALID, "pcct_filter_read needs a place for the number of labels");
    *n = filter->filter.nodes;
    for (size_t i = 0; labels && i < *n; i++) labels[i] = index_label(&filter->view->state)[filter->filter.node[i]];
    return 0;
}
