/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/lists.h"

#include "base/memory.h"
#include "base/par.h"
#include "base/watch.h"
#include "query/neighbours_change.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ANEW: when more than one in so many points came, comparing all rows with them costs more than all rows anew. */
enum { GRAIN = 256, ANEW = 8 };

/* The row of a label, INDEX_NONE: there is none. */
static uint32_t row_of(const struct query_neighbours *g, int64_t label)
{
    uint32_t low = 0, high = g->n;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (g->label[middle] < label) low = middle + 1;
        else high = middle;
    }
    return low < g->n && g->label[low] == label ? low : INDEX_NONE;
}

/* What answers are ordered by, to the bit what the searches compare: of a row and others, at most 8. */
static void keys_of(double *key, const struct gp_listing *listing, uint32_t a, const uint32_t *b, unsigned n)
{
    const struct gp_features *f = listing->points;
    const struct gp_row row = gp_features_row(f, a);
    struct gp_row other[GP_ROWS];

    for (unsigned i = 0; i < n; i++) other[i] = gp_features_row(f, b[i]);
    if (!listing->plain) gp_rho_pairs(key, f, &row, other, n);
    for (unsigned i = 0; i < n && !listing->plain; i++) key[i] = gp_key(key[i]);
    for (unsigned i = 0; i < n && listing->plain; i++) {
        double sum = 0;

        for (uint32_t j = 0; j < f->form.dim; j++) {
            const double difference = row.x[j] - other[i].x[j];

            sum += difference * difference;
        }
        key[i] = sum;
    }
}

static double key_of(const struct gp_listing *listing, uint32_t a, uint32_t b)
{
    double key = 0;

    keys_of(&key, listing, a, &b, 1);
    return key;
}

/* Distances of keys, ascending. */
static void distances_of(double *distance, const struct gp_listing *listing, const struct base_topk_entry *entry, size_t n)
{
    if (listing->plain) gp_correlation_distances(distance, listing->points, entry, n);
    else for (size_t i = 0; i < n; i++) distance[i] = sqrt(entry[i].key);
}

/* Labels, distances and counts of the rows asked[n] (NULL: all), nearest among member[members]. Answers are [n][k]. */
static int ask(int64_t *list, double *distance, int32_t *count, const struct query_neighbours *g, size_t k, const struct gp_listing *listing,
               const uint32_t *asked, size_t n, const uint32_t *member, size_t members, const uint32_t *before, struct gp_work *work,
               const struct base_env *env, struct pcct_error *err)
{
    const struct gp_features *f = listing->points;
    const size_t m = f->form.m, dim = f->form.dim;
    struct gp_ask question = { .points = f, .member = member, .members = members, .label = g->label, .k = k, .before = before };
    struct gp_features queries = { .env = NULL };
    struct gp_work done_so = { 0 };
    double *point = NULL, *v = NULL, *p = NULL;
    int status = 0;

    if (asked) {
        TRY(base_take(&point, env, n * dim, sizeof *point, err));
        TRY(base_take(&v, env, n * m, sizeof *v, err));
        TRY(base_take(&p, env, n, sizeof *p, err));
        for (size_t i = 0; i < n; i++) {
            memcpy(point + i * dim, f->point + asked[i] * dim, dim * sizeof *point);
            if (m > 0) memcpy(v + i * m, f->v + asked[i] * m, m * sizeof *v);
            p[i] = f->p[asked[i]];
        }
        TRY(gp_features_given(&queries, f->kernel, point, v, p, n, (uint32_t)m, f->tiles, env, err));
        question.queries = &queries;
        question.self = asked;
    }
    if (listing->plain) TRY(gp_correlation(list, distance, count, &question, &done_so, env, err));
    else TRY(gp_residual(list, distance, count, &question, &done_so, env, err));
    if (work) work->pairs += done_so.pairs;
    if (work) work->nodes += done_so.nodes;
done:
    if (queries.env) gp_features_free(&queries);
    base_free(env, point);
    base_free(env, v);
    base_free(env, p);
    return status;
}

