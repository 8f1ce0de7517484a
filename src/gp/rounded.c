/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/rounded.h"

#include "base/memory.h"
#include "base/par.h"

#include <math.h>
#include <string.h>

#define ROOM 1.25 /* for queries that lie somewhat outside */

/* The ends of one coordinate of all points that stand in blocks which are not flat. */
static void ends_of(double *low, double *high, const struct gp_space *space, size_t t)
{
    const size_t dim = space->features->form.dim;

    *low = (double)INFINITY;
    *high = -(double)INFINITY;
    for (uint32_t at = space->root_first; at < space->nodes; at++) {
        *low = fmin(*low, space->box[at * 2 * dim + t]);
        *high = fmax(*high, space->box[(at * 2 + 1) * dim + t]);
    }
}

struct lengths {
    const struct gp_space *space;
    double most; /* greatest |v|^2 */
};

static void find_longest(void *ctx, size_t begin, size_t end, int thread)
{
    struct lengths *l = ctx;
    _Alignas(64) double square[GP_LANES];
    double most = 0;

    (void)thread;
    for (size_t panel = begin * GP_PANELS; panel < end * GP_PANELS; panel++) { /* lanes without a point repeat one */
        l->space->features->tiles->squares(square, gp_space_panel(l->space, panel).v, l->space->features->form.m);
        for (unsigned i = 0; i < GP_LANES; i++) most = fmax(most, square[i]);
    }
    base_par_max(&l->most, most);
}

static void extend(struct gp_rounded_extent *extent, const struct gp_space *space, const double *centre)
{
    const struct gp_form *form = &space->features->form;
    struct lengths lengths = { space, 0 };
    double low, high;

    for (size_t t = 0; t < form->dim; t++) {
        ends_of(&low, &high, space, t);
        if (low <= high) extent->far = fmax(extent->far, fmax(high - centre[t], centre[t] - low));
    }
    base_par_for(space->env, space->blocks, 8, find_longest, &lengths);
    extent->most = fmax(extent->most, fmax(form->variance, lengths.most));
}

static double error_of(const struct gp_rounded_extent *extent, const struct gp_form *form)
{
    return 0x1p-24 * ((double)(form->m + 8) * (extent->most / form->variance) + 2 * extent->far * sqrt((double)form->dim) + (double)form->dim + 16);
}

void gp_rounded_frame(struct gp_rounded_frame *frame, double *centre, const struct gp_space *space)
{
    double low, high;

    for (size_t t = 0; t < space->features->form.dim; t++) {
        ends_of(&low, &high, space, t);
        centre[t] = low <= high ? low / 2 + high / 2 : 0;
    }
    memset(frame, 0, sizeof *frame);
    frame->centre = centre;
    extend(&frame->extent, space, centre);
    frame->bound = ROOM * error_of(&frame->extent, &space->features->form);
}

int gp_rounded_covers(const struct gp_rounded_frame *frame, const struct gp_space *space)
{
    struct gp_rounded_extent both = frame->extent;

    extend(&both, space, frame->centre);
    return error_of(&both, &space->features->form) <= frame->bound;
}

int gp_rounded_fits(const struct gp_space *space, double bound)
{
    const struct gp_form *form = &space->features->form;
    uint64_t good = 0, all = 0;

    if (form->shape == GP_CUSTOM || !(bound < 1)) return 0;
    for (size_t at = 0; at < (size_t)space->blocks * GP_BLOCK; at++) {
        if (space->id[at] == GP_NONE) continue;
        all++;
        good += space->features->p[space->id[at]] > 100 * bound * form->variance;
    }
    return good * 10 > all * 9;
}

struct rounding {
    struct gp_rounded *filter;
    const struct gp_rounded_frame *frame;
};

static void round_lane(const struct rounding *r, size_t lane)
{
    struct gp_rounded *filter = r->filter;
    const struct gp_space *space = filter->space;
    const struct gp_features *f = space->features;
    const size_t m = filter->form.m, dim = f->form.dim;
    const double unit = 1 / sqrt(f->form.variance), root = sqrt(f->form.variance);
    const uint32_t id = space->id[lane], from = id == GP_NONE ? space->id[lane / GP_BLOCK * GP_BLOCK] : id;
    const double *v = f->v + from * m;

    for (size_t l = 0; l < m; l++) filter->row_v[lane * m + l] = (float)(v[l] * unit);
    for (size_t t = 0; t < dim; t++) filter->row_x[lane * dim + t] = (float)(f->x[from * dim + t] - r->frame->centre[t]);
    filter->isp[lane] = id == GP_NONE ? NAN : (float)(f->isp[id] * root);
    filter->error[lane] = id == GP_NONE ? 0 : (float)(sqrt(r->frame->bound) * f->isp[id] * root * (1 + 0x1p-20));
}

/* out[n][32] from the rows of 32 lanes. */
static void turn(float *out, const float *row, size_t n)
{
    for (size_t l = 0; l < n; l++) {
        for (size_t i = 0; i < GP_ROUNDED_LANES; i++) out[l * GP_ROUNDED_LANES + i] = row[i * n + l];
    }
}

static void round_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    const struct rounding *r = ctx;
    const size_t m = r->filter->form.m, dim = r->filter->form.dim;

    (void)thread;
    for (size_t lane = begin * GP_BLOCK; lane < end * GP_BLOCK; lane++) round_lane(r, lane);
    for (size_t lane = begin * GP_BLOCK; r->filter->x && lane < end * GP_BLOCK; lane += GP_ROUNDED_LANES) {
        if (r->filter->v) turn(r->filter->v + lane * m, r->filter->row_v + lane * m, m);
        turn(r->filter->x + lane * dim, r->filter->row_x + lane * dim, dim);
    }
}

int gp_rounded_make(struct gp_rounded *filter, const struct gp_space *space, const struct gp_rounded_frame *frame, enum gp_rounded_use use,
                    const struct base_env *env, struct pcct_error *err)
{
    const size_t m = space->features->form.m, dim = space->features->form.dim;
    const size_t lanes = (size_t)space->blocks * GP_BLOCK;
    struct rounding rounding = { .filter = filter, .frame = frame };
    int status = 0;

    memset(filter, 0, sizeof *filter);
    filter->env = env;
    filter->space = space;
    filter->form = space->features->form;
    if (use == GP_ROUNDED_PANELS_TOO) TRY(base_take(&filter->v, env, lanes * m, sizeof(float), err));
    if (use != GP_ROUNDED_ROWS) TRY(base_take(&filter->x, env, lanes * dim, sizeof(float), err));
    TRY(base_take(&filter->row_v, env, lanes * m, sizeof(float), err));
    TRY(base_take(&filter->row_x, env, lanes * dim, sizeof(float), err));
    TRY(base_take(&filter->isp, env, lanes, sizeof(float), err));
    TRY(base_take(&filter->error, env, lanes, sizeof(float), err));
    base_par_for(env, space->blocks, 4, round_blocks, &rounding);
done:
    return status;
}

void gp_rounded_free(struct gp_rounded *filter)
{
    if (!filter->env) return;
    base_free(filter->env, filter->v);
    base_free(filter->env, filter->x);
    base_free(filter->env, filter->row_v);
    base_free(filter->env, filter->row_x);
    base_free(filter->env, filter->isp);
    base_free(filter->env, filter->error);
    filter->env = NULL;
}
