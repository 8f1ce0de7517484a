/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/flats.h"

#include "base/memory.h"
#include "base/par.h"

#include <math.h>
#include <string.h>

struct work {
    struct gp_flats *flats;
    const struct gp_space *space;
};

/* Up to 8 flat points from `lane` on against a leaf. */
static void measure(float *most, const struct gp_space *space, size_t lane, uint32_t block)
{
    const struct gp_features *f = space->features;
    const uint32_t *id = space->id + (size_t)space->blocks * GP_BLOCK + lane;
    const double *at[GP_LANES] = { NULL };
    struct gp_row row[GP_ROWS];
    _Alignas(64) double rho[GP_ROWS * GP_LANES];
    double greatest[GP_ROWS] = { 0 };
    unsigned rows = 0;

    for (; rows < GP_ROWS && id[rows] != GP_NONE; rows++) row[rows] = gp_features_row(f, id[rows]); /* points stand first in a block */
    for (size_t panel = (size_t)block * GP_PANELS; rows > 0 && panel < ((size_t)block + 1) * GP_PANELS; panel++) {
        const struct gp_panel points = gp_space_panel(space, panel);

        if (space->id[panel * GP_LANES] == GP_NONE) break;
        if (f->form.shape == GP_CUSTOM) gp_space_lanes(at, space, panel);
        gp_rho_tile(rho, f, row, rows, &points, at);
        for (unsigned i = 0; i < rows * GP_LANES; i++) {
            if (space->id[panel * GP_LANES + i % GP_LANES] == GP_NONE || fabs(rho[i]) <= greatest[i / GP_LANES]) continue;
            greatest[i / GP_LANES] = isfinite(rho[i]) ? fabs(rho[i]) : (double)INFINITY; /* a kernel's fault: searches shall meet it */
        }
    }
    for (unsigned i = 0; i < GP_ROWS; i++) most[i] = (float)greatest[i] * (1 + 0x1p-20F);
}

static void measure_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    const struct work *w = ctx;

    (void)thread;
    for (size_t block = begin; block < end; block++) {
        for (size_t lane = 0; lane < w->flats->lanes; lane += GP_ROWS) {
            measure(w->flats->most + block * w->flats->lanes + lane, w->space, lane, (uint32_t)block);
        }
    }
}

int gp_flats_make(struct gp_flats *flats, const struct gp_space *space, const struct base_env *env, struct pcct_error *err)
{
    struct work work = { flats, space };
    int status = 0;

    memset(flats, 0, sizeof *flats);
    flats->env = env;
    flats->lanes = space->flats * GP_BLOCK;
    flats->blocks = space->blocks;
    TRY(base_take(&flats->most, env, (size_t)flats->blocks * flats->lanes, sizeof *flats->most, err));
    base_par_for(env, flats->blocks, 4, measure_blocks, &work);
done:
    return status;
}

void gp_flats_free(struct gp_flats *flats)
{
    if (!flats->env) return;
    base_free(flats->env, flats->most);
    memset(flats, 0, sizeof *flats);
}
