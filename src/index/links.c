/* SPDX-License-Identifier: Apache-2.0 */
#include "index/links.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"

#include <assert.h>
#include <stdlib.h>

enum { GRAIN = 1024, ROW_GRAIN = 16384, FEW = 32, AHEAD = 8 };

/* Two stable sorts, since parent, level and node do not fit into one key. */
int index_links_sort(struct index_link *links, size_t n, const struct base_env *env, struct pcct_error *err)
{
    struct base_pair *pair = NULL;
    struct index_link *sorted = NULL;
    int status = 0;

    if (n < 2) return 0;
    TRY(base_take(&pair, env, n, sizeof *pair, err));
    TRY(base_take(&sorted, env, n, sizeof *sorted, err));
    for (size_t i = 0; i < n; i++) pair[i] = (struct base_pair){ (uint64_t)links[i].order << 32 | ~links[i].node, i };
    TRY(base_sort_pairs(pair, n, env, err));
    for (size_t i = 0; i < n; i++) pair[i].key = links[pair[i].value].parent;
    TRY(base_sort_pairs(pair, n, env, err));
    for (size_t i = 0; i < n; i++) sorted[i] = links[pair[i].value];
    for (size_t i = 0; i < n; i++) links[i] = sorted[i];
done:
    base_free(env, sorted);
    base_free(env, pair);
    return status;
}

struct group_work {
    struct index_state *state;
    const struct index_link *link;
    size_t n;
    void (*group)(struct index_state *state, const struct index_link *link, size_t n);
};

/* A group belongs to the piece in which it begins. */
static void each_group(void *ctx, size_t begin, size_t end, int thread)
{
    struct group_work *work = ctx;
    const struct index_link *link = work->link;
    size_t at = begin;

    (void)thread;
    while (at > 0 && at < end && link[at - 1].parent == link[at].parent) at++;
    while (at < end) {
        size_t stop = at + 1;

        while (stop < work->n && link[stop].parent == link[at].parent) stop++;
        if (stop + AHEAD < work->n) __builtin_prefetch(&index_child(work->state)[link[stop + AHEAD].parent], 1); /* parents stand anywhere */
        if (index_is_live(work->state, link[at].parent)) work->group(work->state, link + at, stop - at);
        at = stop;
    }
}

static void remove_group(struct index_state *state, const struct index_link *link, size_t n)
{
    uint32_t *next = index_next(state), *at = &index_child(state)[link[0].parent];
    size_t k = 0;

    while (k < n && *at != INDEX_NONE) {
        if (*at == link[k].node) {
            *at = next[link[k].node];
            next[link[k++].node] = INDEX_NONE;
        } else {
            at = &next[*at];
        }
    }
    assert(k == n); /* T4: each stood there, in this order */
}

static void add_group(struct index_state *state, const struct index_link *link, size_t n)
{
    uint32_t *next = index_next(state), *at = &index_child(state)[link[0].parent];

    for (size_t k = 0; k < n; k++) {
        while (*at != INDEX_NONE && index_list_before(state, *at, link[k].node)) at = &next[*at];
        next[link[k].node] = *at;
        *at = link[k].node;
        at = &next[link[k].node];
    }
}

void index_links_remove(struct index_state *state, const struct index_link *links, size_t n)
{
    struct group_work work = { state, links, n, remove_group };

    base_par_for(state->env, n, GRAIN, each_group, &work);
}

void index_links_add(struct index_state *state, const struct index_link *links, size_t n)
{
    struct group_work work = { state, links, n, add_group };

    base_par_for(state->env, n, GRAIN, each_group, &work);
}

/* ---- all lists anew ----------------------------------------------------------------------------------------------------------------------- */

struct rebuilding {
    struct index_state *state;
    uint32_t *parent;         /* by node; state->n: it stands in no list */
    uint32_t *node, *start;   /* nodes grouped by parent, ascending; where the group of a parent begins */
    uint64_t *place;          /* by position in node: for sorting, places in the list */
};

static void note_parents(void *ctx, size_t begin, size_t end, int thread)
{
    struct rebuilding *work = ctx;
    const struct index_state *state = work->state;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int listed = index_is_live(state, (uint32_t)i) && index_parent(state)[i] != INDEX_NONE && index_is_live(state, index_parent(state)[i]);

        work->parent[i] = listed ? index_parent(state)[i] : state->n;
        index_next(state)[i] = INDEX_NONE;
    }
}

static int by_place(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* By insertion while there are few. */
static void sort_places(uint64_t *place, size_t n)
{
    if (n > FEW) {
        qsort(place, n, sizeof *place, by_place);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint64_t p = place[i];
        size_t at = i;

        for (; at > 0 && place[at - 1] > p; at--) place[at] = place[at - 1];
        place[at] = p;
    }
}

static void list_children(void *ctx, size_t begin, size_t end, int thread)
{
    struct rebuilding *work = ctx;
    const struct index_state *state = work->state;

    (void)thread;
    for (size_t parent = begin; parent < end; parent++) {
        size_t first = work->start[parent], stop = work->start[parent + 1];
        uint32_t *at = &index_child(state)[parent];

        for (size_t i = first; i < stop; i++) {
            work->place[i] = (uint64_t)index_list_order(index_level(state)[work->node[i]]) << 32 | (uint32_t)~work->node[i];
        }
        sort_places(work->place + first, stop - first);
        for (size_t i = first; i < stop; i++) {
            *at = ~(uint32_t)work->place[i];
            at = &index_next(state)[*at];
        }
        *at = INDEX_NONE;
    }
}

int index_links_rebuild(struct index_state *state, struct pcct_error *err)
{
    struct rebuilding work = { state, NULL, NULL, NULL, NULL };
    const struct base_env *env = state->env;
    int status = 0;

    TRY(base_take(&work.parent, env, state->n, sizeof *work.parent, err));
    TRY(base_take(&work.node, env, state->n, sizeof *work.node, err));
    TRY(base_take(&work.start, env, (size_t)state->n + 2, sizeof *work.start, err));
    TRY(base_take(&work.place, env, state->n, sizeof *work.place, err));
    base_par_for(env, state->n, ROW_GRAIN, note_parents, &work);
    TRY(base_group(work.node, work.start, work.parent, state->n, (size_t)state->n + 1, env, err));
    base_par_for(env, state->n, GRAIN, list_children, &work);
done:
    base_free(env, work.place);
    base_free(env, work.start);
    base_free(env, work.node);
    base_free(env, work.parent);
    return status;
}
