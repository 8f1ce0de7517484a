/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_MARKS_H
#define BLOCK_LAYOUT_MARKS_H

#include "block/layout.h"

/*
 * A mark for each entry: a key of the caller's, such as that of the nearest of a set of points, or of the k-th neighbour. Marks stand beside the
 * lanes, and each slot of an inner node has the greatest below it, so that two things are found without looking at all entries: those that are as
 * near to a place as their mark says, and the one with the greatest mark.
 * Marks are for the layout that they were made for, unchanged. block_marks_visit() may run concurrently; what changes marks excludes all else.
 */
struct block_marks {
    double *mark;   /* [blocks][64]; -infinity: none, the entry is not found */
    float *kept;    /* [blocks][64] the same for the filter, see block_reach_kept() */
    double *top;    /* [inners][16] the greatest below; -infinity: there is none */
    uint32_t *node; /* [inners][16] the entry that has it, the least of several; BLOCK_NONE */
};

/* Whether a layout may have marks: one that is made of views may not, since what views are off by would have to be added to each mark. */
int block_marks_possible(const struct block_layout *layout);

/* mark[layout->rows] by entry number: at least 0, or -infinity. block_marks_free() in any case. Errors: MEMORY. */
int block_marks_make(struct block_marks *marks, const struct block_layout *layout, const double *mark, const struct base_env *env,
                     struct pcct_error *err);
void block_marks_free(struct block_marks *marks, const struct base_env *env);

/* The entry with the greatest mark, the least of several, and its mark; BLOCK_NONE and -infinity where no entry has one. */
struct block_hit block_marks_top(const struct block_marks *marks, const struct block_layout *layout);

/* Takes an entry's mark away. */
void block_marks_drop(struct block_marks *marks, const struct block_layout *layout, uint32_t node);

/* Each mark that is above the key of its entry and q becomes that key. */
void block_marks_lower(struct block_marks *marks, const struct block_layout *layout, const struct block_source *source, const double *q,
                       struct block_work *work);

/* Shows every entry y with key(q, y) <= its mark to visit(), in no promised order, until it returns other than 0. */
void block_marks_visit(const struct block_marks *marks, const struct block_layout *layout, const struct block_source *source, const double *q,
                       block_visitor *visit, void *ctx, struct block_work *work);

#endif
