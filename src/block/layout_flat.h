/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_FLAT_H
#define BLOCK_LAYOUT_FLAT_H

#include "block/layout.h"
#include "metric/flat.h"

/*
 * A flat scan for a batch of k-NN queries: where a search would look into a good part of all blocks anyway, it is faster to go through all of them
 * in one frame, in whole numbers, several queries at a time, than to decide block by block. It is made from the lanes, for the batch alone, in far
 * less time than that takes; coordinates in double precision decide, as after any filter (docs/algorithm.md has the proof of what it lets through).
 */
struct block_flat {
    struct metric_flat_rows rows;
    const struct block_layout *layout; /* borrowed, unchanged meanwhile */
    const struct block_source *source; /* borrowed */
    double step;                       /* of the whole numbers */
    double centre[2 * METRIC_FLAT_PAIRS];
    double most;                       /* the greatest of them */
};

/* Whether there can be one: not where entries stand as views, in many dimensions, or keys do not sum squares. */
int block_flat_may(const struct block_layout *layout);
/* Whether it is faster than a search that looks into so many blocks, for so many queries. */
int block_flat_pays(const struct block_layout *layout, uint64_t blocks, size_t queries);
/* *made 0: entries are all at one place, or of sizes that no one frame holds. block_flat_free() in any case. Errors: MEMORY. */
int block_flat_make(int *made, struct block_flat *flat, const struct block_layout *layout, const struct block_source *source,
                    const struct base_env *env, struct pcct_error *err);
void block_flat_free(struct block_flat *flat, const struct base_env *env);

/* What a thread needs beside its METRIC_FLAT_QUERIES of struct block_near: so many words. */
size_t block_flat_words(const struct block_flat *flat);
/* block_knn_filter() for n <= METRIC_FLAT_QUERIES queries without a sieve at once. near[i] has room for k. */
enum { BLOCK_FLAT_K = 64 };
void block_flat_filter(struct block_near *near, const struct block_flat *flat, const struct block_query *query, size_t n, size_t k,
                       int32_t *words, struct block_work *work);

#endif