static int all_rows(uint32_t **all, const struct query_neighbours *g, const struct base_env *env, struct pcct_error *err)
{
    int status = base_take(all, env, g->n, sizeof **all, err);

    for (uint32_t row = 0; status == 0 && row < g->n; row++) (*all)[row] = row;
    return status;
}

int gp_lists_make(struct query_neighbours *neighbours, size_t k, const struct gp_listing *listing, struct gp_work *work,
                       const struct base_env *env, struct pcct_error *err)
{
    uint32_t *all = NULL;
    int status = 0;

    TRY(query_neighbours_rows(neighbours, k, listing->state, listing->node, env, err));
    TRY(all_rows(&all, neighbours, env, err));
    if (neighbours->n == 0) goto done;
    TRY(ask(neighbours->list, neighbours->distance, neighbours->count, neighbours, k, listing, NULL, neighbours->n, all, neighbours->n, NULL, work,
            env, err));
done:
    base_free(env, all);
    return status;
}

/* ---- lists from elsewhere ----------------------------------------------------------------------------------------------------------------- */

struct adopting {
    const struct query_neighbours *g;
    const struct gp_listing *listing;
    uint64_t *bad; /* [n] 1: the row's list is none */
};

/* Some entries of a row, at most 8, after the one before them, which becomes the last of them. */
static int are_entries(const struct adopting *a, uint32_t row, const int64_t *list, const double *distance, unsigned n,
                       struct base_topk_entry *before)
{
    uint32_t other[GP_ROWS];
    double key[GP_ROWS];

    for (unsigned i = 0; i < n; i++) {
        other[i] = row_of(a->g, list[i]);
        if (other[i] == INDEX_NONE || other[i] == row) return 0;
    }
    keys_of(key, a->listing, row, other, n);
    for (unsigned i = 0; i < n; i++) {
        const struct base_topk_entry at = { key[i], list[i] };
        double due = 0;

        distances_of(&due, a->listing, &at, 1);
        if (!base_topk_less(before, &at) || due != distance[i]) return 0;
        *before = at;
    }
    return 1;
}

static int is_list(const struct adopting *a, uint32_t row)
{
    const struct query_neighbours *g = a->g;
    const size_t others = g->n - 1, due = g->k < others ? g->k : others, first = (size_t)row * g->k;
    struct base_topk_entry before = { -1, 0 };

    if (g->count[row] < 0 || (size_t)g->count[row] != due) return 0;
    for (size_t i = 0; i < due; i += GP_ROWS) {
        const unsigned some = due - i < GP_ROWS ? (unsigned)(due - i) : GP_ROWS;

        if (!are_entries(a, row, g->list + first + i, g->distance + first + i, some, &before)) return 0;
    }
    return 1;
}

static void check_lists(void *ctx, size_t begin, size_t end, int thread)
{
    struct adopting *a = ctx;

    (void)thread;
    for (size_t row = begin; row < end; row++) a->bad[row] = !is_list(a, (uint32_t)row);
}

int gp_lists_adopt(struct query_neighbours *g, size_t k, const struct gp_listing *listing, const int64_t *list, const double *distance,
                        const int32_t *count, const struct base_env *env, struct pcct_error *err)
{
    struct adopting adopting = { g, listing, NULL };
    int status = 0;

    TRY(query_neighbours_rows(g, k, listing->state, listing->node, env, err));
    TRY(base_take(&adopting.bad, env, g->n, sizeof *adopting.bad, err));
    for (size_t row = 0; row < g->n; row++) g->count[row] = count[row];
    for (size_t i = 0; i < g->n * k; i++) {
        const int used = count[i / k] >= 0 && i % k < (size_t)count[i / k];

        g->list[i] = used ? list[i] : -1;
        g->distance[i] = used ? distance[i] : (double)INFINITY;
    }
    base_par_for(env, g->n, GRAIN, check_lists, &adopting);
    for (uint32_t row = 0; row < g->n; row++) {
        if (!adopting.bad[row]) continue;
        TRY(base_fail(err, PCCT_E_INVALID, "the neighbours of label %" PRId64 " are not those of this version under this kernel; make the graph anew",
                      g->label[row]));
    }
done:
    base_free(env, adopting.bad);
    return status;
}

/* ---- from state to state ------------------------------------------------------------------------------------------------------------------ */

