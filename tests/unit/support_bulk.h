/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_BULK_H
#define TESTS_SUPPORT_BULK_H

#include "support_tree.h"

#include "tree/bulk.h"

/* Points in a state that has their rows and no tree, ready to be settled scale by scale; all nodes are left. */
struct support_bulk {
    struct support_env env;
    struct metric metric;
    struct index_state state;
    struct tree_batch batch;
    uint32_t *order;
    struct tree_bulk bulk;
};

/* The order of the list is random. Points: rows of the metric. */
void support_bulk_start(struct support_bulk *b, const char *metric, uint32_t dim, const double *points, size_t n, int threads, uint64_t seed);
void support_bulk_finish(struct support_bulk *b);

#endif
