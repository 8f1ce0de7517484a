/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/space.h"

#include "base/memory.h"
#include "base/par.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * Pivots of a node by a pivoted Cholesky of rho over its points: coordinate t of every point follows from its rho with pivot t and the coordinates
 * before. What is left of a point, 1 - |y|^2, is the squared sine of its tail. Large nodes choose among a sample, then measure all of their points.
 */
enum { SAMPLE = 512, HALF = GP_PIVOTS / 2 };
#define LEFT_MIN 1e-3 /* the least that is left of a pivot: coordinates magnify rounding by its inverse */
#define HOPELESS 0.93 /* a squared sine, of 75 degrees: a group with such a tail in its sample excludes nothing, and its tails are not measured */
#define SHARE_MIN 1e-3 /* of a point's squared feature in the span, for the angle of that share to be relied on */

struct work {
    struct gp_space *space;
    double *y;        /* [threads][16][capacity] */
    double *left;     /* [threads][capacity] */
    size_t capacity;
};

struct choosing {
    const struct gp_space *space;
    struct gp_node *node;
    size_t at;                       /* its number */
    size_t lanes, step;              /* every step-th block of the node, its lanes */
    double *y, *left;
    size_t capacity;
    double factor[GP_PIVOTS][GP_PIVOTS];
    double least_left;
};

static size_t lane_of(const struct choosing *c, size_t i)
{
    return ((size_t)c->node->first_block + i / GP_BLOCK * c->step) * GP_BLOCK + i % GP_BLOCK;
}

/* Nearest to the middle of the node. */
static size_t first_pivot(const struct choosing *c)
{
    const struct gp_features *f = c->space->features;
    const size_t dim = f->form.dim;
    const double *low = c->space->box + c->at * 2 * dim;
    double nearest = (double)INFINITY;
    size_t best = 0;

    for (size_t i = 0; i < c->lanes; i++) {
        const uint32_t id = c->space->id[lane_of(c, i)];
        double sum = 0;

        if (id == GP_NONE) continue;
        for (size_t t = 0; t < dim; t++) {
            const double difference = f->x[id * dim + t] - (low[t] / 2 + low[dim + t] / 2);

            sum += difference * difference;
        }
        if (sum < nearest) {
            nearest = sum;
            best = i;
        }
    }
    return best;
}

static size_t next_pivot(const struct choosing *c)
{
    size_t best = 0;

    for (size_t i = 1; i < c->lanes; i++) {
        if (c->left[i] > c->left[best]) best = i;
    }
    return best;
}

/* out[n][64] = rho of up to 8 points with all lanes of a block; 0 where there is no point. */
static void against_block(double *out, const struct gp_space *space, size_t block, const uint32_t *id, unsigned n)
{
    _Alignas(64) double tile[GP_ROWS * GP_LANES];
    const double *lane[GP_LANES] = { NULL };
    struct gp_row row[GP_ROWS];

    for (unsigned i = 0; i < n; i++) row[i] = gp_features_row(space->features, id[i]);
    for (size_t panel = 0; panel < GP_PANELS; panel++) {
        const struct gp_panel at = gp_space_panel(space, block * GP_PANELS + panel);

        if (space->features->form.shape == GP_CUSTOM) gp_space_lanes(lane, space, block * GP_PANELS + panel);
        gp_rho_tile(n == 1 ? out + panel * GP_LANES : tile, space->features, row, n, &at, lane);
        for (unsigned i = 0; i < n * GP_LANES && n > 1; i++) out[i / GP_LANES * GP_BLOCK + panel * GP_LANES + i % GP_LANES] = tile[i];
    }
    for (size_t i = 0; i < GP_BLOCK; i++) {
        for (unsigned j = 0; j < n && space->id[block * GP_BLOCK + i] == GP_NONE; j++) out[j * GP_BLOCK + i] = 0;
    }
}

static void subtract(double *restrict value, const double *restrict y, double factor)
{
    for (size_t i = 0; i < GP_BLOCK; i++) value[i] -= factor * y[i];
}

