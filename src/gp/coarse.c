/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/coarse.h"

#include "base/memory.h"
#include "base/par.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ABOVE (1 + 0x1p-20) /* what is rounded to float stays above itself */

struct rounding {
    struct gp_coarse *coarse;
    const struct gp_rounded_frame *frame;
    const struct gp_principal *principal;
    double *scratch; /* [threads][8][m] */
};

/* Principal coordinates of eight lanes in units of the variance; what is left outside[] of |v|^2. */
static void coordinates(double *out, double *outside, const struct rounding *r, size_t first)
{
    const struct gp_space *space = r->coarse->rounded->space;
    const struct gp_features *f = space->features;
    const size_t m = f->form.m, size = r->coarse->form.m, block = first / GP_BLOCK;
    const double unit = 1 / sqrt(f->form.variance);
    const double *row[GP_ROWS] = { NULL };
    _Alignas(64) double part[GP_ROWS * GP_LANES];

    for (size_t i = 0; i < GP_ROWS; i++) {
        const uint32_t id = space->id[first + i];

        row[i] = f->v + (id == GP_NONE ? space->id[block * GP_BLOCK] : id) * m;
        outside[i] = 0;
        for (size_t l = 0; l < m; l++) outside[i] += row[i][l] * row[i][l] * unit * unit;
    }
    for (uint32_t chunk = 0; chunk < size / GP_LANES; chunk++) {
        gp_principal_coordinates(part, r->principal, row, GP_ROWS, chunk, f->tiles);
        for (size_t i = 0; i < GP_ROWS; i++) {
            for (size_t j = 0; j < GP_LANES; j++) {
                const double value = part[i * GP_LANES + j] * unit;

                out[i * size + chunk * GP_LANES + j] = value;
                outside[i] -= value * value;
            }
        }
    }
}

/* c[n] as whole numbers from -most to most times a unit, and what that does to it; `outside` of its square is in no coordinate. */
static void round_to(int8_t *value, float fact[GP_COARSE_FACTS], const double *c, size_t n, int most, double outside)
{
    double top = 0, square = 0, error = 0;
    float unit;

    for (size_t l = 0; l < n; l++) top = fmax(top, fabs(c[l]));
    unit = top > 0x1p-60 ? (float)(top / most * ABOVE) : 1;
    for (size_t l = 0; l < n; l++) {
        const double whole = rint(c[l] / (double)unit), rounded = whole * (double)unit;

        assert(fabs(whole) <= most);
        value[l] = (int8_t)whole;
        square += rounded * rounded;
        error += (c[l] - rounded) * (c[l] - rounded);
    }
    fact[0] = unit;
    fact[1] = (float)(sqrt(square) * ABOVE);
    fact[2] = (float)(sqrt(error) * ABOVE);
    fact[3] = (float)(sqrt(outside + error) * ABOVE);
}

static void round_lane(const struct rounding *r, size_t lane, const double *c, double outside)
{
    struct gp_coarse *coarse = r->coarse;
    const size_t m = coarse->form.m, panel = lane / GP_ROUNDED_LANES, at = lane % GP_ROUNDED_LANES;
    const double rest = r->frame->bound + fmax(outside, 0);
    int8_t value[GP_PRINCIPAL_MOST];
    float fact[GP_COARSE_FACTS];

    round_to(coarse->row + lane * m, coarse->row_fact + lane * GP_COARSE_FACTS, c, m, GP_COARSE_ROW, rest);
    coarse->start[lane] = 0;
    for (size_t l = 0; l < m; l++) coarse->start[lane] -= GP_COARSE_ZERO * coarse->row[lane * m + l];
    if (!coarse->panel) return;
    round_to(value, fact, c, m, GP_COARSE_PANEL, rest);
    for (size_t l = 0; l < m; l++) {
        coarse->panel[panel * GP_ROUNDED_LANES * m + (l / 4 * GP_ROUNDED_LANES + at) * 4 + l % 4] = (uint8_t)(value[l] + GP_COARSE_ZERO);
    }
    for (size_t i = 0; i < GP_COARSE_FACTS; i++) coarse->panel_fact[(panel * GP_COARSE_FACTS + i) * GP_ROUNDED_LANES + at] = fact[i];
}

static void round_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    const struct rounding *r = ctx;
    const size_t m = r->coarse->form.m;
    double *c = r->scratch + (size_t)thread * GP_ROWS * m, outside[GP_ROWS];

    for (size_t first = begin * GP_BLOCK; first < end * GP_BLOCK; first += GP_ROWS) {
        coordinates(c, outside, r, first);
        for (size_t i = 0; i < GP_ROWS; i++) round_lane(r, first + i, c + i * m, outside[i]);
    }
}

int gp_coarse_make(struct gp_coarse *coarse, const struct gp_rounded *rounded, const struct gp_rounded_frame *frame,
                   const struct gp_principal *principal, int rows_only, const struct base_env *env, struct pcct_error *err)
{
    const size_t lanes = (size_t)rounded->space->blocks * GP_BLOCK, m = principal->size;
    struct rounding rounding = { .coarse = coarse, .frame = frame, .principal = principal };
    int status = 0;

    memset(coarse, 0, sizeof *coarse);
    coarse->env = env;
    coarse->rounded = rounded;
    coarse->form = rounded->form;
    coarse->form.m = (uint32_t)m;
    TRY(base_take(&coarse->row, env, lanes * m, sizeof *coarse->row, err));
    TRY(base_take(&coarse->start, env, lanes, sizeof *coarse->start, err));
    TRY(base_take(&coarse->row_fact, env, lanes * GP_COARSE_FACTS, sizeof(float), err));
    if (!rows_only) TRY(base_take(&coarse->panel, env, lanes * m, sizeof *coarse->panel, err));
    if (!rows_only) TRY(base_take(&coarse->panel_fact, env, lanes * GP_COARSE_FACTS, sizeof(float), err));
    TRY(base_take(&rounding.scratch, env, (size_t)base_par_threads(env) * GP_ROWS * m, sizeof(double), err));
    base_par_for(env, rounded->space->blocks, 4, round_blocks, &rounding);
done:
    base_free(env, rounding.scratch);
    return status;
}

void gp_coarse_free(struct gp_coarse *coarse)
{
    if (!coarse->env) return;
    base_free(coarse->env, coarse->row);
    base_free(coarse->env, coarse->panel);
    base_free(coarse->env, coarse->start);
    base_free(coarse->env, coarse->row_fact);
    base_free(coarse->env, coarse->panel_fact);
    coarse->env = NULL;
}
