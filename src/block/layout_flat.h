/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_FLAT_H
#define BLOCK_LAYOUT_FLAT_H

#include "block/layout.h"
#include "metric/flat.h"

/*
 * A flat scan for a batch of k-NN queries: where a search would look into a good part of all blocks anyway, it is faster to go through all of them
 * in one frame, in whole numbers, several queries at a time, than to decide block by block. It is made from the lanes, or from fine views where
 * entries stand as views, for the batch alone, in far less time than that takes; coordinates in double precision decide, as after any filter
 * (docs/algorithm.md has the proof of what it lets through).
 */
struct block_flat {
    struct metric_flat_rows rows;
    const struct block_layout *layout; /* borrowed, unchanged meanwhile */
    const struct block_source *source; /* borrowed */
    double step;                       /* of the whole numbers; 0: they are those of fine views */
    double centre[2 * METRIC_FLAT_PAIRS];
    double most;                       /* the greatest of them */
};

/* Whether there can be one: not in many dimensions, unless there are fine views, and not where keys do not sum squares. */
int block_flat_may(const struct block_layout *layout);
/* Whether it is faster than a search that looks into so many blocks, for so many queries. */
int block_flat_pays(const struct block_layout *layout, uint64_t blocks, size_t queries);
/* *made 0: entries are all at one place, or of sizes that no one frame holds. block_flat_free() in any case. Parallel. Errors: MEMORY. */
int block_flat_make(int *made, struct block_flat *flat, const struct block_layout *layout, const struct block_source *source,
                    const struct base_env *env, struct pcct_error *err);
void block_flat_free(struct block_flat *flat, const struct base_env *env);

/* The scratch of one thread, for some queries at once: what became of each. */
struct block_eye;
struct block_flat_some {
    struct block_near near[METRIC_FLAT_QUERIES];
    struct metric_flat_query rounded[METRIC_FLAT_QUERIES];
    double error[METRIC_FLAT_QUERIES]; /* what rounding took, in steps; infinite: not to be had in whole numbers, so it is searched */
    int32_t *least;                    /* as struct metric_flat has it */
    uint32_t *hit;                     /* [groups] */
    struct block_eye *eye;             /* [METRIC_FLAT_QUERIES] if there are views */
};
/* For k up to BLOCK_FLAT_K. block_flat_some_free() in any case. Errors: MEMORY. */
enum { BLOCK_FLAT_K = 64 };
int block_flat_some_take(struct block_flat_some *some, const struct block_flat *flat, size_t k, const struct base_env *env, struct pcct_error *err);
void block_flat_some_free(struct block_flat_some *some, const struct base_env *env);

/* block_knn_filter() for n <= METRIC_FLAT_QUERIES queries without a sieve at once; and block_knn_decide() for the i-th of them. */
void block_flat_filter(struct block_flat_some *some, const struct block_flat *flat, const struct block_query *query, size_t n, size_t k,
                       struct block_work *work);
void block_flat_decide(struct base_topk *top, struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work);

/* Of the least of many columns the `nearer`-th: so many entries are no further. `least`: of one query. Infinite when there are too few columns. For
 * this room only, like the rest. */
float block_flat_nearest(struct block_near *near, const struct block_flat *flat, const int32_t *least, size_t nearer);

#endif
