/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_SPACE_H
#define GP_SPACE_H

#include "gp/features.h"
#include "gp/notes.h"

/*
 * Points laid out for search: blocks of 64 that are near one another (median splits of the scaled coordinates), each four panels of 16 lanes;
 * under a hierarchy of nodes with what bounds rho of all points below (docs/algorithm.md: G1 to G4). Leaves are nodes 0 to blocks - 1; groups of 7
 * of them, then of 14 nodes, make the levels above.
 *
 * Points of much smaller p than their block's others, which lie next to inducing points, would spoil its bounds, and so would points of which
 * rounding leaves little: they stand in *flat* blocks, after the leaves, which no bound covers and every query is compared with.
 *
 * Pivots: up to 16 points of a node, chosen by a pivoted Cholesky of their rho; S is the span of their unit features. A point's tail is the angle
 * between its feature and S; its coordinates in an orthonormal basis of S are y.
 */
enum { GP_NONE = 0xffffffffu };

#define GP_RIGHT_ANGLE 1.58F /* tails beyond it are no angles: nothing follows from them */

struct gp_node {
    uint32_t first_block, blocks;
    uint32_t first_child, children;  /* nodes; of a leaf 0 */
    uint32_t parent;                 /* GP_NONE: none */
    unsigned level;                  /* of a leaf 0 */
    uint32_t least_rank;
    unsigned pivots;
    float tail_half, tail;           /* greatest over all points below, with 8 and with all pivots */
    double isp;                      /* greatest */
    double slack;                    /* what rounding may add to a squared cosine */
};

struct gp_space {
    const struct base_env *env;
    const struct gp_features *features; /* borrowed */
    uint32_t blocks, flats, nodes, root_first; /* nodes from root_first on have no parent */
    uint32_t *id;           /* [(blocks + flats) x 64] the point in a lane; GP_NONE: none */
    double *v, *x, *isp;    /* panels: [block][4][m][16], [block][4][dim][16], [block][4][16] */
    uint32_t *rank;         /* [(blocks + flats) x 64], ascending in each block, GP_NONE where no point is; NULL: no order */
    float *tail, *sine;     /* [blocks x 64] and its sine, from above */
    float *panel_tail;      /* [blocks x 4][3] greatest of a panel's, its cosine and sine */
    float *y;               /* [blocks][16][64] */
    float *inverse;         /* [blocks x 64] 1 / |y| */
    double *centre;         /* [blocks x dim] */
    struct gp_node *node;
    double *box;            /* [nodes][2][dim] */
    double *most;           /* [nodes][m] greatest |v_l| below */
    double *pivot_v, *pivot_x, *pivot_isp; /* panels of the pivots of each node */
    uint32_t *pivot;        /* [nodes][16] their points; unused ones repeat the first */
    double *lower, *upper;  /* [nodes][16][16] inverse of the pivots' Cholesky factor; transposed */
    struct gp_notes *notes; /* what leaves found out about each other; NULL: nothing is kept. Borrowed, and written to by searches */
};

/* Lays out points member[n] of the features; rank (by point; NULL: none). gp_space_free() in any case. Parallel. Errors: MEMORY. */
int gp_space_make(struct gp_space *space, const struct gp_features *features, const uint32_t *member, size_t n, const uint32_t *rank,
                  const struct base_env *env, struct pcct_error *err);
void gp_space_free(struct gp_space *space);

/* Fills in pivots, tails and coordinates of all nodes. Errors: MEMORY. */
int gp_space_pivots(struct gp_space *space, const struct base_env *env, struct pcct_error *err);

static inline struct gp_panel gp_space_panel(const struct gp_space *space, size_t panel)
{
    const struct gp_form *form = &space->features->form;

    return (struct gp_panel){ space->v + panel * form->m * GP_LANES, space->x + panel * form->dim * GP_LANES, space->isp + panel * GP_LANES };
}

/* The points of a panel as rows, for custom kernels. */
void gp_space_lanes(const double **lane, const struct gp_space *space, size_t panel);

#endif
