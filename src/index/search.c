/* SPDX-License-Identifier: Apache-2.0 */
#include "index/search.h"

#include "metric/custom.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { TOGETHER = 64 }; /* distances that are evaluated at once: the limit can fall between two such calls */

/* Four times the promise of metric/custom.h: twice for two triangles one after the other, the rest for the rounding here. */
#define SLACK (4 * METRIC_TRUST)

/* A node that was met, whose children were not yet. */
struct stop {
    double bound;    /* no node below is nearer to the query */
    double distance; /* its own */
    uint32_t node;
};

/* What is looked for: told of each node that is met, it lowers the limit beyond which nothing is wanted. */
struct goal {
    double limit;
    int reaching; /* only nodes whose reach the query is within */
    int over;
    uint32_t self;
    void (*meet)(struct goal *goal, uint32_t node, double key);
    const struct index_state *state;
    const struct index_wish *wish;
    struct block_hit *best;
    struct base_topk *top;
    block_visitor *visit;
    void *ctx;
};

void index_search_start(struct index_search *search, const struct index_state *state)
{
    *search = (struct index_search){ .state = state };
    search->heap.item_bytes = sizeof(struct stop);
}

void index_search_free(struct index_search *search)
{
    base_vector_free(&search->heap, search->state->env);
}

/* ---- the heap: least bound first, then the nearer, then the lesser node ---------------------------------------------------------------------- */

static int before(const struct stop *a, const struct stop *b)
{
    if (a->bound != b->bound) return a->bound < b->bound;
    return a->distance != b->distance ? a->distance < b->distance : a->node < b->node;
}

static int push(struct index_search *search, const struct stop *stop, struct pcct_error *err)
{
    struct stop *heap = NULL, *place = NULL;
    size_t hole = search->heap.count;
    int status = 0;

    TRY(base_vector_add(&place, &search->heap, search->state->env, 1, err));
    heap = search->heap.memory.data;
    for (; hole > 0 && before(stop, &heap[(hole - 1) / 2]); hole = (hole - 1) / 2) heap[hole] = heap[(hole - 1) / 2];
    heap[hole] = *stop;
done:
    return status;
}

static struct stop pop(struct index_search *search)
{
    struct stop *heap = search->heap.memory.data, first = heap[0], last = heap[--search->heap.count];
    size_t n = search->heap.count, hole = 0;

    for (size_t child = 1; child < n; child = 2 * hole + 1) {
        if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &last)) break;
        heap[hole] = heap[child];
        hole = child;
    }
    if (n > 0) heap[hole] = last;
    return first;
}

/* ---- bounds ---------------------------------------------------------------------------------------------------------------------------------- */

/* No distance from q to what is within `radius` of a point that is `pdist` from one at `distance` from q is below this. pdist 0: it is that point. */
static double least(double distance, double pdist, double radius)
{
    return fabs(distance - pdist) - radius - SLACK * (distance + pdist + radius);
}

/* How far from the query a node may be, or, `below`, what hangs below it: by the limit and, where reaches count, by the levels there can be. */
static double range_of(const struct goal *goal, uint32_t node, int below)
{
    const struct index_state *s = goal->state;
    int16_t level = index_level(s)[node];
    double reach;

    if (!goal->reaching || node == s->root) return goal->limit; /* the root's own level is settled after its children's */
    if (level - below < METRIC_LEVEL_MIN + INDEX_LEVEL_BIAS) return -(double)INFINITY;
    reach = index_level_reach(&s->metric, (int16_t)(level - below));
    return reach < goal->limit ? reach : goal->limit;
}

/* ---- the walk -------------------------------------------------------------------------------------------------------------------------------- */

/* Children of a node that are evaluated together. */
struct litter {
    uint32_t node[TOGETHER];
    const double *row[TOGETHER];
    double key[TOGETHER];
    size_t n;
};

/* Evaluates them, tells the goal, and keeps those below which there can be more. */
static int meet_all(struct litter *litter, struct index_search *search, struct goal *goal, const double *q, struct pcct_error *err)
{
    const struct index_state *s = search->state;
    int status = 0;

    metric_custom_keys(litter->key, &s->metric, q, litter->row, litter->n);
    search->distances += litter->n;
    for (size_t i = 0; i < litter->n && !goal->over; i++) {
        uint32_t node = litter->node[i];
        struct stop stop = { 0, litter->key[i], node };

        if (node != goal->self) goal->meet(goal, node, stop.distance);
        if (index_child(s)[node] == INDEX_NONE) continue;
        stop.bound = least(stop.distance, 0, index_radius(s)[node]);
        if (stop.bound < 0) stop.bound = 0;
        if (stop.bound <= range_of(goal, node, 1)) TRY(push(search, &stop, err));
    }
done:
    litter->n = 0;
    return status;
}

static int look_below(struct index_search *search, struct goal *goal, const struct stop *stop, const double *q, struct pcct_error *err)
{
    const struct index_state *s = search->state;
    struct litter litter;
    int status = 0;

    litter.n = 0;
    search->nodes++;
    for (uint32_t c = index_child(s)[stop->node]; c != INDEX_NONE && !goal->over; c = index_next(s)[c]) {
        if (goal->reaching && index_level(s)[c] == INDEX_LEVEL_TWIN) break; /* they reach nothing and stand last */
        if (least(stop->distance, index_pdist(s)[c], index_radius(s)[c]) > range_of(goal, c, 0)) continue;
        litter.node[litter.n] = c;
        litter.row[litter.n++] = index_place(s, c);
        if (litter.n == TOGETHER) TRY(meet_all(&litter, search, goal, q, err));
    }
    if (!goal->over) TRY(meet_all(&litter, search, goal, q, err));
done:
    return status;
}

