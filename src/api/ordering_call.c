/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"
#include "api/gp_handle.h"

#include "base/memory.h"
#include "gp/ordering.h"
#include "gp/predecessors.h"

#include <math.h>

_Static_assert((int)PCCT_ORDERING_MAXMIN == (int)GP_ORDER_MAXMIN && (int)PCCT_ORDERING_COARSE == (int)GP_ORDER_COARSE, "one numbering");

struct pcct_vecchia {
    struct base_env env;
    struct pcct_vecchia_rows rows;
    int64_t *label;
    uint64_t *start;
    int32_t *rank;
    double *distance;
};

/* One call: what was asked for, checked, and what is made on the way. */
struct making {
    struct pcct_ordering_options o;
    struct base_env env;
    struct base_watch watch;
    struct gp_cloud cloud;
    uint32_t *order; /* [cloud.n] */
};

static int check_lengthscales(const double *lengthscale, uint32_t dim, struct pcct_error *err)
{
    for (uint32_t j = 0; lengthscale && j < dim; j++) {
        if (lengthscale[j] > 0 && !isinf(lengthscale[j])) continue;
        return base_fail(err, PCCT_E_INVALID, "lengthscale %u is %.15g; it must be finite and above 0", j + 1, lengthscale[j]);
    }
    return 0;
}

static int check(struct making *making, const pcct_view *view, const struct pcct_ordering_options *options, struct pcct_error *err)
{
    struct pcct_ordering_options *o = &making->o;
    const uint32_t dim = view->state.metric.input_dim;
    int status = 0;

    TRY(api_options_read(o, sizeof *o, options, "the options of an ordering", err));
    if (o->kind == 0) o->kind = PCCT_ORDERING_MAXMIN;
    if (o->kind < PCCT_ORDERING_MAXMIN || o->kind > PCCT_ORDERING_GIVEN) {
        TRY(base_fail(err, PCCT_E_INVALID, "there is no ordering %d; see enum pcct_ordering_kind", o->kind));
    }
    if (o->threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o->threads));
    if (o->axis >= dim) TRY(base_fail(err, PCCT_E_INVALID, "axis %u is asked for; points have %u, counted from 0", o->axis, dim));
    if (o->kind != PCCT_ORDERING_GIVEN && o->ordering) {
        TRY(base_fail(err, PCCT_E_INVALID, "an ordering goes with the kind PCCT_ORDERING_GIVEN"));
    }
    TRY(check_lengthscales(o->lengthscale, dim, err));
    if (o->gp && o->gp->view != view) TRY(base_fail(err, PCCT_E_INVALID, "the kernel was opened for another view; open it for this view"));
    if (o->gp && o->lengthscale) TRY(base_fail(err, PCCT_E_INVALID, "the kernel has lengthscales of its own; others cannot be given beside it"));
    if (o->gp) o->lengthscale = o->gp->kernel.lengthscale;
done:
    return status;
}

/* The rows of a cloud in the order of these labels. */
static int read_given(struct making *making, const pcct_view *view, struct pcct_error *err)
{
    const struct gp_cloud *cloud = &making->cloud;
    uint32_t *row = NULL;
    int status = 0;

    TRY(api_ordering_nodes(making->order, view, making->o.ordering, making->o.n_ordering, &making->env, err));
    TRY(base_take(&row, &making->env, view->state.n, sizeof *row, err));
    for (uint32_t i = 0; i < cloud->n; i++) row[cloud->node[i]] = i;
    for (uint32_t i = 0; i < cloud->n; i++) making->order[i] = row[making->order[i]];
done:
    base_free(&making->env, row);
    return status;
}

/* finish() in any case. with: the share of the work that comes after the ordering. */
static int start(struct making *making, const pcct_view *view, const struct pcct_ordering_options *options, double with, struct pcct_error *err)
{
    const struct base_span whole = { 0, 1 };
    int status = 0;

    base_env_init(&making->env, view->state.env->os, options && options->threads > 0 ? options->threads : 0);
    making->env.memory = view->state.env->memory;
    TRY(check(making, view, options, err));
    base_watch_begin(&making->watch, NULL, making->o.progress, making->o.progress_ctx);
    making->env.watch = &making->watch;
    base_watch_part(&making->env, whole, 0, 0.1);
    TRY(gp_cloud_make(&making->cloud, &view->state, making->o.lengthscale, &making->env, err));
    TRY(base_take(&making->order, &making->env, making->cloud.n, sizeof *making->order, err));
    base_watch_part(&making->env, whole, 0.1, 1 - with);
    if (making->o.kind == PCCT_ORDERING_GIVEN) {
        TRY(read_given(making, view, err));
    } else {
        const struct gp_rule rule = { (enum gp_order)making->o.kind, making->o.axis, making->o.seed, &view->state };

        TRY(gp_order_rows(making->order, &making->cloud, &rule, &making->env, err));
    }
    base_watch_part(&making->env, whole, 1 - with, 1);
    TRY(base_watch_check(&making->env, err));
done:
    return status;
}

