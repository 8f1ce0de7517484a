/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_FLAT_H
#define BLOCK_LAYOUT_FLAT_H

#include "block/layout.h"
#include "metric/flat.h"

/*
 * A flat scan for a batch of k-NN queries: where a search would look into a good part of all blocks anyway, it is faster to go through all of them
 * in one frame, in whole numbers, several queries at a time, than to decide block by block; where it would look into many but leave most out, to go
 * through the boxes of all and then through the near ones, which branches as little. It is made from the lanes, or from fine views where
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
    int near;                          /* by boxes first */
};

/* Whether there can be one: not in many dimensions, unless there are fine views, and not where keys do not sum squares. */
int block_flat_may(const struct block_layout *layout);
/* The fastest way for so many queries, for each of which a search for k looks into so many blocks: the same, a scan of all, or of what is near. */
enum block_flat_way { BLOCK_FLAT_NONE, BLOCK_FLAT_ALL, BLOCK_FLAT_NEAR };
enum block_flat_way block_flat_best(const struct block_layout *layout, uint64_t blocks, size_t queries, size_t k);
/* A scan of all, or of what is near, which there is not over views. *made 0: entries are all at one place, or of sizes that no one frame holds.
 * block_flat_free() in any case. Parallel. Errors: MEMORY. */
int block_flat_make(int *made, struct block_flat *flat, enum block_flat_way way, const struct block_layout *layout, const struct block_source *source,
                    const struct base_env *env, struct pcct_error *err);
void block_flat_free(struct block_flat *flat, const struct base_env *env);

/* The scratch of one thread, for some queries at once: what became of each. */
struct block_eye;
struct block_flat_some {
    struct block_near near[METRIC_FLAT_QUERIES];
    struct metric_flat_query rounded[METRIC_FLAT_QUERIES];
    double error[METRIC_FLAT_QUERIES]; /* what rounding took, in steps; infinite: not to be had in whole numbers, so it is searched */
    int32_t *least;                    /* as struct metric_flat has it, and so on */
    uint32_t *hit;                     /* [groups] */
    int32_t *bound;                    /* [groups, rounded up to 16], if boxes come first */
    uint32_t *list;                    /* [groups + 32], then, too */
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

/* What a query has seen: the least of each column of some groups, `step` numbers apart; list NULL: of all. For this room only, like the rest. */
struct block_flat_seen {
    const uint32_t *list;
    size_t count;
    const int32_t *least;
    size_t step;
};
static inline struct block_flat_seen block_flat_seen_all(const struct block_flat_some *some, const struct block_flat *flat, size_t i)
{
    const size_t columns = METRIC_FLAT_COLUMNS;

    return (struct block_flat_seen){ NULL, flat->rows.groups, some->least + i * columns, METRIC_FLAT_QUERIES * columns };
}
/* Of the least of many columns the `nearer`-th: so many entries are no further. Infinite when there are too few columns.
 * No more of them are taken than `near` has room for. */
float block_flat_nearest(struct block_near *near, const struct block_flat *flat, const struct block_flat_seen *seen, size_t nearer);
/* Picks what is within a limit, see struct metric_flat. */
int block_flat_pick(struct block_near *near, const struct block_flat *flat, const struct metric_flat_query *query, const struct block_flat_seen *seen,
                    uint32_t *hit, int32_t limit);

#endif