struct renewing {
    const struct query_neighbours *old;
    struct query_neighbours fresh;
    const struct gp_listing *listing;
    struct query_match match;
    uint8_t *stale;              /* [fresh.n] 1: to be asked for anew */
    uint32_t *row;               /* [fresh.n] first those that are asked for, then those that stay */
    size_t asked;
    uint32_t *before;            /* [fresh.n][k] the old lists, rows of now */
    uint32_t *came;              /* [n_came] */
    size_t n_came;
    double *panel;               /* those, in panels of 16: v, x, isp */
    size_t panel_items;
    struct base_topk_entry *hit; /* [threads][GP_ROWS][k] those that come to a row */
    double *distance;            /* [threads][k] theirs */
};

/* A row whose list has all that it had; the labels of those that were replaced are no more what they were. */
static int is_whole(const struct renewing *r, uint32_t row)
{
    const struct query_neighbours *old = r->old;
    const uint32_t before = r->match.before[row];

    if (before == INDEX_NONE) return 0;
    for (int32_t i = 0; i < old->count[before]; i++) {
        if (r->match.after[row_of(old, old->list[(size_t)before * old->k + (size_t)i])] == INDEX_NONE) return 0;
    }
    return 1;
}

static void look_for_stale(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;

    (void)thread;
    for (size_t row = begin; row < end; row++) r->stale[row] = !is_whole(r, (uint32_t)row);
}

static int sort_out(struct renewing *r, int same, const struct base_env *env, struct pcct_error *err)
{
    const uint32_t n = r->fresh.n;
    size_t end = n;
    int status = 0;

    TRY(query_match_rows(&r->match, r->old, &r->fresh, env, err));
    TRY(base_take(&r->stale, env, n, sizeof *r->stale, err));
    TRY(base_take(&r->row, env, n, sizeof *r->row, err));
    TRY(base_take(&r->came, env, n, sizeof *r->came, err));
    memset(r->stale, 1, n);
    if (same && r->match.came <= n / ANEW) base_par_for(env, n, GRAIN, look_for_stale, r);
    for (uint32_t row = 0; row < n; row++) {
        if (r->stale[row]) r->row[r->asked++] = row;
        else r->row[--end] = row;
        if (r->match.before[row] == INDEX_NONE) r->came[r->n_came++] = row;
    }
done:
    return status;
}

/* The old lists as rows of now, for a search to begin with. */
static void recall_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;
    const struct query_neighbours *old = r->old;
    const size_t k = r->fresh.k;

    (void)thread;
    for (size_t row = begin; row < end; row++) {
        const uint32_t was = r->match.before[row];

        for (size_t i = 0; i < k; i++) {
            const int used = was != INDEX_NONE && (int64_t)i < old->count[was];

            r->before[row * k + i] = used ? r->match.after[row_of(old, old->list[(size_t)was * k + i])] : GP_NOBODY;
        }
    }
}

static int ask_stale(struct renewing *r, struct gp_work *work, const struct base_env *env, struct pcct_error *err)
{
    struct query_neighbours *g = &r->fresh;
    const size_t k = g->k;
    uint32_t *all = NULL, *before = NULL;
    int64_t *list = NULL;
    double *distance = NULL;
    int32_t *count = NULL;
    int status = 0;

    if (r->asked == 0) goto done;
    TRY(all_rows(&all, g, env, err));
    if (r->asked == g->n) {
        TRY(base_take(&before, env, g->n * k, sizeof *before, err));
        r->before = before;
        base_par_for(env, g->n, GRAIN, recall_rows, r);
        TRY(ask(g->list, g->distance, g->count, g, k, r->listing, NULL, g->n, all, g->n, before, work, env, err));
        goto done;
    }
    TRY(base_take(&list, env, r->asked * k, sizeof *list, err));
    TRY(base_take(&distance, env, r->asked * k, sizeof *distance, err));
    TRY(base_take(&count, env, r->asked, sizeof *count, err));
    TRY(ask(list, distance, count, g, k, r->listing, r->row, r->asked, all, g->n, NULL, work, env, err));
    for (size_t i = 0; i < r->asked; i++) {
        memcpy(g->list + r->row[i] * k, list + i * k, k * sizeof *list);
        memcpy(g->distance + r->row[i] * k, distance + i * k, k * sizeof *distance);
        g->count[r->row[i]] = count[i];
    }
done:
    base_free(env, all);
    base_free(env, before);
    base_free(env, list);
    base_free(env, distance);
    base_free(env, count);
    return status;
}

