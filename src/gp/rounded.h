/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_ROUNDED_H
#define GP_ROUNDED_H

#include "gp/space.h"

/*
 * The points of a space in single precision, for a first look (docs/algorithm.md: G5). Features and coordinates, these less a
 * centre, are rounded to float, all in units of the variance. Then
 *     | |rho| - |filter's rho| | <= error_a * error_b + GP_ROUNDED_MARGIN,
 * where error = sqrt(E / p) for a bound E of what float does to K - v.v. It is used where E is small beside p.
 */
#define GP_ROUNDED_MARGIN 0x1p-20F

struct gp_rounded {
    const struct base_env *env;
    const struct gp_space *space;     /* borrowed */
    struct gp_form form;
    float *v, *x, *isp, *error;       /* [block][2][m][32], [block][2][dim][32] (NULL: see `use`), [block][64], [block][64]; not of flat ones */
    float *row_v, *row_x;             /* the same row-major, by lane */
};

/* How far points reach that stand in blocks which are not flat. */
struct gp_rounded_extent {
    double far;  /* greatest |x_t - centre_t| */
    double most; /* greatest |v|^2, at least the variance */
};

/* What all filters of one search share. */
struct gp_rounded_frame {
    const double *centre; /* [dim] */
    struct gp_rounded_extent extent;
    double bound;         /* E in units of the variance, with room for queries that lie somewhat outside */
};

enum gp_rounded_use {
    GP_ROUNDED_PANELS_TOO,
    GP_ROUNDED_PANELS_OF_X, /* v is wanted by rows alone */
    GP_ROUNDED_ROWS,        /* queries */
};

/* The frame around a space's points, whose middle is filled in. Parallel. */
void gp_rounded_frame(struct gp_rounded_frame *frame, double *centre, const struct gp_space *space);
/* Whether a frame's E holds for another space's points together with its own. */
int gp_rounded_covers(const struct gp_rounded_frame *frame, const struct gp_space *space);
/* Whether the filter is good for a space: not where rounding is more than a hundredth of what most points have. */
int gp_rounded_fits(const struct gp_space *space, double bound);

/* gp_rounded_free() in any case. Parallel. Errors: MEMORY. */
int gp_rounded_make(struct gp_rounded *filter, const struct gp_space *space, const struct gp_rounded_frame *frame, enum gp_rounded_use use,
                    const struct base_env *env, struct pcct_error *err);
void gp_rounded_free(struct gp_rounded *filter);

static inline struct gp_rounded_panel gp_rounded_panel_at(const struct gp_rounded *f, size_t panel)
{
    const struct gp_form *form = &f->form;

    return (struct gp_rounded_panel){ f->v + panel * form->m * GP_ROUNDED_LANES, f->x + panel * form->dim * GP_ROUNDED_LANES,
                                     f->isp + panel * GP_ROUNDED_LANES, f->error + panel * GP_ROUNDED_LANES };
}

static inline struct gp_rounded_row gp_rounded_row_at(const struct gp_rounded *f, size_t lane)
{
    const struct gp_form *form = &f->form;

    return (struct gp_rounded_row){ f->row_v + lane * form->m, f->row_x + lane * form->dim, f->isp[lane], f->error[lane] };
}

#endif
