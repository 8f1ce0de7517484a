/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"
#include "tree/bulk.h"

#include <assert.h>
#include <math.h>

enum { GRAIN = 16, SEAT_GRAIN = 4096, FIRST_SHARE = 64, FIRST_LEAST = 256 };

/*
 * What is left at the beginning is more than 2^(scale - 1) apart, so whatever hangs on something within 2^scale here gets level scale - 1, and only
 * accepted nodes reach so far.
 */
struct rounds {
    struct tree_bulk *bulk;
    int scale;
    double limit;                 /* key of 2^scale */
    struct base_span all, round;  /* of the work: all rounds, this one */
    uint32_t *turn;               /* of those left at the beginning, ascending */
    uint32_t *item_turn;          /* the same, in the order of the list */
    struct block_layout accepted; /* over the first n_laid accepted ones */
    struct block_layout waiting;  /* over those of a prefix that no accepted one reaches */
    struct block_layout fresh;    /* over those accepted in this round */
    uint32_t *list;               /* accepted so far */
    size_t n_list;
    uint32_t *node;               /* the prefix: those that come in this round */
    struct block_hit *hit;        /* their nearest accepted ones before them */
    size_t n;
    uint32_t *candidate;
    size_t n_candidate;
};

/* ---- one round ---------------------------------------------------------------------------------------------------------------------------- */

/* What an accepted one of earlier rounds reaches. The last one's parent is near enough to start from. */
static void find_accepted(void *ctx, size_t begin, size_t end, int thread)
{
    struct rounds *r = ctx;
    const struct index_state *state = r->bulk->state;
    struct block_work work = { 0, 0, 0, 0 };
    uint32_t last = INDEX_NONE;

    (void)thread;
    if (base_watch_stopped(state->env)) return;
    for (size_t i = begin; i < end; i++) {
        const double *q = index_place(state, r->node[i]);
        struct block_hit best = { r->limit, BLOCK_NONE };

        if (last != INDEX_NONE) {
            double key = metric_key(&state->metric, q, index_place(state, last));

            if (key <= r->limit) best = (struct block_hit){ key, last };
        }
        block_nearest(&best, &r->accepted, &r->bulk->source, q, r->node[i], &work);
        r->hit[i] = best;
        last = best.node;
    }
    base_watch_add(state->env, BASE_STAT_searches, end - begin);
    tree_count_work(state->env, &work);
}

struct freshness {
    const struct rounds *rounds;
    struct block_hit *hit;
    uint32_t turn;
};

static int meet_fresh(void *ctx, uint32_t node, double key)
{
    struct freshness *f = ctx;

    if (f->rounds->bulk->turn[node] < f->turn && (key < f->hit->key || (key == f->hit->key && node < f->hit->node))) {
        *f->hit = (struct block_hit){ key, node };
    }
    return 0;
}

/* One that an accepted node reaches may have a nearer parent among those accepted in the same round before it. */
static void find_fresh(void *ctx, size_t begin, size_t end, int thread)
{
    struct rounds *r = ctx;
    struct block_work work = { 0, 0, 0, 0 };

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        struct freshness f = { r, &r->hit[i], r->bulk->turn[r->node[i]] };

        if (r->hit[i].node == BLOCK_NONE) continue;
        block_visit(&r->fresh, &r->bulk->source, index_place(r->bulk->state, r->node[i]), r->hit[i].key, meet_fresh, &f, &work);
        tree_bulk_seat(r->bulk, r->node[i], r->hit[i].node, r->hit[i].key);
    }
    tree_count_work(r->bulk->state->env, &work);
}

struct seating {
    const struct rounds *rounds;
    const struct tree_chunk *chunk;
};

static void seat_waiting(void *ctx, size_t begin, size_t end, int thread)
{
    const struct seating *work = ctx;
    const struct tree_chunk *chunk = work->chunk;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        if (chunk->parent[i] != INDEX_NONE) tree_bulk_seat(work->rounds->bulk, chunk->node[i], chunk->parent[i], chunk->key[i]);
    }
}

/* Candidates among themselves: the accepted ones join the list. *over = 1 and nothing done when there are too many pairs. */
static int settle_candidates(int *over, struct rounds *r, struct pcct_error *err)
{
    struct tree_bulk *bulk = r->bulk;
    struct tree_chunk chunk;
    struct seating work = { r, &chunk };
    int status = 0;

    *over = 0;
    if (r->n_candidate == 0) goto done;
    TRY(tree_bulk_lay_out(&r->waiting, bulk, r->candidate, r->n_candidate, err));
    TRY(tree_bulk_resolve(&chunk, over, bulk, &r->waiting, r->scale, err));
    if (*over) goto done;
    base_par_for(bulk->state->env, chunk.n, SEAT_GRAIN, seat_waiting, &work);
    for (size_t i = 0; i < chunk.n; i++) {
        if (chunk.parent[i] == INDEX_NONE) r->list[r->n_list++] = chunk.node[i];
    }
done:
    base_arena_clear(&bulk->arena);
    return status;
}

