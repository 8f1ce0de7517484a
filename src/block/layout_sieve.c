/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_sieve.h"

#include "base/par.h"
#include "block/layout_nodes.h"

enum { GRAIN = 256 };

struct making {
    struct block_sieve *sieve;
    const struct block_layout *layout;
    const uint32_t *rank;
    uint32_t *least; /* by block */
};

static void rank_lanes(void *ctx, size_t begin, size_t end, int thread)
{
    const struct making *making = ctx;

    (void)thread;
    for (size_t block = begin; block < end; block++) {
        const uint32_t *node = block_nodes(making->layout, (uint32_t)block);
        const int count = block_link_of(making->layout, (uint32_t)block)->count;
        uint32_t *lane = making->sieve->lane + block * METRIC_LANES, least = BLOCK_NONE;

        for (int i = 0; i < METRIC_LANES; i++) {
            lane[i] = i < count ? making->rank[node[i]] : BLOCK_NONE;
            if (lane[i] < least) least = lane[i];
        }
        making->least[block] = least;
    }
}

/* Tells the ancestors of a block its least rank, up to the first that knows a lesser one. */
static void tell_ancestors(struct making *making, uint32_t block)
{
    const struct block_link *link = block_link_of(making->layout, block);
    const uint32_t rank = making->least[block];

    while (link->parent != BLOCK_NONE) {
        uint32_t *least = &making->sieve->least[(size_t)link->parent * METRIC_FANOUT + link->slot];

        if (*least <= rank) return;
        *least = rank;
        link = block_inner(making->layout, link->parent);
    }
}

int block_sieve_make(struct block_sieve *sieve, const struct block_layout *layout, const uint32_t *rank, const struct base_env *env,
                      struct pcct_error *err)
{
    struct making making = { .sieve = sieve, .layout = layout, .rank = rank };
    const size_t slots = (size_t)layout->inners * METRIC_FANOUT;
    int status = 0;

    *sieve = (struct block_sieve){ NULL, NULL };
    TRY(base_take(&sieve->lane, env, (size_t)layout->blocks * METRIC_LANES, sizeof *sieve->lane, err));
    TRY(base_take(&sieve->least, env, slots, sizeof *sieve->least, err));
    TRY(base_take(&making.least, env, layout->blocks, sizeof *making.least, err));
    for (size_t slot = 0; slot < slots; slot++) sieve->least[slot] = BLOCK_NONE;
    base_par_for(env, layout->blocks, GRAIN, rank_lanes, &making);
    for (uint32_t block = 0; block < layout->blocks; block++) {
        /* on the free list a block's parent is the next free one */
        if (block_link_of(layout, block)->count > 0) tell_ancestors(&making, block);
    }
done:
    base_free(env, making.least);
    return status;
}

void block_sieve_free(struct block_sieve *sieve, const struct base_env *env)
{
    base_free(env, sieve->lane);
    base_free(env, sieve->least);
    *sieve = (struct block_sieve){ NULL, NULL };
}