static void finish(struct making *making)
{
    gp_cloud_free(&making->cloud, &making->env);
    base_free(&making->env, making->order);
    base_watch_end(&making->watch, &making->env);
}

static void tell_labels(int64_t *labels, const struct making *making, const pcct_view *view)
{
    for (uint32_t i = 0; i < making->cloud.n; i++) labels[i] = index_label(&view->state)[making->cloud.node[making->order[i]]];
}

int pcct_ordering(int64_t *labels, const pcct_view *view, const struct pcct_ordering_options *options, struct pcct_error *err)
{
    struct making making = { .order = NULL };
    int status = 0;

    if (!labels && view->state.n_live > 0) return base_fail(err, PCCT_E_INVALID, "pcct_ordering needs a place for the labels");
    TRY(start(&making, view, options, 0, err));
    tell_labels(labels, &making, view);
done:
    finish(&making);
    return status;
}

static int take_rows(struct pcct_vecchia *v, size_t n, size_t m, struct pcct_error *err)
{
    const uint64_t places = gp_answer_start(n, m);
    int status = 0;

    TRY(base_take(&v->label, &v->env, n, sizeof *v->label, err));
    TRY(base_take(&v->start, &v->env, n + 1, sizeof *v->start, err));
    TRY(base_take(&v->rank, &v->env, (size_t)places, sizeof *v->rank, err));
    TRY(base_take(&v->distance, &v->env, (size_t)places, sizeof *v->distance, err));
    for (size_t i = 0; i <= n; i++) v->start[i] = gp_answer_start(i, m);
    v->rows = (struct pcct_vecchia_rows){ sizeof v->rows, n, m, v->label, v->start, v->rank, v->distance };
done:
    return status;
}

int pcct_vecchia_open(pcct_vecchia **vecchia, const pcct_view *view, size_t m, const struct pcct_ordering_options *options,
                      struct pcct_error *err)
{
    struct making making = { .order = NULL };
    struct block_work work = { 0, 0, 0, 0 };
    pcct_vecchia *v = NULL;
    int status = 0;

    if (!vecchia) return base_fail(err, PCCT_E_INVALID, "pcct_vecchia_open needs a place for the handle");
    *vecchia = NULL;
    if (m == 0) TRY(base_fail(err, PCCT_E_INVALID, "m must be at least 1; pcct_ordering() gives an order without neighbours"));
    if (m > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "m is %zu; at most %d neighbours can be asked for", m, INT32_MAX));
    if (view->state.n_live > INT32_MAX) {
        TRY(base_fail(err, PCCT_E_LIMIT, "the view has %u points; ranks are numbers up to %d", view->state.n_live, INT32_MAX));
    }
    TRY(start(&making, view, options, 0.5, err));
    TRY(base_take_zero(&v, &making.env, 1, sizeof *v, err));
    v->env = making.env;
    v->env.watch = NULL;
    TRY(take_rows(v, making.cloud.n, m, err));
    tell_labels(v->label, &making, view);
    if (making.o.gp) {
        TRY(api_gp_predecessors(v->rank, v->distance, making.o.gp, making.order, (uint32_t)m, &making.env, &work, err));
    } else {
        TRY(gp_predecessors(v->rank, v->distance, &making.cloud, making.order, (uint32_t)m, &making.env, &work, err));
    }
    api_tell_work(making.o.work, &work);
    *vecchia = v;
    v = NULL;
done:
    pcct_vecchia_close(v);
    finish(&making);
    return status;
}

void pcct_vecchia_close(pcct_vecchia *vecchia)
{
    struct base_env env;

    if (!vecchia) return;
    env = vecchia->env;
    base_free(&env, vecchia->label);
    base_free(&env, vecchia->start);
    base_free(&env, vecchia->rank);
    base_free(&env, vecchia->distance);
    base_free(&env, vecchia);
}

int pcct_vecchia_read(struct pcct_vecchia_rows *rows, const pcct_vecchia *vecchia)
{
    return api_result_write(rows, &vecchia->rows, sizeof vecchia->rows);
}
