/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kernel_note.h"

#include "base/memory.h"

#include <string.h>

/* The first *m of an order of all points. */
static int first_of_order(int64_t *labels, size_t *m, const pcct_view *view, const struct pcct_inducing_options *o, struct pcct_error *err)
{
    const struct base_env *env = view->state.env;
    struct pcct_ordering_options ask = PCCT_ORDERING_OPTIONS_INIT;
    int64_t *all = NULL;
    int status = 0;

    ask.kind = o->how == PCCT_INDUCING_RANDOM ? PCCT_ORDERING_RANDOM : PCCT_ORDERING_MAXMIN;
    ask.threads = o->threads;
    ask.seed = o->seed;
    ask.lengthscale = o->how == PCCT_INDUCING_FARTHEST ? o->lengthscale : NULL;
    TRY(base_take(&all, env, view->state.n_live, sizeof *all, err));
    TRY(pcct_ordering(all, view, &ask, err));
    memcpy(labels, all, *m * sizeof *labels);
done:
    base_free(env, all);
    return status;
}

/* The net of the lowest level that has at most *m points. */
static int net(int64_t *labels, size_t *m, const pcct_view *view, struct pcct_error *err)
{
    const size_t most = *m;
    int level = PCCT_LEVEL_MAX, status = 0;
    size_t n = 0;

    if (*m == 0) goto done;
    for (; level > PCCT_LEVEL_MIN; level--) {
        TRY(pcct_net(NULL, &n, view, level - 1, err));
        if (n > most) break;
    }
    TRY(pcct_net(NULL, m, view, level, err));
    TRY(pcct_net(labels, m, view, level, err));
done:
    return status;
}

int pcct_inducing_choose(double *points, int64_t *labels, size_t *m, const pcct_view *view, const struct pcct_inducing_options *options,
                         struct pcct_error *err)
{
    const struct base_env *env = view->state.env;
    struct pcct_inducing_options o;
    int64_t *chosen = NULL;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_inducing_choose", err));
    if (!m) TRY(base_fail(err, PCCT_E_INVALID, "pcct_inducing_choose needs a number of points"));
    if (o.how < PCCT_INDUCING_FARTHEST || o.how > PCCT_INDUCING_RANDOM) {
        TRY(base_fail(err, PCCT_E_INVALID, "there is no way %d to choose inducing points; see enum pcct_inducing", o.how));
    }
    if (*m > view->state.n_live) *m = view->state.n_live;
    TRY(base_take(&chosen, env, *m, sizeof *chosen, err));
    if (o.how == PCCT_INDUCING_NET) TRY(net(chosen, m, view, err));
    else TRY(first_of_order(chosen, m, view, &o, err));
    if (labels && *m > 0) memcpy(labels, chosen, *m * sizeof *labels);
    if (points) TRY(pcct_view_find(points, view, chosen, *m, err));
done:
    base_free(env, chosen);
    return status;
}