static void add_pivot(struct choosing *c, unsigned t, size_t chosen)
{
    const struct gp_space *space = c->space;
    const uint32_t id = space->id[lane_of(c, chosen)];
    const double root = sqrt(c->left[chosen]);

    c->least_left = fmin(c->least_left, c->left[chosen]);
    space->pivot[c->at * GP_PIVOTS + t] = id;
    for (unsigned s = 0; s < t; s++) c->factor[t][s] = c->y[s * c->capacity + chosen];
    c->factor[t][t] = root;
    for (size_t first = 0; first < c->lanes; first += GP_BLOCK) {
        _Alignas(64) double rho[GP_BLOCK];

        against_block(rho, space, lane_of(c, first) / GP_BLOCK, &id, 1);
        for (unsigned s = 0; s < t; s++) subtract(rho, c->y + s * c->capacity + first, c->factor[t][s]);
        for (size_t i = 0; i < GP_BLOCK; i++) {
            c->y[t * c->capacity + first + i] = rho[i] / root;
            c->left[first + i] -= (rho[i] / root) * (rho[i] / root);
        }
    }
    c->left[chosen] = 0;
}

/* Lower triangular inverse of the factor; rows of pivots that are not there are zero. */
static void invert(struct choosing *c)
{
    double *lower = c->space->lower + c->at * GP_PIVOTS * GP_PIVOTS;

    memset(lower, 0, GP_PIVOTS * GP_PIVOTS * sizeof(double));
    for (unsigned j = 0; j < c->node->pivots; j++) {
        lower[j * GP_PIVOTS + j] = 1 / c->factor[j][j];
        for (unsigned i = j + 1; i < c->node->pivots; i++) {
            double sum = 0;

            for (unsigned l = j; l < i; l++) sum += c->factor[i][l] * lower[l * GP_PIVOTS + j];
            lower[i * GP_PIVOTS + j] = -sum / c->factor[i][i];
        }
    }
    for (unsigned i = 0; i < GP_PIVOTS; i++) {
        for (unsigned j = 0; j < GP_PIVOTS; j++) c->space->upper[(c->at * GP_PIVOTS + j) * GP_PIVOTS + i] = lower[i * GP_PIVOTS + j];
    }
}

static void copy_pivots(struct choosing *c)
{
    const struct gp_features *f = c->space->features;
    const size_t m = f->form.m, dim = f->form.dim, at = c->at;
    uint32_t *pivot = c->space->pivot + at * GP_PIVOTS;

    for (unsigned t = 0; t < GP_PIVOTS; t++) {
        if (t >= c->node->pivots) pivot[t] = pivot[0];
        for (size_t l = 0; l < m; l++) c->space->pivot_v[(at * m + l) * GP_PIVOTS + t] = f->v[pivot[t] * m + l];
        for (size_t j = 0; j < dim; j++) c->space->pivot_x[(at * dim + j) * GP_PIVOTS + t] = f->x[pivot[t] * dim + j];
        c->space->pivot_isp[at * GP_PIVOTS + t] = t < c->node->pivots ? f->isp[pivot[t]] : 0;
    }
}

static void choose(struct choosing *c, double noise)
{
    const double enough = fmax(LEFT_MIN, 1e3 * noise);

    c->least_left = 1;
    for (size_t i = 0; i < c->lanes; i++) c->left[i] = c->space->id[lane_of(c, i)] == GP_NONE ? 0 : 1;
    for (c->node->pivots = 0; c->node->pivots < GP_PIVOTS; c->node->pivots++) {
        const size_t chosen = c->node->pivots == 0 ? first_pivot(c) : next_pivot(c);

        if (c->left[chosen] < enough) break;
        add_pivot(c, c->node->pivots, chosen);
    }
    c->node->slack = 16 * noise / c->least_left + 1e-10;
}

/* The angle whose squared sine is `left`, from above. */
static float angle_of(double left, double slack)
{
    const double sine = sqrt(fmax(left, 0) + slack);

    return (float)(sine < 1 ? asin(sine) : 1.5707963267948966) + 1e-6F;
}

