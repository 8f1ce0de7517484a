/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_COARSE_H
#define GP_COARSE_H

#include "gp/principal.h"
#include "gp/rounded.h"

/*
 * The principal coordinates of a space's points in whole numbers of eight bits, for a look before the filter's (docs/algorithm.md: G6). Sums of their
 * products are exact, the same on any processor; what rounding took from each point has been measured and counts as error, as does what its
 * coordinates leave of v. As a query a point has -GP_COARSE_ROW to GP_COARSE_ROW times its unit, in a panel -GP_COARSE_PANEL to GP_COARSE_PANEL
 * times another, kept with GP_COARSE_ZERO added: then two products together fit a signed number of 16 bits, as instructions want that add them up.
 */
enum { GP_COARSE_ROW = 63, GP_COARSE_PANEL = 127 };
_Static_assert(2 * (GP_COARSE_PANEL + GP_COARSE_ZERO) * GP_COARSE_ROW <= INT16_MAX, "two products fit 16 bits");
_Static_assert((GP_COARSE_PANEL + GP_COARSE_ZERO) * GP_COARSE_ROW * GP_PRINCIPAL_MOST < 1 << 24, "sums are exact in single precision");

struct gp_coarse {
    const struct base_env *env;
    const struct gp_rounded *rounded; /* borrowed: coordinates and 1 / sqrt(p) */
    struct gp_form form;              /* m: how many principal coordinates, a multiple of 16 */
    int8_t *row;        /* [lanes][m] */
    uint8_t *panel;     /* [block][2][m / 4][32][4]; NULL: rows only */
    int32_t *start;     /* [lanes] as in struct gp_coarse_row */
    float *row_fact;    /* [lanes][4] unit, length, error, rest: see gp/tiles.h */
    float *panel_fact;  /* [block][2][4][32] the same */
};

/* Of the points of `rounded`, whose frame is given; rows_only: they are queries alone. gp_coarse_free() in any case. Parallel. Errors: MEMORY. */
int gp_coarse_make(struct gp_coarse *coarse, const struct gp_rounded *rounded, const struct gp_rounded_frame *frame,
                   const struct gp_principal *principal, int rows_only, const struct base_env *env, struct pcct_error *err);
void gp_coarse_free(struct gp_coarse *coarse); /* a zeroed one too */

static inline struct gp_coarse_panel gp_coarse_panel_at(const struct gp_coarse *c, size_t panel)
{
    const size_t first = panel * GP_ROUNDED_LANES;

    return (struct gp_coarse_panel){ c->panel + first * c->form.m, c->rounded->x + first * c->form.dim, c->rounded->isp + first,
                                     c->panel_fact + first * GP_COARSE_FACTS };
}

static inline struct gp_coarse_row gp_coarse_row_at(const struct gp_coarse *c, size_t lane, float least)
{
    return (struct gp_coarse_row){ c->row + lane * c->form.m, c->rounded->row_x + lane * c->form.dim, c->row_fact + lane * GP_COARSE_FACTS,
                                   c->rounded->isp[lane], least, c->start[lane] };
}

#endif
