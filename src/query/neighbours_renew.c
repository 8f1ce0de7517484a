/* SPDX-License-Identifier: Apache-2.0 */
#include "query/neighbours_change.h"

#include "base/par.h"
#include "base/sort.h"
#include "block/layout_marks.h"

#include <assert.h>
#include <string.h>

enum { GRAIN = 1024, FEW = 8, FILL = 64 };

/* Where a point came or went. */
struct moved {
    const double *place;
    int64_t label;
    int came;
};

/* A point that came, as a row that stays finds it. */
struct hit {
    double key;
    int64_t label;
    uint32_t node; /* the row's */
};

struct renewing {
    const struct query_neighbours *old;
    struct query_neighbours fresh;
    const struct index_state *state;
    const uint32_t *node;     /* [fresh.n] */
    struct query_match match;
    double *mark;             /* [state->n] by node: the limits of rows that stay */
    struct block_layout own;  /* in place of the state's, where that cannot have marks */
    const struct block_layout *layout;
    struct block_marks marks;
    struct moved *moved;
    size_t n_moved;
    uint64_t *stale;          /* [state->n] by node: other than 0: to be asked for anew */
    uint32_t *asked;          /* [n_asked] rows that are */
    uint32_t *asked_node;
    size_t n_asked;
    int64_t *list;            /* [n_asked][k] what they are told */
    double *distance;
    int32_t *count;
    struct base_vector *hits; /* [threads] of struct hit */
    struct base_pair *hit;    /* [n_hits] of them all: by node, the address */
    size_t n_hits;
    uint64_t failed;          /* there was no memory for a hit */
    uint8_t *touched;         /* [state->n] by node: it may differ */
    uint8_t *row_touched;     /* [fresh.n] the same by row */
    uint32_t *row;            /* [state->n] by node, of live ones */
    struct block_work *work;  /* [threads] */
    const struct base_env *env;
};

/* ---- which points moved ------------------------------------------------------------------------------------------------------------------- */

static void note_moved(struct renewing *r, const struct query_neighbours *g, uint32_t row)
{
    r->moved[r->n_moved++] = (struct moved){ g->place + (size_t)row * g->dim, g->label[row], g == &r->fresh };
}

static void note_all_moved(struct renewing *r)
{
    for (uint32_t row = 0; row < r->old->n; row++) {
        if (r->match.after[row] == INDEX_NONE) note_moved(r, r->old, row);
    }
    for (uint32_t row = 0; row < r->fresh.n; row++) {
        if (r->match.before[row] == INDEX_NONE) note_moved(r, &r->fresh, row);
    }
}

/* ---- which of them may differ ------------------------------------------------------------------------------------------------------------- */

struct backwards {
    struct renewing *r;
    const struct moved *moved;
    int thread;
};

/* A row listed a point that went, or one as far off: its list is asked for anew. One that a point came to may only take that in. */
static int meet_row(void *ctx, uint32_t node, double key)
{
    const struct backwards *at = ctx;
    struct renewing *r = at->r;
    struct hit *hit = NULL;

    if (!at->moved->came) {
        base_par_add(&r->stale[node], 1);
        return 0;
    }
    if (base_vector_add(&hit, &r->hits[at->thread], r->env, 1, NULL) != 0) {
        base_par_add(&r->failed, 1);
        return 1;
    }
    *hit = (struct hit){ key, at->moved->label, node };
    return 0;
}

static void search_backwards(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;
    const struct block_source source = index_source(r->state);

    for (size_t i = begin; i < end; i++) {
        struct backwards at = { r, &r->moved[i], thread };

        block_marks_visit(&r->marks, r->layout, &source, r->moved[i].place, meet_row, &at, &r->work[thread]);
    }
}

/* All hits, those of a row one after the other. Their addresses are no order that matters: a row takes in any number in any order. */
static int gather_hits(struct renewing *r, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    if (r->failed) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory: the neighbours of points that came"));
    for (int t = 0; t < base_par_threads(env); t++) r->n_hits += r->hits[t].count;
    TRY(base_take(&r->hit, env, r->n_hits, sizeof *r->hit, err));
    for (size_t t = 0, at = 0; t < (size_t)base_par_threads(env); t++) {
        const struct hit *hit = r->hits[t].memory.data;

        for (size_t i = 0; i < r->hits[t].count; i++) r->hit[at++] = (struct base_pair){ hit[i].node, (uint64_t)(uintptr_t)&hit[i] };
    }
    TRY(base_sort_pairs(r->hit, r->n_hits, env, err));
done:
    return status;
}

