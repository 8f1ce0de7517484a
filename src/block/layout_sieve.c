/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_sieve.h"

#include "base/par.h"
#include "block/layout_nodes.h"

enum { GRAIN = 256 };

/* Of the entries of a block, or below a slot, that may be found at all. */
struct share {
    uint32_t least, most, number;
};

struct making {
    struct block_sieve *sieve;
    const struct block_layout *layout;
    const uint32_t *rank;
    struct share *share; /* by block */
};

static void rank_lanes(void *ctx, size_t begin, size_t end, int thread)
{
    const struct making *making = ctx;

    (void)thread;
    for (size_t block = begin; block < end; block++) {
        const uint32_t *node = block_nodes(making->layout, (uint32_t)block);
        const int count = block_link_of(making->layout, (uint32_t)block)->count;
        uint32_t *lane = making->sieve->lane + block * METRIC_LANES;
        struct share share = { BLOCK_NONE, 0, 0 };

        for (int i = 0; i < METRIC_LANES; i++) {
            lane[i] = i < count ? making->rank[node[i]] : BLOCK_NONE;
            if (lane[i] == BLOCK_NONE) continue;
            if (lane[i] < share.least) share.least = lane[i];
            if (lane[i] > share.most) share.most = lane[i];
            share.number++;
        }
        making->share[block] = share;
    }
}

static void tell_ancestors(struct making *making, uint32_t block)
{
    const struct block_link *link = block_link_of(making->layout, block);
    const struct share share = making->share[block];
    struct block_sieve *sieve = making->sieve;

    for (; link->parent != BLOCK_NONE; link = block_inner(making->layout, link->parent)) {
        const size_t slot = (size_t)link->parent * METRIC_FANOUT + link->slot;

        if (share.least < sieve->least[slot]) sieve->least[slot] = share.least;
        if (share.most > sieve->most[slot]) sieve->most[slot] = share.most;
        sieve->number[slot] += share.number;
    }
}

int block_sieve_make(struct block_sieve *sieve, const struct block_layout *layout, const uint32_t *rank, const struct base_env *env,
                      struct pcct_error *err)
{
    struct making making = { .sieve = sieve, .layout = layout, .rank = rank };
    const size_t slots = (size_t)layout->inners * METRIC_FANOUT;
    int status = 0;

    *sieve = (struct block_sieve){ .lane = NULL };
    TRY(base_take(&sieve->lane, env, (size_t)layout->blocks * METRIC_LANES, sizeof *sieve->lane, err));
    TRY(base_take(&sieve->least, env, slots, sizeof *sieve->least, err));
    TRY(base_take_zero(&sieve->most, env, slots, sizeof *sieve->most, err));
    TRY(base_take_zero(&sieve->number, env, slots, sizeof *sieve->number, err));
    TRY(base_take(&making.share, env, layout->blocks, sizeof *making.share, err));
    for (size_t slot = 0; slot < slots; slot++) sieve->least[slot] = BLOCK_NONE;
    base_par_for(env, layout->blocks, GRAIN, rank_lanes, &making);
    for (uint32_t block = 0; block < layout->blocks; block++) {
        /* on the free list a block's parent is the next free one */
        if (block_link_of(layout, block)->count > 0) tell_ancestors(&making, block);
    }
done:
    base_free(env, making.share);
    return status;
}

void block_sieve_free(struct block_sieve *sieve, const struct base_env *env)
{
    base_free(env, sieve->lane);
    base_free(env, sieve->least);
    base_free(env, sieve->most);
    base_free(env, sieve->number);
    *sieve = (struct block_sieve){ .lane = NULL };
}
