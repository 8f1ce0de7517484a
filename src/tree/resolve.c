/* SPDX-License-Identifier: Apache-2.0 */
#include "base/par.h"
#include "base/sort.h"
#include "tree/settle.h"

/* Parallel rounds while many wait; the rest in order, which needs no waiting: so long chains cost no more than sequential insertion. */
enum { GRAIN = 512, ROUNDS = 12, FEW = 512 };

struct resolution {
    struct tree_chunk *chunk;
    const struct tree_conflicts *conflicts;
    uint8_t *settled;     /* by rank; written with release after parent, key, level; read with acquire before they are */
    const uint32_t *wait; /* ranks that were not settled before this round */
    uint8_t *stays;       /* by position in wait */
};

static const struct tree_pair *pairs_of(const struct tree_conflicts *conflicts, uint32_t rank)
{
    const struct tree_pair *all = conflicts->pair[conflicts->owner[rank]].memory.data;

    return conflicts->count[rank] ? all + conflicts->start[rank] : NULL;
}

/* The nearest of the parent found in the tree and the items before it that are eligible at the level they ended on. Returns whether it is one
 * of the latter. */
static int settle(const struct resolution *r, uint32_t rank)
{
    struct tree_chunk *chunk = r->chunk;
    const struct metric *metric = &chunk->state->metric;
    const struct tree_pair *pair = pairs_of(r->conflicts, rank);
    double key = chunk->key[rank];
    uint32_t parent = chunk->parent[rank];
    int dominated = 0;

    for (uint32_t i = 0; i < r->conflicts->count[rank]; i++) {
        uint32_t node = chunk->node[pair[i].rank];

        if (pair[i].key > index_level_reach(metric, chunk->level[pair[i].rank])) continue;
        if (pair[i].key < key || (pair[i].key == key && node < parent)) {
            key = pair[i].key;
            parent = node;
            dominated = 1;
        }
    }
    if (parent != chunk->parent[rank]) {
        chunk->key[rank] = key;
        chunk->parent[rank] = parent;
        chunk->level[rank] = tree_level_of(metric, key);
    }
    __atomic_store_n(&r->settled[rank], 1, __ATOMIC_RELEASE); /* pairs with the acquire in ready() */
    return dominated;
}

static int ready(const struct resolution *r, uint32_t rank)
{
    const struct tree_pair *pair = pairs_of(r->conflicts, rank);

    for (uint32_t i = 0; i < r->conflicts->count[rank]; i++) {
        if (!__atomic_load_n(&r->settled[pair[i].rank], __ATOMIC_ACQUIRE)) return 0;
    }
    return 1;
}

static void round_of(void *ctx, size_t begin, size_t end, int thread)
{
    struct resolution *r = ctx;
    uint64_t dominated = 0;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        r->stays[i] = !ready(r, r->wait[i]);
        if (!r->stays[i]) dominated += (uint64_t)settle(r, r->wait[i]);
    }
    base_watch_add(r->chunk->state->env, BASE_STAT_dominated_items, dominated);
}

/* Items that are not numbered by the order, into it. */
static int sort_by_turn(uint32_t *rank, size_t n, const struct tree_chunk *chunk, struct pcct_error *err)
{
    struct base_pair *pair = NULL;
    int status = 0;

    if (!chunk->turn) return 0;
    TRY(base_arena_take(&pair, chunk->arena, n, sizeof *pair, err));
    for (size_t i = 0; i < n; i++) pair[i] = (struct base_pair){ chunk->turn[rank[i]], rank[i] };
    TRY(base_sort_pairs(pair, n, chunk->state->env, err));
    for (size_t i = 0; i < n; i++) rank[i] = (uint32_t)pair[i].value;
done:
    return status;
}

int tree_resolve(struct tree_chunk *chunk, const struct tree_conflicts *conflicts, struct pcct_error *err)
{
    struct resolution r = { .chunk = chunk, .conflicts = conflicts };
    uint32_t *wait = NULL;
    size_t waiting = 0;
    uint64_t rounds = 0, dominated = 0;
    int status = 0;

    tree_step(chunk, BASE_STAT_resolve_seconds, 0.65, 0.68);
    TRY(base_arena_take(&r.settled, chunk->arena, chunk->n, 1, err));
    TRY(base_arena_take(&r.stays, chunk->arena, chunk->n, 1, err));
    TRY(base_arena_take(&wait, chunk->arena, chunk->n, sizeof *wait, err));
    for (uint32_t rank = 0; rank < chunk->n; rank++) {
        r.settled[rank] = conflicts->count[rank] == 0;
        if (!r.settled[rank]) wait[waiting++] = rank;
    }
    r.wait = wait;
    for (; rounds < ROUNDS && waiting > FEW; rounds++) {
        size_t left = 0;

        base_par_for(chunk->state->env, waiting, GRAIN, round_of, &r);
        for (size_t i = 0; i < waiting; i++) {
            if (r.stays[i]) wait[left++] = wait[i];
        }
        waiting = left;
    }
    TRY(sort_by_turn(wait, waiting, chunk, err));
    for (size_t i = 0; i < waiting; i++) dominated += (uint64_t)settle(&r, wait[i]);
    base_watch_add(chunk->state->env, BASE_STAT_dominated_items, dominated);
    base_watch_add(chunk->state->env, BASE_STAT_resolve_rounds, rounds + (waiting > 0));
done:
    return status;
}