static struct base_topk_entry entry_of(const struct renewing *r, uint32_t row, int64_t label)
{
    return (struct base_topk_entry){ key_of(r->listing, row, row_of(&r->fresh, label)), label };
}

/* The k least of what a row had and of those that came, both in order. */
static void merge(struct renewing *r, uint32_t row, const struct base_topk_entry *hit, const double *hit_distance, size_t hits)
{
    struct query_neighbours *g = &r->fresh;
    const struct query_neighbours *old = r->old;
    const size_t k = g->k, from = (size_t)r->match.before[row] * k, to = (size_t)row * k, had = (size_t)old->count[r->match.before[row]];
    const size_t n = had + hits < k ? had + hits : k;
    struct base_topk_entry entry = { 0, 0 };

    for (size_t at = 0, i = 0, j = 0, looked_up = SIZE_MAX; at < k; at++) {
        if (i < had && j < hits && looked_up != i) entry = entry_of(r, row, old->list[from + i]);
        looked_up = i;
        if (at >= n) {
            g->list[to + at] = -1;
            g->distance[to + at] = (double)INFINITY;
        } else if (i < had && (j == hits || base_topk_less(&entry, &hit[j]))) {
            g->list[to + at] = old->list[from + i];
            g->distance[to + at] = old->distance[from + i++];
        } else {
            g->list[to + at] = hit[j].id;
            g->distance[to + at] = hit_distance[j++];
        }
    }
    g->count[row] = (int32_t)n;
}

/* The points that came, as tiles take them; lanes without a point have no number for isp. */
static int lay_out(struct renewing *r, const struct base_env *env, struct pcct_error *err)
{
    const struct gp_features *f = r->listing->points;
    const size_t m = f->form.m, dim = f->form.dim, panels = (r->n_came + GP_LANES - 1) / GP_LANES;
    int status = 0;

    r->panel_items = (m + dim + 1) * GP_LANES;
    TRY(base_take_zero(&r->panel, env, panels * r->panel_items, sizeof *r->panel, err));
    for (size_t i = 0; i < panels * GP_LANES; i++) {
        double *to = r->panel + i / GP_LANES * r->panel_items + i % GP_LANES;
        const uint32_t row = i < r->n_came ? r->came[i] : INDEX_NONE;

        for (size_t l = 0; row != INDEX_NONE && l < m; l++) to[l * GP_LANES] = f->v[row * m + l];
        for (size_t j = 0; row != INDEX_NONE && j < dim; j++) to[(m + j) * GP_LANES] = gp_features_row(f, row).x[j];
        to[(m + dim) * GP_LANES] = row != INDEX_NONE ? f->isp[row] : (double)NAN;
    }
done:
    return status;
}

/* keys[rows][16] of rows and a panel, NaN in lanes without a point. */
static void panel_keys(double *key, const struct renewing *r, const uint32_t *row, unsigned rows, size_t panel)
{
    const struct gp_features *f = r->listing->points;
    const size_t m = f->form.m, dim = f->form.dim, first = panel * GP_LANES;
    const double *at = r->panel + panel * r->panel_items;
    const struct gp_panel points = { at, at + m * GP_LANES, at + (m + dim) * GP_LANES };
    struct gp_row tile[GP_ROWS];

    for (unsigned i = 0; i < rows; i++) tile[i] = gp_features_row(f, row[i]);
    if (!r->listing->plain) gp_rho_tile(key, f, tile, rows, &points, NULL);
    for (unsigned i = 0; i < rows * GP_LANES; i++) {
        if (first + i % GP_LANES >= r->n_came) key[i] = (double)NAN;
        else if (r->listing->plain) key[i] = key_of(r->listing, row[i / GP_LANES], r->came[first + i % GP_LANES]);
        else key[i] = gp_key(key[i]);
    }
}

