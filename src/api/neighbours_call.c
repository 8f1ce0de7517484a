/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"

#include "base/memory.h"
#include "query/neighbours.h"

#include <string.h>

struct pcct_neighbours {
    pcct_store *store; /* borrowed */
    struct base_env env;
    struct query_neighbours lists;
    uint64_t version;
    uint8_t identity[16];
};

static int start(struct api_asked *asked, struct pcct_neighbours_options *o, const pcct_view *view, const struct pcct_neighbours_options *options,
                 struct pcct_error *err)
{
    int status = 0;

    TRY(api_options_read(o, sizeof *o, options, "the options of pcct_neighbours", err));
    TRY(api_view_labels((pcct_view *)(uintptr_t)view, err)); /* a cache behind a lock: the view that callers see does not change */
    TRY(api_asked_all(asked, view, NULL, o->threads, err));
    asked->batch.progress = o->progress;
    asked->batch.progress_ctx = o->progress_ctx;
done:
    return status;
}

static void stand_at(pcct_neighbours *neighbours, const pcct_view *view)
{
    neighbours->version = view->record.version;
    memcpy(neighbours->identity, view->record.identity.byte, sizeof neighbours->identity);
}

static int open_empty(pcct_neighbours **out, const struct api_asked *asked, const pcct_view *view, size_t k, struct pcct_error *err)
{
    int status = 0;

    if (k == 0) TRY(base_fail(err, PCCT_E_INVALID, "k must be at least 1"));
    if (k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", k, INT32_MAX));
    TRY(base_take_zero(out, &asked->env, 1, sizeof **out, err));
    (*out)->store = view->store;
    (*out)->env = asked->env;
    stand_at(*out, view);
done:
    return status;
}

int pcct_neighbours_open(pcct_neighbours **neighbours, const pcct_view *view, size_t k, const struct pcct_neighbours_options *options,
                         struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct block_work work = { 0, 0, 0, 0 };
    struct pcct_neighbours_options o;
    pcct_neighbours *made = NULL;
    int status = 0;

    if (!neighbours) return base_fail(err, PCCT_E_INVALID, "pcct_neighbours_open needs a place for the handle");
    *neighbours = NULL;
    TRY(start(&asked, &o, view, options, err));
    TRY(open_empty(&made, &asked, view, k, err));
    TRY(query_neighbours_make(&made->lists, k, asked.state, asked.node, &asked.batch, &asked.env, &work, err));
    api_tell_work(o.work, &work);
    *neighbours = made;
    made = NULL;
done:
    pcct_neighbours_close(made);
    api_asked_free(&asked);
    return status;
}

int pcct_neighbours_adopt(pcct_neighbours **neighbours, const pcct_view *view, size_t k, const int64_t *labels, const double *distances,
                          const int32_t *counts, const struct pcct_neighbours_options *options, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct pcct_neighbours_options o;
    pcct_neighbours *made = NULL;
    int status = 0;

    if (!neighbours) return base_fail(err, PCCT_E_INVALID, "pcct_neighbours_adopt needs a place for the handle");
    *neighbours = NULL;
    if (view->state.n_live > 0 && (!labels || !distances || !counts)) {
        TRY(base_fail(err, PCCT_E_INVALID, "labels, distances and counts must be given"));
    }
    TRY(start(&asked, &o, view, options, err));
    TRY(open_empty(&made, &asked, view, k, err));
    TRY(query_neighbours_adopt(&made->lists, k, asked.state, asked.node, labels, distances, counts, &asked.env, err));
    *neighbours = made;
    made = NULL;
done:
    pcct_neighbours_close(made);
    api_asked_free(&asked);
    return status;
}

void pcct_neighbours_close(pcct_neighbours *neighbours)
{
    struct base_env env;

    if (!neighbours) return;
    env = neighbours->env;
    query_neighbours_free(&neighbours->lists, &env);
    base_free(&env, neighbours);
}

int pcct_neighbours_read(struct pcct_neighbours_rows *rows, const pcct_neighbours *neighbours)
{
    const struct query_neighbours *g = &neighbours->lists;
    struct pcct_neighbours_rows ours = { sizeof ours, g->n, g->k, g->label, g->list, g->distance, g->count, neighbours->version, { 0 } };

    memcpy(ours.identity, neighbours->identity, sizeof ours.identity);
    return api_result_write(rows, &ours, sizeof ours);
}

struct showing {
    int (*change)(void *ctx, const struct pcct_neighbours_change *change);
    void *ctx;
};

static int show(void *ctx, const struct query_change *c)
{
    const struct showing *showing = ctx;
    const struct pcct_neighbours_change change = {
        c->label, c->before, c->after, c->distance_before, c->distance_after, c->count_before, c->count_after
    };

    return showing->change(showing->ctx, &change);
}

int pcct_neighbours_renew(struct pcct_neighbours_renewal *renewal, pcct_neighbours *neighbours, const pcct_view *view,
                          const struct pcct_neighbours_options *options,
                          int (*change)(void *ctx, const struct pcct_neighbours_change *change), void *ctx, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct block_work work = { 0, 0, 0, 0 };
    struct showing showing = { change, ctx };
    struct pcct_neighbours_renewal ours = { .size = sizeof ours };
    struct pcct_neighbours_options o;
    struct query_renewal done_so;
    int status = 0;

    if (!neighbours || view->store != neighbours->store) {
        return base_fail(err, PCCT_E_INVALID, "the graph is renewed from views of the store handle that it was made with");
    }
    TRY(start(&asked, &o, view, options, err));
    TRY(query_neighbours_renew(&done_so, &neighbours->lists, asked.state, asked.node, &asked.batch, change ? show : NULL, &showing, &asked.env,
                               &work, err));
    stand_at(neighbours, view);
    api_tell_work(o.work, &work);
    ours.gone = done_so.gone;
    ours.came = done_so.came;
    ours.asked = done_so.asked;
    ours.changed = done_so.changed;
    if (renewal) TRY(api_result_write(renewal, &ours, sizeof ours));
done:
    api_asked_free(&asked);
    return status;
}