static int choose_layout(struct renewing *r, struct pcct_error *err)
{
    const struct block_source source = index_source(r->state);

    r->layout = block_marks_possible(&r->state->layout) ? &r->state->layout : &r->own;
    return r->layout == &r->own ? block_build(&r->own, &source, r->node, r->fresh.n, FILL, err) : 0;
}

/* Every row whose list a point that came may enter, or that listed one that went: its key is within the row's limit. */
static int find_touched(struct renewing *r, const struct base_env *env, struct pcct_error *err)
{
    const int searchable = !metric_is_custom(&r->state->metric);
    int status = 0;

    for (uint32_t node = 0; node < r->state->n; node++) r->mark[node] = -(double)INFINITY;
    for (uint32_t row = 0; row < r->fresh.n; row++) {
        const uint32_t before = r->match.before[row];

        if (before == INDEX_NONE || !searchable) r->stale[r->node[row]] = 1;
        else r->mark[r->node[row]] = r->old->limit[before];
    }
    if (searchable && r->n_moved > 0) {
        TRY(choose_layout(r, err));
        TRY(block_marks_make(&r->marks, r->layout, r->mark, env, err));
        base_par_for(env, r->n_moved, FEW, search_backwards, r);
    }
    TRY(gather_hits(r, env, err));
    for (size_t i = 0; i < r->n_hits; i++) r->touched[r->hit[i].key] = 1;
    for (uint32_t node = 0; node < r->state->n; node++) r->touched[node] |= r->stale[node] != 0;
done:
    return status;
}

/* ---- the new lists ------------------------------------------------------------------------------------------------------------------------ */

static int ask(struct renewing *r, const struct query_batch *batch, const struct base_env *env, struct block_work *work, struct pcct_error *err)
{
    const size_t k = r->fresh.k;
    struct query_batch some = { .k = k, .progress = batch->progress, .progress_ctx = batch->progress_ctx };
    int status = 0;

    for (uint32_t row = 0; row < r->fresh.n; row++) r->n_asked += r->stale[r->node[row]] != 0;
    TRY(base_take(&r->asked, env, r->n_asked, sizeof *r->asked, err));
    TRY(base_take(&r->asked_node, env, r->n_asked, sizeof *r->asked_node, err));
    TRY(base_take(&r->list, env, r->n_asked * k, sizeof *r->list, err));
    TRY(base_take(&r->distance, env, r->n_asked * k, sizeof *r->distance, err));
    TRY(base_take(&r->count, env, r->n_asked, sizeof *r->count, err));
    for (uint32_t row = 0, at = 0; row < r->fresh.n; row++) {
        if (!r->stale[r->node[row]]) continue;
        r->asked[at] = row;
        r->asked_node[at++] = r->node[row];
    }
    some.node = some.self = r->asked_node;
    some.nq = r->n_asked;
    TRY(query_knn(r->list, r->distance, r->count, r->state, &some, env, work, err));
done:
    return status;
}

static void put_list(struct query_neighbours *g, uint32_t row, const int64_t *list, const double *distance, int32_t count)
{
    memcpy(g->list + (size_t)row * g->k, list, g->k * sizeof *list);
    memcpy(g->distance + (size_t)row * g->k, distance, g->k * sizeof *distance);
    g->count[row] = count;
}

static void keep_lists(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;
    const struct query_neighbours *old = r->old;

    (void)thread;
    for (size_t row = begin; row < end; row++) {
        const size_t before = r->match.before[row];

        if (r->stale[r->node[row]]) continue;
        put_list(&r->fresh, (uint32_t)row, old->list + before * old->k, old->distance + before * old->k, old->count[before]);
        r->fresh.limit[row] = old->limit[before];
    }
}

/* Whether a hit goes before an entry of a row's list. Distances rise with keys, so keys are looked up where they are equal only. */
static int goes_before(const struct renewing *r, uint32_t node, const struct hit *hit, double distance, int64_t label, double entry_distance)
{
    const struct base_topk_entry ours = { hit->key, hit->label };
    struct base_topk_entry entry = { 0, label };

    if (distance != entry_distance) return distance < entry_distance;
    entry.key = index_key(r->state, node, index_find_prepared(r->state, label));
    return base_topk_less(&ours, &entry);
}

static void take_in(struct renewing *r, uint32_t row, const struct hit *hit)
{
    struct query_neighbours *g = &r->fresh;
    int64_t *list = g->list + (size_t)row * g->k;
    double *distance = g->distance + (size_t)row * g->k;
    const double ours = metric_distance(&r->state->metric, hit->key);
    size_t at = (size_t)g->count[row];

    while (at > 0 && goes_before(r, hit->node, hit, ours, list[at - 1], distance[at - 1])) at--;
    if (at == g->k) return;
    if ((size_t)g->count[row] < g->k) g->count[row]++;
    for (size_t i = (size_t)g->count[row] - 1; i > at; i--) {
        list[i] = list[i - 1];
        distance[i] = distance[i - 1];
    }
    list[at] = hit->label;
    distance[at] = ours;
}