/* Up to 8 rows that stay, with what of those that came goes into their lists. */
static void take_in(struct renewing *r, const uint32_t *row, unsigned rows, struct base_topk_entry *hit, double *distance)
{
    const struct query_neighbours *old = r->old;
    const size_t k = old->k;
    struct base_topk top[GP_ROWS];
    struct base_topk_entry last[GP_ROWS];
    _Alignas(64) double key[GP_ROWS * GP_LANES];

    for (unsigned i = 0; i < rows; i++) {
        const size_t before = r->match.before[row[i]];

        base_topk_start(&top[i], hit + i * k, k);
        last[i] = (struct base_topk_entry){ (double)INFINITY, INT64_MAX };
        if ((size_t)old->count[before] == k) last[i] = entry_of(r, row[i], old->list[before * k + k - 1]);
    }
    for (size_t panel = 0; panel * GP_LANES < r->n_came; panel++) {
        panel_keys(key, r, row, rows, panel);
        for (unsigned i = 0; i < rows * GP_LANES; i++) {
            struct base_topk_entry at = { key[i], 0 };

            if (!(at.key <= last[i / GP_LANES].key)) continue;
            at.id = r->fresh.label[r->came[panel * GP_LANES + i % GP_LANES]];
            if (base_topk_less(&at, &last[i / GP_LANES])) base_topk_offer(&top[i / GP_LANES], at.key, at.id);
        }
    }
    for (unsigned i = 0; i < rows; i++) {
        base_topk_finish(&top[i]);
        distances_of(distance, r->listing, top[i].entry, top[i].count);
        merge(r, row[i], top[i].entry, distance, top[i].count);
    }
}

static void keep_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct renewing *r = ctx;
    const size_t k = r->fresh.k;

    for (size_t at = begin; at < end; at += GP_ROWS) {
        take_in(r, r->row + r->asked + at, end - at < GP_ROWS ? (unsigned)(end - at) : GP_ROWS, r->hit + (size_t)thread * GP_ROWS * k,
                r->distance + (size_t)thread * k);
    }
}

static int keep_others(struct renewing *r, struct gp_work *work, const struct base_env *env, struct pcct_error *err)
{
    const size_t stay = r->fresh.n - r->asked, threads = (size_t)base_par_threads(env);
    int status = 0;

    if (stay == 0) goto done;
    TRY(lay_out(r, env, err));
    TRY(base_take(&r->hit, env, threads * GP_ROWS * r->fresh.k, sizeof *r->hit, err));
    TRY(base_take(&r->distance, env, threads * r->fresh.k, sizeof *r->distance, err));
    base_par_for(env, stay, GRAIN, keep_rows, r);
    TRY(base_watch_check(env, err));
    if (work) work->pairs += stay * r->n_came;
done:
    return status;
}

int gp_lists_renew(struct query_renewal *renewal, struct query_neighbours *neighbours, const struct gp_listing *listing, int same,
                        query_change_visitor *visit, void *ctx, struct gp_work *work, const struct base_env *env, struct pcct_error *err)
{
    struct renewing r = { .old = neighbours, .listing = listing };
    struct query_neighbours old;
    int status = 0;

    assert(!same || listing->points->form.shape != GP_CUSTOM);
    TRY(query_neighbours_rows(&r.fresh, neighbours->k, listing->state, listing->node, env, err));
    TRY(sort_out(&r, same, env, err));
    TRY(ask_stale(&r, work, env, err));
    TRY(keep_others(&r, work, env, err));
    *renewal = (struct query_renewal){ .gone = r.match.gone, .came = r.match.came, .asked = r.asked };
    renewal->changed = query_tell_changes(&r.match, neighbours, &r.fresh, NULL, visit, ctx);
    old = *neighbours;
    *neighbours = r.fresh;
    r.fresh = old;
done:
    query_match_free(&r.match, env);
    base_free(env, r.stale);
    base_free(env, r.row);
    base_free(env, r.came);
    base_free(env, r.panel);
    base_free(env, r.hit);
    base_free(env, r.distance);
    query_neighbours_free(&r.fresh, env);
    return status;
}
