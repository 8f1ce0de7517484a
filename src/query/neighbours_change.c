/* SPDX-License-Identifier: Apache-2.0 */
#include "query/neighbours_change.h"

#include "base/memory.h"

#include <string.h>

static const double *place_of(const struct query_neighbours *g, uint32_t row)
{
    return g->place + (size_t)row * g->dim;
}

int query_match_rows(struct query_match *match, const struct query_neighbours *old, const struct query_neighbours *fresh, const struct base_env *env,
                     struct pcct_error *err)
{
    uint32_t a = 0, b = 0;
    int status = 0;

    memset(match, 0, sizeof *match);
    TRY(base_take(&match->before, env, fresh->n, sizeof *match->before, err));
    TRY(base_take(&match->after, env, old->n, sizeof *match->after, err));
    TRY(base_take(&match->replaced, env, old->n < fresh->n ? old->n : fresh->n, sizeof *match->replaced, err));
    while (a < old->n || b < fresh->n) { /* both ascend by label */
        const int has_old = a < old->n && (b == fresh->n || old->label[a] <= fresh->label[b]);
        const int has_fresh = b < fresh->n && (a == old->n || fresh->label[b] <= old->label[a]);
        const int stays = has_old && has_fresh && memcmp(place_of(old, a), place_of(fresh, b), old->dim * sizeof(double)) == 0;

        if (has_old) match->after[a] = stays ? b : INDEX_NONE;
        if (has_fresh) match->before[b] = stays ? a : INDEX_NONE;
        if (has_old && has_fresh && !stays) match->replaced[match->n_replaced++] = old->label[a];
        match->gone += has_old && !stays;
        match->came += has_fresh && !stays;
        a += (uint32_t)has_old;
        b += (uint32_t)has_fresh;
    }
done:
    return status;
}

void query_match_free(struct query_match *match, const struct base_env *env)
{
    base_free(env, match->before);
    base_free(env, match->after);
    base_free(env, match->replaced);
    memset(match, 0, sizeof *match);
}

static int was_replaced(const struct query_match *match, int64_t label)
{
    size_t low = 0, high = match->n_replaced;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (match->replaced[middle] < label) low = middle + 1;
        else high = middle;
    }
    return low < match->n_replaced && match->replaced[low] == label;
}

static int differs(const struct query_match *match, const struct query_change *c)
{
    if (!c->before || !c->after || c->count_before != c->count_after || was_replaced(match, c->label)) return 1;
    for (int32_t i = 0; i < c->count_after; i++) {
        if (c->before[i] != c->after[i] || c->distance_before[i] != c->distance_after[i] || was_replaced(match, c->after[i])) return 1;
    }
    return 0;
}

static void tell_before(struct query_change *change, const struct query_neighbours *g, uint32_t row)
{
    change->label = g->label[row];
    change->before = g->list + (size_t)row * g->k;
    change->distance_before = g->distance + (size_t)row * g->k;
    change->count_before = g->count[row];
}

static void tell_after(struct query_change *change, const struct query_neighbours *g, uint32_t row)
{
    change->label = g->label[row];
    change->after = g->list + (size_t)row * g->k;
    change->distance_after = g->distance + (size_t)row * g->k;
    change->count_after = g->count[row];
}

uint64_t query_tell_changes(const struct query_match *match, const struct query_neighbours *old, const struct query_neighbours *fresh,
                            const uint8_t *touched, query_change_visitor *visit, void *ctx)
{
    uint64_t changed = 0;
    uint32_t a = 0, b = 0;
    int go_on = visit != NULL;

    while (a < old->n || b < fresh->n) {
        const int has_old = a < old->n && (b == fresh->n || old->label[a] <= fresh->label[b]);
        const int has_fresh = b < fresh->n && (a == old->n || fresh->label[b] <= old->label[a]);
        struct query_change change = { .before = NULL };

        if (has_old) tell_before(&change, old, a++);
        if (has_fresh) tell_after(&change, fresh, b++);
        if (has_old && has_fresh && touched && !touched[b - 1]) continue;
        if (!differs(match, &change)) continue;
        changed++;
        if (go_on) go_on = visit(ctx, &change) == 0;
    }
    return changed;
}
