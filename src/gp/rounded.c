/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/rounded.h"

#include "base/memory.h"
#include "base/par.h"

#include <math.h>
#include <string.h>

#define ROOM 1.25 /* for queries that lie somewhat outside */

/* The ends of one coordinate of all points that stand in blocks which are not flat. */
static void ends_of(double *low, double *high, const struct gp_space *const *space, unsigned spaces, size_t t)
{
    *low = (double)INFINITY;
    *high = -(double)INFINITY;
    for (unsigned i = 0; i < spaces; i++) {
        const size_t dim = space[i]->features->form.dim;

        for (uint32_t at = space[i]->root_first; at < space[i]->nodes; at++) {
            *low = fmin(*low, space[i]->box[at * 2 * dim + t]);
            *high = fmax(*high, space[i]->box[(at * 2 + 1) * dim + t]);
        }
    }
}

double gp_rounded_reach(const struct gp_space *const *space, unsigned spaces, const double *centre)
{
    const struct gp_form *form = &space[0]->features->form;
    const size_t dim = form->dim, m = form->m;
    double far = 0, most = form->variance, low, high;

    for (size_t t = 0; t < dim; t++) {
        ends_of(&low, &high, space, spaces, t);
        if (low <= high) far = fmax(far, fmax(high - centre[t], centre[t] - low));
    }
    for (unsigned i = 0; i < spaces; i++) {
        for (size_t at = 0; at < (size_t)space[i]->blocks * GP_BLOCK; at++) {
            const uint32_t id = space[i]->id[at];
            const double *v = space[i]->features->v;
            double sum = 0;

            for (size_t l = 0; id != GP_NONE && l < m; l++) sum += v[id * m + l] * v[id * m + l];
            most = fmax(most, sum);
        }
    }
    return 0x1p-24 * ((double)(m + 8) * (most / form->variance) + 2 * far * sqrt((double)dim) + (double)dim + 16);
}

double gp_rounded_bound(double *centre, const struct gp_space *const *space, unsigned spaces)
{
    double low, high;

    for (size_t t = 0; t < space[0]->features->form.dim; t++) {
        ends_of(&low, &high, space, spaces, t);
        centre[t] = low <= high ? low / 2 + high / 2 : 0;
    }
    return ROOM * gp_rounded_reach(space, spaces, centre);
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

static void round_block(const struct rounding *r, size_t block)
{
    struct gp_rounded *filter = r->filter;
    const struct gp_space *space = filter->space;
    const struct gp_features *f = space->features;
    const size_t m = f->form.m, dim = f->form.dim;
    const double unit = 1 / sqrt(f->form.variance), root = sqrt(f->form.variance);

    for (size_t lane = block * GP_BLOCK; lane < (block + 1) * GP_BLOCK; lane++) {
        const uint32_t id = space->id[lane], from = id == GP_NONE ? space->id[block * GP_BLOCK] : id;
        const size_t panel = lane / GP_ROUNDED_LANES, at = lane % GP_ROUNDED_LANES;

        for (size_t l = 0; l < m; l++) {
            filter->row_v[lane * m + l] = (float)(f->v[from * m + l] * unit);
            filter->v[(panel * m + l) * GP_ROUNDED_LANES + at] = filter->row_v[lane * m + l];
        }
        for (size_t t = 0; t < dim; t++) {
            filter->row_x[lane * dim + t] = (float)(f->x[from * dim + t] - r->frame->centre[t]);
            filter->x[(panel * dim + t) * GP_ROUNDED_LANES + at] = filter->row_x[lane * dim + t];
        }
        filter->isp[lane] = id == GP_NONE ? NAN : (float)(f->isp[id] * root);
        filter->error[lane] = id == GP_NONE ? 0 : (float)(sqrt(r->frame->bound) * f->isp[id] * root * (1 + 0x1p-20));
    }
}

static void round_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    (void)thread;
    for (size_t block = begin; block < end; block++) round_block(ctx, block);
}

int gp_rounded_make(struct gp_rounded *filter, const struct gp_space *space, const struct gp_rounded_frame *frame, const struct base_env *env,
                   struct pcct_error *err)
{
    const size_t lanes = (size_t)space->blocks * GP_BLOCK, m = space->features->form.m, dim = space->features->form.dim;
    struct rounding rounding = { filter, frame };
    int status = 0;

    memset(filter, 0, sizeof *filter);
    filter->env = env;
    filter->space = space;
    TRY(base_take(&filter->v, env, lanes * m, sizeof(float), err));
    TRY(base_take(&filter->x, env, lanes * dim, sizeof(float), err));
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