/* The nodes left whose turns are from turn[from] up to, but not, turn[to]. */
static void choose_prefix(struct rounds *r, size_t from, size_t to)
{
    const struct tree_bulk *bulk = r->bulk;
    uint32_t first = r->turn[from], last = r->turn[to - 1];

    r->n = 0;
    for (size_t i = 0; i < bulk->n_left; i++) {
        if (r->item_turn[i] >= first && r->item_turn[i] <= last) r->node[r->n++] = bulk->left[i];
    }
}

static int one_round(int *over, struct rounds *r, size_t from, size_t to, struct pcct_error *err)
{
    struct tree_bulk *bulk = r->bulk;
    const struct base_env *env = bulk->state->env;
    size_t before = r->n_list;
    int status = 0;

    base_watch_part(env, r->all, (double)from / (double)bulk->n_left, (double)to / (double)bulk->n_left);
    r->round = base_watch_span(env);
    base_watch_part(env, r->round, 0, 0.5);
    base_watch_stage(env, BASE_STAT_locate_seconds);
    choose_prefix(r, from, to);
    base_par_for(env, r->n, GRAIN, find_accepted, r);
    TRY(base_watch_check(env, err));
    r->n_candidate = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->hit[i].node == BLOCK_NONE) r->candidate[r->n_candidate++] = r->node[i];
    }
    base_watch_part(env, r->round, 0.5, 0.7);
    TRY(settle_candidates(over, r, err));
    if (*over) goto done;
    base_watch_part(env, r->round, 0.7, 1);
    TRY(tree_bulk_lay_out(&r->fresh, bulk, r->list + before, r->n_list - before, err));
    base_watch_stage(env, BASE_STAT_locate_seconds);
    base_par_for(env, r->n, GRAIN, find_fresh, r);
    TRY(tree_bulk_lay_out(&r->accepted, bulk, r->list, r->n_list, err));
done:
    return status;
}

/* ---- all of them -------------------------------------------------------------------------------------------------------------------------- */

static int sort_turns(struct rounds *r, struct pcct_error *err)
{
    const struct tree_bulk *bulk = r->bulk;
    const struct base_env *env = bulk->state->env;
    struct base_pair *pair = NULL;
    int status = 0;

    TRY(base_take(&pair, env, bulk->n_left, sizeof *pair, err));
    for (size_t i = 0; i < bulk->n_left; i++) {
        r->item_turn[i] = bulk->turn[bulk->left[i]];
        pair[i] = (struct base_pair){ r->item_turn[i], 0 };
    }
    TRY(base_sort_pairs(pair, bulk->n_left, env, err));
    for (size_t i = 0; i < bulk->n_left; i++) r->turn[i] = (uint32_t)pair[i].key;
done:
    base_free(env, pair);
    return status;
}

static int start(struct rounds *r, struct tree_bulk *bulk, struct pcct_error *err)
{
    const struct base_env *env = bulk->state->env;
    size_t n = bulk->n_left;
    int status = 0;

    r->bulk = bulk;
    r->all = base_watch_span(env);
    r->scale = bulk->scale + 1;
    r->limit = metric_reach(&bulk->state->metric, r->scale);
    TRY(base_take(&r->turn, env, n, sizeof *r->turn, err));
    TRY(base_take(&r->item_turn, env, n, sizeof *r->item_turn, err));
    TRY(base_take(&r->list, env, n, sizeof *r->list, err));
    TRY(base_take(&r->node, env, n, sizeof *r->node, err));
    TRY(base_take(&r->hit, env, n, sizeof *r->hit, err));
    TRY(base_take(&r->candidate, env, n, sizeof *r->candidate, err));
    TRY(sort_turns(r, err));
done:
    return status;
}

static void finish(struct rounds *r)
{
    const struct base_env *env = r->bulk->state->env;

    base_free(env, r->candidate);
    base_free(env, r->hit);
    base_free(env, r->node);
    base_free(env, r->list);
    base_free(env, r->item_turn);
    base_free(env, r->turn);
    block_free(&r->fresh);
    block_free(&r->waiting);
    block_free(&r->accepted);
}

int tree_bulk_rounds(struct tree_bulk *bulk, struct pcct_error *err)
{
    struct rounds r = { .bulk = bulk };
    const struct index_state *state = bulk->state;
    size_t at = 0, length = bulk->n_left / FIRST_SHARE > FIRST_LEAST ? bulk->n_left / FIRST_SHARE : FIRST_LEAST;
    int status = 0, over = 0;

    block_init(&r.accepted, state->env, &state->metric);
    block_init(&r.waiting, state->env, &state->metric);
    block_init(&r.fresh, state->env, &state->metric);
    TRY(start(&r, bulk, err));
    while (at < bulk->n_left) {
        if (length > bulk->n_left - at) length = bulk->n_left - at;
        TRY(one_round(&over, &r, at, at + length, err));
        if (over) {
            base_watch_add(state->env, BASE_STAT_sub_batches_halved, 1);
            length = (length + 1) / 2;
            continue;
        }
        at += length;
        length *= 2;
    }
    for (size_t i = 0; i < r.n_list; i++) bulk->left[i] = r.list[i];
    bulk->n_left = r.n_list;
    bulk->scale = r.scale;
done:
    finish(&r);
    return status;
}
