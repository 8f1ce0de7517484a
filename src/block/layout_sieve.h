/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_SIEVE_H
#define BLOCK_LAYOUT_SIEVE_H

#include "block/layout.h"

/*
 * Which entries a search may find. Each entry has a rank; a search is given a bound and finds entries of lesser rank only. Ranks are laid out beside
 * the lanes, and each slot of an inner node has the least rank below it, so that a subtree without any such entry is passed over unseen, and the
 * greatest, so that one of such entries alone is counted unseen.
 * One noun for all: predecessors in an order have their place in it as rank; a subset has rank 0, the rest BLOCK_NONE.
 * A sieve is for the layout that it was made for, unchanged. Reading calls may run concurrently.
 */
struct block_sieve {
    uint32_t *lane;   /* [blocks][64] */
    uint32_t *least;  /* [inners][16]; BLOCK_NONE: nothing below is found by any search */
    uint32_t *most;   /* [inners][16] the greatest of those that may be found; 0 if there is none */
    uint32_t *number; /* [inners][16] how many these are */
};

/* rank[layout->rows] by entry number; BLOCK_NONE: never found. block_sieve_free() in any case. Errors: MEMORY. */
int block_sieve_make(struct block_sieve *sieve, const struct block_layout *layout, const uint32_t *rank, const struct base_env *env,
                      struct pcct_error *err);
void block_sieve_free(struct block_sieve *sieve, const struct base_env *env);

/* The lanes of a block that a query with a sieve may find. */
static inline uint64_t block_sieve_lanes(const struct block_query *query, uint32_t block)
{
    const uint32_t *rank = query->sieve->lane + (size_t)block * METRIC_LANES;
    uint64_t mask = 0;

    for (int lane = 0; lane < METRIC_LANES; lane++) mask |= (uint64_t)(rank[lane] < query->below) << lane;
    return mask;
}

/* The slots of an inner node below which there is something that it may find. */
static inline uint32_t block_sieve_slots(const struct block_query *query, uint32_t inner)
{
    const uint32_t *least = query->sieve->least + (size_t)inner * METRIC_FANOUT;
    uint32_t mask = 0;

    for (int slot = 0; slot < METRIC_FANOUT; slot++) mask |= (uint32_t)(least[slot] < query->below) << slot;
    return mask;
}

#endif
