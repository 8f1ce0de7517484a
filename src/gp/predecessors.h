/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_PREDECESSORS_H
#define GP_PREDECESSORS_H

#include "gp/cloud.h"

/* The nearest rows among those before a row in an order: min(m, rank) of the row of this rank. Answers stand one after the other. */
static inline uint64_t gp_answer_start(uint64_t rank, uint64_t m)
{
    return rank <= m ? rank * (rank - 1) / 2 : m * (m - 1) / 2 + (rank - m) * m;
}

/*
 * order[cloud->n]: all rows, first to last. The answer of the row of rank r is at gp_answer_start(r, m): ranks, nearest first, equally near ones
 * by row; and distances in the metric's unit. m >= 1.
 *
 * Early rows have few predecessors, which would stand thinly in the whole layout: those of a row are looked for in a layout of some first rows, of
 * which about a third at least come before it.
 * Errors: MEMORY, CANCELLED.
 */
int gp_predecessors(int32_t *rank, double *distance, const struct gp_cloud *cloud, const uint32_t *order, uint32_t m, const struct base_env *env,
                    struct block_work *work, struct pcct_error *err);

#endif
