/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"
#include "api/gp_handle.h"

#include "base/memory.h"
#include "gp/lists.h"

#include <string.h>

struct pcct_neighbours {
    pcct_store *store; /* borrowed */
    struct base_env env;
    struct query_neighbours lists;
    uint64_t version;
    uint8_t identity[16];
    int by_kernel, plain;            /* the lists are by a kernel; without inducing points */
    struct base_hash128 digest;      /* of that kernel */
    int known;                       /* 1: the digest tells all about it */
};

/* A call by a kernel: what is listed, and who watches. */
struct by_kernel {
    struct gp_listing listing;
    struct base_env env;
    struct base_watch watch;
    struct gp_work work;
};

static int check_kernel(const struct pcct_gp *gp, const pcct_view *view, struct pcct_error *err)
{
    if (!gp) return 0;
    if (gp->view != view) return base_fail(err, PCCT_E_INVALID, "the kernel was opened for another view; open it for this view");
    if (!gp->ready) return base_fail(err, PCCT_E_INVALID, "pcct_gp_parameters() prepares no questions; open the kernel with pcct_gp_open()");
    return 0;
}

/* The points of a kernel and of a call are those of the view, both by label. end_kernel() in any case. */
static void begin_kernel(struct by_kernel *by, const struct api_asked *asked, const struct pcct_neighbours_options *o)
{
    memset(by, 0, sizeof *by);
    by->listing = (struct gp_listing){ asked->state, asked->node, &o->gp->features, api_gp_plain(o->gp) };
    base_watch_begin(&by->watch, NULL, o->progress, o->progress_ctx);
    by->env = asked->env;
    by->env.watch = &by->watch;
}

static void end_kernel(struct by_kernel *by, struct block_work *work)
{
    work->distances += by->work.pairs;
    work->nodes += by->work.nodes;
    base_watch_end(&by->watch, &by->env);
}

static void note_kernel(pcct_neighbours *neighbours, const struct pcct_gp *gp)
{
    neighbours->by_kernel = gp != NULL;
    if (!gp) return;
    neighbours->plain = api_gp_plain(gp);
    neighbours->digest = gp->kernel.digest;
    neighbours->known = gp->kernel.kernel.shape != GP_CUSTOM && !gp->given;
}

static int is_same_kernel(const pcct_neighbours *neighbours, const struct pcct_gp *gp)
{
    return neighbours->known && gp->kernel.kernel.shape != GP_CUSTOM && !gp->given && neighbours->plain == api_gp_plain(gp)
        && memcmp(&neighbours->digest, &gp->kernel.digest, sizeof gp->kernel.digest) == 0;
}

static int start(struct api_asked *asked, struct pcct_neighbours_options *o, const pcct_view *view, const struct pcct_neighbours_options *options,
                 struct pcct_error *err)
{
    int status = 0;

    TRY(api_options_read(o, sizeof *o, options, "the options of pcct_neighbours", err));
    TRY(check_kernel(o->gp, view, err));
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

static int open_empty(pcct_neighbours **out, const struct api_asked *asked, const pcct_view *view, size_t k, const struct pcct_gp *gp,
                      struct pcct_error *err)
{
    int status = 0;

    if (k == 0) TRY(base_fail(err, PCCT_E_INVALID, "k must be at least 1"));
    if (k > INT32_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "k is %zu; at most %d neighbours can be asked for", k, INT32_MAX));
    TRY(base_take_zero(out, &asked->env, 1, sizeof **out, err));
    (*out)->store = view->store;
    (*out)->env = asked->env;
    stand_at(*out, view);
    note_kernel(*out, gp);
done:
    return status;
}

int pcct_neighbours_open(pcct_neighbours **neighbours, const pcct_view *view, size_t k, const struct pcct_neighbours_options *options,
                         struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct block_work work = { 0, 0, 0, 0 };
    struct pcct_neighbours_options o;
    struct by_kernel by;
    pcct_neighbours *made = NULL;
    int status = 0;

    if (!neighbours) return base_fail(err, PCCT_E_INVALID, "pcct_neighbours_open needs a place for the handle");
    *neighbours = NULL;
    TRY(start(&asked, &o, view, options, err));
    TRY(open_empty(&made, &asked, view, k, o.gp, err));
    if (o.gp) {
        begin_kernel(&by, &asked, &o);
        status = gp_lists_make(&made->lists, k, &by.listing, &by.work, &by.env, err);
        end_kernel(&by, &work);
        TRY(status);
    } else {
        TRY(query_neighbours_make(&made->lists, k, asked.state, asked.node, &asked.batch, &asked.env, &work, err));
    }
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
    TRY(open_empty(&made, &asked, view, k, o.gp, err));
    if (o.gp) {
        const struct gp_listing listing = { asked.state, asked.node, &o.gp->features, api_gp_plain(o.gp) };

        TRY(gp_lists_adopt(&made->lists, k, &listing, labels, distances, counts, &asked.env, err));
    } else {
        TRY(query_neighbours_adopt(&made->lists, k, asked.state, asked.node, labels, distances, counts, &asked.env, err));
    }
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

int pcct_neighbours_copy(pcct_neighbours **copy, const pcct_neighbours *neighbours, struct pcct_error *err)
{
    pcct_neighbours *made = NULL;
    int status = 0;

    if (!copy) return base_fail(err, PCCT_E_INVALID, "pcct_neighbours_copy needs a place for the handle");
    *copy = NULL;
    TRY(base_take(&made, &neighbours->env, 1, sizeof *made, err));
    *made = *neighbours;
    TRY(query_neighbours_copy(&made->lists, &neighbours->lists, &neighbours->env, err));
    *copy = made;
    made = NULL;
done:
    pcct_neighbours_close(made);
    return status;
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

static int renew(struct query_renewal *renewal, pcct_neighbours *neighbours, const struct api_asked *asked, const struct pcct_neighbours_options *o,
                 struct showing *showing, struct block_work *work, struct pcct_error *err)
{
    query_change_visitor *visit = showing->change ? show : NULL;
    struct by_kernel by;
    int status = 0;

    if (!o->gp) {
        return query_neighbours_renew(renewal, &neighbours->lists, asked->state, asked->node, &asked->batch, visit, showing, &asked->env, work, err);
    }
    begin_kernel(&by, asked, o);
    status = gp_lists_renew(renewal, &neighbours->lists, &by.listing, is_same_kernel(neighbours, o->gp), visit, showing, &by.work, &by.env, err);
    end_kernel(&by, work);
    return status;
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
    if (!o.gp != !neighbours->by_kernel) {
        TRY(base_fail(err, PCCT_E_INVALID, neighbours->by_kernel ? "the graph is by a kernel; give the kernel of the view that it is renewed from"
                                                                  : "the graph is by the store's metric; it is renewed without a kernel"));
    }
    TRY(renew(&done_so, neighbours, &asked, &o, &showing, &work, err));
    stand_at(neighbours, view);
    note_kernel(neighbours, o.gp);
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