/* Hits of rows that are not asked for, all of a row by whoever meets its first. */
static void take_in_hits(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t node = (uint32_t)r->hit[i].key;
        const uint32_t row = r->row[node];

        if ((i > 0 && r->hit[i - 1].key == node) || r->stale[node]) continue;
        for (size_t j = i; j < r->n_hits && r->hit[j].key == node; j++) take_in(r, row, (const struct hit *)(uintptr_t)r->hit[j].value);
        query_neighbours_limit(&r->fresh, r->state, node, row);
    }
}

static void put_answers(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;
    struct query_neighbours *g = &r->fresh;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t row = r->asked[i];

        put_list(g, row, r->list + i * g->k, r->distance + i * g->k, r->count[i]);
        query_neighbours_limit(g, r->state, r->node[row], row);
    }
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------------------- */

static int take(struct renewing *r, const struct base_env *env, struct pcct_error *err)
{
    const size_t old = r->old->n, fresh = r->state->n_live, threads = (size_t)base_par_threads(env);
    int status = 0;

    TRY(base_take(&r->mark, env, r->state->n, sizeof *r->mark, err));
    TRY(base_take_zero(&r->stale, env, r->state->n, sizeof *r->stale, err));
    TRY(base_take_zero(&r->touched, env, r->state->n, sizeof *r->touched, err));
    TRY(base_take(&r->row_touched, env, fresh, sizeof *r->row_touched, err));
    TRY(base_take(&r->row, env, r->state->n, sizeof *r->row, err));
    TRY(base_take(&r->moved, env, old + fresh, sizeof *r->moved, err));
    TRY(base_take_zero(&r->work, env, threads, sizeof *r->work, err));
    TRY(base_take_zero(&r->hits, env, threads, sizeof *r->hits, err));
    for (size_t t = 0; t < threads; t++) r->hits[t].item_bytes = sizeof(struct hit);
    for (size_t row = 0; row < fresh; row++) r->row[r->node[row]] = (uint32_t)row;
    TRY(query_neighbours_rows(&r->fresh, r->old->k, r->state, r->node, env, err));
    TRY(query_match_rows(&r->match, r->old, &r->fresh, env, err));
done:
    return status;
}

static void give_back(struct renewing *r, const struct base_env *env)
{
    query_match_free(&r->match, env);
    base_free(env, r->mark);
    base_free(env, r->stale);
    for (int t = 0; r->hits && t < base_par_threads(env); t++) base_vector_free(&r->hits[t], env);
    base_free(env, r->hits);
    base_free(env, r->hit);
    base_free(env, r->touched);
    base_free(env, r->row_touched);
    base_free(env, r->row);
    base_free(env, r->moved);
    base_free(env, r->asked);
    base_free(env, r->asked_node);
    base_free(env, r->list);
    base_free(env, r->distance);
    base_free(env, r->count);
    base_free(env, r->work);
    block_marks_free(&r->marks, env);
    block_free(&r->own);
    query_neighbours_free(&r->fresh, env);
}

int query_neighbours_renew(struct query_renewal *renewal, struct query_neighbours *neighbours, const struct index_state *state, const uint32_t *node,
                           const struct query_batch *batch, query_change_visitor *visit, void *ctx, const struct base_env *env,
                           struct block_work *work, struct pcct_error *err)
{
    struct renewing r = { .old = neighbours, .state = state, .node = node, .env = env };
    struct query_neighbours old;
    int status = 0;

    assert(neighbours->dim == state->metric.dim);
    block_init(&r.own, env, &state->metric);
    TRY(take(&r, env, err));
    note_all_moved(&r);
    TRY(find_touched(&r, env, err));
    TRY(ask(&r, batch, env, work, err));
    base_par_for(env, r.fresh.n, GRAIN, keep_lists, &r);
    base_par_for(env, r.n_hits, GRAIN, take_in_hits, &r);
    base_par_for(env, r.n_asked, GRAIN, put_answers, &r);
    for (int t = 0; work && t < base_par_threads(env); t++) block_work_add(work, &r.work[t]);
    *renewal = (struct query_renewal){ .gone = r.match.gone, .came = r.match.came, .asked = r.n_asked };
    for (uint32_t row = 0; row < r.fresh.n; row++) r.row_touched[row] = r.touched[node[row]];
    renewal->changed = query_tell_changes(&r.match, neighbours, &r.fresh, r.row_touched, visit, ctx);
    old = *neighbours;
    *neighbours = r.fresh;
    r.fresh = old;
done:
    give_back(&r, env);
    return status;
}