/* Coordinates of one block's points in the span of the node's pivots, into y[16][64]; tails to the node, and to the points if it is a leaf. */
static void measure(struct choosing *c, size_t block, double *y)
{
    struct gp_space *space = (struct gp_space *)(uintptr_t)c->space;
    const int leaf = c->node->children == 0;

    memset(y, 0, GP_PIVOTS * GP_BLOCK * sizeof *y);
    for (unsigned t = 0; t < c->node->pivots && leaf; t++) memcpy(y + t * GP_BLOCK, c->y + t * c->capacity, GP_BLOCK * sizeof *y);
    for (unsigned t = 0; t < c->node->pivots && !leaf; t++) {
        double *rho = y + t * GP_BLOCK;

        if (t % GP_ROWS == 0) {
            against_block(rho, space, block, space->pivot + c->at * GP_PIVOTS + t, c->node->pivots - t < GP_ROWS ? c->node->pivots - t : GP_ROWS);
        }
        for (unsigned s = 0; s < t; s++) subtract(rho, y + s * GP_BLOCK, c->factor[t][s]);
        for (size_t i = 0; i < GP_BLOCK; i++) rho[i] /= c->factor[t][t];
    }
    for (size_t i = 0; i < GP_BLOCK; i++) {
        double half = 0, all = 0;
        float tail = 0;

        for (unsigned t = 0; t < GP_PIVOTS; t++) {
            all += y[t * GP_BLOCK + i] * y[t * GP_BLOCK + i];
            if (t < HALF) half = all;
        }
        if (space->id[block * GP_BLOCK + i] != GP_NONE) {
            tail = angle_of(1 - all, c->node->slack);
            c->node->tail = fmaxf(c->node->tail, tail);
            c->node->tail_half = fmaxf(c->node->tail_half, angle_of(1 - half, c->node->slack));
            /* more than a whole feature in the span: rho is no correlation here, and no angle may be relied on */
            if (all > 1 + c->node->slack || !(all >= 0)) c->node->tail = c->node->tail_half = tail = 4;
        }
        if (!leaf) continue;
        if (all < SHARE_MIN && space->id[block * GP_BLOCK + i] != GP_NONE) tail = 4; /* its direction within the span is mostly rounding */
        space->tail[block * GP_BLOCK + i] = tail;
        space->sine[block * GP_BLOCK + i] = sinf(fminf(tail, 1.5707963F)) * (1 + 0x1p-20F);
        space->inverse[block * GP_BLOCK + i] = all >= SHARE_MIN ? (float)(1 / sqrt(all)) : 0;
        for (unsigned t = 0; t < GP_PIVOTS; t++) space->y[(block * GP_PIVOTS + t) * GP_BLOCK + i] = (float)y[t * GP_BLOCK + i];
    }
}

static void pivots_of(struct work *work, size_t at, int thread)
{
    struct gp_space *space = work->space;
    struct choosing c = { .space = space, .node = &space->node[at], .at = at, .capacity = work->capacity };
    _Alignas(64) double y[GP_PIVOTS * GP_BLOCK];

    c.step = (c.node->blocks * GP_BLOCK + SAMPLE - 1) / SAMPLE;
    c.lanes = (c.node->blocks + c.step - 1) / c.step * GP_BLOCK;
    c.y = work->y + (size_t)thread * work->capacity * GP_PIVOTS;
    c.left = work->left + (size_t)thread * work->capacity;
    assert(c.lanes <= work->capacity);
    choose(&c, gp_rounding(&space->features->form) * c.node->isp * c.node->isp);
    invert(&c);
    copy_pivots(&c);
    if (c.node->children > 0 && c.left[next_pivot(&c)] > HOPELESS) {
        c.node->tail = c.node->tail_half = 4;
        return;
    }
    for (size_t b = 0; b < c.node->blocks; b++) measure(&c, c.node->first_block + b, y);
    if (c.node->children > 0) return;
    for (size_t panel = 0; panel < GP_PANELS; panel++) {
        float most = 0;

        for (size_t i = 0; i < GP_LANES; i++) most = fmaxf(most, space->tail[at * GP_BLOCK + panel * GP_LANES + i]);
        space->panel_tail[(at * GP_PANELS + panel) * 3] = most;
        space->panel_tail[(at * GP_PANELS + panel) * 3 + 1] = cosf(most);
        space->panel_tail[(at * GP_PANELS + panel) * 3 + 2] = sinf(most);
    }
}

static void all_pivots(void *ctx, size_t begin, size_t end, int thread)
{
    struct work *work = ctx;

    for (size_t at = begin; at < end; at++) pivots_of(work, work->space->nodes - 1 - at, thread); /* large ones first */
}

int gp_space_pivots(struct gp_space *space, const struct base_env *env, struct pcct_error *err)
{
    struct work work = { .space = space, .capacity = SAMPLE + GP_BLOCK };
    const size_t threads = (size_t)base_par_threads(env);
    int status = 0;

    TRY(base_take(&work.y, env, threads * work.capacity * GP_PIVOTS, sizeof(double), err));
    TRY(base_take(&work.left, env, threads * work.capacity, sizeof(double), err));
    base_par_for(env, space->nodes, 1, all_pivots, &work);
done:
    base_free(env, work.left);
    base_free(env, work.y);
    return status;
}
