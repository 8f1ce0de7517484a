/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_VIEWS_H
#define BLOCK_LAYOUT_VIEWS_H

#include "block/layout_nodes.h"
#include "metric/basis.h"

/*
 * In many dimensions a layout is made of *views* (metric/basis.h) in place of coordinates: some 8 to 32 numbers in which entries are no further apart
 * than they are, nearly. Lanes, boxes, frames and planes are then those of views, `layout->dim` says how many numbers a view has, and the room works
 * on a source whose places are views. What is found by them is decided by keys of the coordinates. A second, *fine* view of more axes in whole
 * numbers, one for each entry, spares most of those keys where coordinates are hundreds.
 *
 * What views are off by is put on the limits, not on the boxes: a key within L shows as one within grow L + slack of views (docs/algorithm.md), and
 * the slack is in proportion to how far the query, or the entry, is from the basis' centre.
 * For this room only.
 */
enum { BLOCK_VIEW_MAX = 32, BLOCK_FINE_MAX = METRIC_AXES_MAX + 1 };

static inline int block_has_views(const struct block_layout *layout)
{
    return layout->dim != layout->metric->dim;
}

/* What the basis takes. */
static inline size_t block_basis_bytes(const struct block_layout *layout)
{
    const size_t axes = (layout->fine > layout->dim ? layout->fine : layout->dim) - 1, dim = layout->metric->dim;

    return BLOCK_BASIS_HEAD + dim * sizeof(double) + axes * dim * sizeof(float);
}

/* Chooses a basis from the entries to be laid out, or none: sets `dim`, `fine` and the basis of an empty layout. Errors: MEMORY. */
int block_views_choose(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err);

/* Whether a layout of so many entries had better be laid out anew, which was last done with `before` of them. */
int block_views_are_due(const struct block_layout *layout, size_t entries, size_t before);

/* Makes views of n entries, numbers below `rows`. Parallel. Errors: MEMORY; nothing has changed then. */
int block_views_make(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err);

/* Moves views to new numbers, see block_renumber(). */
void block_views_renumber(struct block_layout *layout, const uint32_t *map);

/* What the layout is laid over: the source, with views for places if it has them. */
static inline struct block_source block_seen(const struct block_layout *layout, const struct block_source *source)
{
    struct block_source seen = *source;

    if (block_has_views(layout)) seen.place = layout->view.data;
    return seen;
}

/* A reach in terms of views: no less than the view's key of any place of which this entry is within the reach. */
double block_reach_seen(const struct block_layout *layout, uint32_t node, double reach);

/* Proves that the basis is one, or that there is none. Errors: DAMAGED. */
int block_views_check_basis(const struct block_layout *layout, struct pcct_error *err);
/* Proves that an entry's views are its own. Errors: DAMAGED. */
int block_views_check(const struct block_layout *layout, const struct block_source *source, uint32_t node, struct pcct_error *err);

/* A place as searches see it. */
struct block_eye {
    const double *q;        /* coordinates, borrowed */
    const double *place;    /* what lanes, boxes and planes are compared with */
    const int16_t *fine;    /* the fine view, if there is one */
    double grow, slack;     /* from limits of keys to limits of views */
    double fine_grow, fine_slack;
    double own_view[BLOCK_VIEW_MAX];
    int16_t own_fine[BLOCK_FINE_MAX];
};

/* Any place; without the fine view. */
void block_eye_open_view(struct block_eye *eye, const struct block_layout *layout, const double *q);
void block_eye_open(struct block_eye *eye, const struct block_layout *layout, const double *q);
/* That of an entry, whose views are there. */
void block_eye_open_entry(struct block_eye *eye, const struct block_layout *layout, const struct block_source *source, uint32_t node);

/* What the key of a view may come to when that of its entry is at most `limit`. */
static inline double block_eye_limit(const struct block_eye *eye, double limit)
{
    return eye->grow * limit + eye->slack;
}

/* The same for anything in a box of views, least and greatest sides. */
double block_views_limit(const struct block_layout *layout, const double *low, const double *high, double limit);

static inline int16_t *block_fine_of(const struct block_layout *layout, uint32_t node)
{
    return (int16_t *)layout->fine_view.data + (size_t)node * layout->fine;
}

/* Has memory fetch what is first looked at of a fine view. */
static inline void block_fine_fetch(const struct block_layout *layout, uint32_t node)
{
    enum { LINE = 32, LINES = 4 };
    const int16_t *row = block_fine_of(layout, node);

    for (int i = 0; i < LINES; i++) __builtin_prefetch(row + i * LINE);
}

/* What a key is at least when that of its view is. */
static inline double block_eye_least(const struct block_eye *eye, double least)
{
    return (least - eye->slack) / eye->grow;
}

/* What an entry's key is at least as its fine view tells, which there is; when that is above the limit, something above it. */
double block_eye_least_fine(const struct block_eye *eye, const struct block_layout *layout, uint32_t node, double limit);

/* Whether an entry may be within the limit, a key, as far as its fine view tells. */
static inline int block_eye_may_see(const struct block_eye *eye, const struct block_layout *layout, uint32_t node, double limit)
{
    return !eye->fine || block_eye_least_fine(eye, layout, node, limit) <= limit;
}

#endif