static int walk(struct index_search *search, struct goal *goal, const double *q, struct pcct_error *err)
{
    struct litter first = { .n = 0 };
    int status = 0;

    search->heap.count = 0;
    goal->state = search->state;
    if (search->state->root == INDEX_NONE) return 0;
    first.node[0] = search->state->root;
    first.row[0] = index_place(search->state, search->state->root);
    first.n = 1;
    TRY(meet_all(&first, search, goal, q, err));
    while (search->heap.count > 0 && !goal->over) {
        struct stop stop = pop(search);

        if (stop.bound > goal->limit) break;
        TRY(look_below(search, goal, &stop, q, err));
    }
done:
    return status;
}

/* ---- what is looked for ---------------------------------------------------------------------------------------------------------------------- */

static void meet_nearest(struct goal *goal, uint32_t node, double key)
{
    if (key > index_node_reach(goal->state, node)) return;
    if (key > goal->best->key || (key == goal->best->key && node > goal->best->node)) return;
    *goal->best = (struct block_hit){ key, node };
    goal->limit = key;
}

int index_search_nearest(struct block_hit *best, struct index_search *search, const double *q, struct pcct_error *err)
{
    struct goal goal = { .limit = (double)INFINITY, .reaching = 1, .self = INDEX_NONE, .meet = meet_nearest, .best = best };

    *best = (struct block_hit){ (double)INFINITY, BLOCK_NONE };
    return walk(search, &goal, q, err);
}

static void meet_visit(struct goal *goal, uint32_t node, double key)
{
    if (key > goal->limit || key > index_level_reach(&goal->state->metric, index_level(goal->state)[node])) return;
    goal->over = goal->visit(goal->ctx, node, key) != 0;
}

int index_search_visit(struct index_search *search, const double *q, double limit, block_visitor *visit, void *ctx, struct pcct_error *err)
{
    struct goal goal = { .limit = limit, .reaching = 1, .self = INDEX_NONE, .meet = meet_visit, .visit = visit, .ctx = ctx };

    return walk(search, &goal, q, err);
}

static int asked_for(const struct goal *goal, uint32_t node, double key)
{
    return key <= goal->limit && (!goal->wish->rank || goal->wish->rank[node] < goal->wish->below);
}

static void meet_top(struct goal *goal, uint32_t node, double key)
{
    if (!asked_for(goal, node, key)) return;
    base_topk_offer(goal->top, key, index_label(goal->state)[node]);
    if (goal->top->limit < goal->limit) goal->limit = goal->top->limit;
}

int index_search_knn(struct base_topk *top, struct index_search *search, const struct index_wish *wish, struct pcct_error *err)
{
    struct goal goal = { .limit = wish->limit, .self = wish->self, .meet = meet_top, .wish = wish, .top = top };

    return walk(search, &goal, wish->q, err);
}

static void meet_within(struct goal *goal, uint32_t node, double key)
{
    if (asked_for(goal, node, key)) goal->over = goal->visit(goal->ctx, node, key) != 0;
}

int index_search_within(struct index_search *search, const struct index_wish *wish, block_visitor *visit, void *ctx, struct pcct_error *err)
{
    struct goal goal = { .limit = wish->limit, .self = wish->self, .meet = meet_within, .wish = wish, .visit = visit, .ctx = ctx };

    return walk(search, &goal, wish->q, err);
}

/* ---- what the function may have done wrong ---------------------------------------------------------------------------------------------------- */

enum { WHO_BYTES = 64 };

/* "the point with label 7", or "query 3". */
static const char *name_row(char who[WHO_BYTES], const struct index_state *state, const double *queries, size_t nq, const double *row)
{
    size_t dim = state->metric.dim;
    uintptr_t at = (uintptr_t)row, first = (uintptr_t)index_places(state), query = (uintptr_t)queries;

    if (at >= query && at < query + nq * dim * sizeof(double)) {
        snprintf(who, WHO_BYTES, "query %zu (counted from 0)", (at - query) / (dim * sizeof(double)));
    } else {
        assert(at >= first && at < first + state->n * dim * sizeof(double));
        snprintf(who, WHO_BYTES, "the point with label %" PRId64, index_label(state)[(at - first) / (dim * sizeof(double))]);
    }
    return who;
}

int index_calls_check(const struct index_state *state, const double *queries, size_t nq, struct pcct_error *err)
{
    const struct metric_calls *calls = state->metric.calls;
    char a[WHO_BYTES], b[WHO_BYTES];

    if (!metric_is_custom(&state->metric) || !calls || !calls->faulty) return 0;
    return base_fail(err, PCCT_E_INVALID, "the metric \"%s\" says that %s and %s are %.17g apart; a distance is a number from 0 to below 2^512",
                     metric_called(&state->metric), name_row(a, state, queries, nq, calls->a), name_row(b, state, queries, nq, calls->b),
                     calls->value);
}

int index_calls_need(const struct metric *metric, struct pcct_error *err)
{
    if (metric_has_keys(metric)) return 0;
    return base_fail(err, PCCT_E_INVALID, "this needs distances, which are those of the custom metric \"%s\"; register its function: pcct_store_open "
                     "with pcct_open_options.custom", metric->custom.name);
}
