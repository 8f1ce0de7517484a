/* SPDX-License-Identifier: Apache-2.0 */
#include "index/links.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"

#include <assert.h>

enum { GRAIN = 1024, ROW_GRAIN = 16384 };

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

static void clear_links(void *ctx, size_t begin, size_t end, int thread)
{
    struct index_state *state = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) index_child(state)[i] = index_next(state)[i] = INDEX_NONE;
}

int index_links_rebuild(struct index_state *state, struct pcct_error *err)
{
    struct index_link *link = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&link, state->env, state->n, sizeof *link, err));
    for (uint32_t i = 0; i < state->n; i++) {
        if (!index_is_live(state, i) || index_parent(state)[i] == INDEX_NONE) continue;
        link[n++] = (struct index_link){ index_parent(state)[i], i, index_list_order(index_level(state)[i]) };
    }
    TRY(index_links_sort(link, n, state->env, err));
    base_par_for(state->env, state->n, ROW_GRAIN, clear_links, state);
    index_links_add(state, link, n);
done:
    base_free(state->env, link);
    return status;
}
