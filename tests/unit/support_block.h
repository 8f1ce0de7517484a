/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_BLOCK_H
#define TESTS_SUPPORT_BLOCK_H

#include "support.h"

#include "block/layout.h"

#include <math.h>

/* A layout beside a plain list of what should be in it. */
struct support_block {
    struct support_env *env; /* borrowed */
    struct metric metric;
    struct block_layout layout;
    struct block_source source;
    double *place;    /* [rows x dim] */
    int64_t *label;   /* [rows] a permutation of multiples of 7 */
    double *reach;    /* [rows] -infinity: not in the layout */
    uint32_t *node;   /* [rows] room for lists */
    double *value;    /* [rows] reaches that go with it */
    uint32_t rows;
    struct base_random random;
};

void support_block_start(struct support_block *block, struct support_env *env, uint32_t rows, uint32_t dim, enum support_shape shape, uint64_t seed);
/* Another metric than euclidean, one that does not embed; before anything is in the layout. */
void support_block_metric(struct support_block *block, const char *name);
/* Lets it be laid out by views, over points that a few numbers decide, which are shape's: multiplied by a random matrix and `scale`, and moved by
 * `offset`; with noise of that size. Before anything is in the layout. */
void support_block_views(struct support_block *block, uint32_t numbers, enum support_shape shape, double scale, double offset, double noise);
void support_block_finish(struct support_block *block);

int support_block_has(const void *reach, uint32_t node); /* for block_check() */
double support_block_random_reach(struct support_block *block);

/* Builds from, inserts, removes, changes the reach of so many random entries (as many as there are); the list follows. Return what the call did. */
int support_block_build(struct support_block *block, uint32_t n, int fill, struct pcct_error *err);
int support_block_insert(struct support_block *block, uint32_t n, struct pcct_error *err);
void support_block_remove(struct support_block *block, uint32_t n);
void support_block_renew_reach(struct support_block *block, uint32_t n);
uint32_t support_block_count(const struct support_block *block);

/* block_check(), that every box, reach and label of every ancestor is as tight as can be, and that no frame is much too wide. */
void support_block_check(const struct support_block *block);
/* k-NN, block_nearest() and block_visit() for so many random places and stored entries against comparison with every entry. */
void support_block_ask(struct support_block *block, uint32_t queries, size_t k);
/* k-NN with a scratch of its own. */
void support_block_knn(struct base_topk *top, const struct support_block *block, const double *q, uint32_t self, struct block_work *work);
/* block_knn_filter() and block_knn_decide(). */
static inline void support_knn(struct base_topk *top, struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                               const double *q, uint32_t self, struct block_work *work)
{
    const struct block_query query = { q, self, (double)INFINITY, NULL, 0 };

    block_knn_filter(near, layout, source, &query, top->k, work);
    block_knn_decide(top, near, layout, source, work);
}
/* Whether all arrays and numbers of two layouts are the same. */
int support_block_same(struct block_layout *a, struct block_layout *b);

#endif
