/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/principal.h"

#include "base/memory.h"
#include "base/par.h"
#include "base/random.h"
#include "gp/cholesky.h"

#include <math.h>
#include <string.h>

enum { SAMPLE_SHARE = 4 /* points for each of m */, ITERATIONS = 3, PASSES = 3 };

/* Square and long matrices in two layouts: row-major, and panels of 16 columns, [columns / 16][rows][16], whose columns are filled up with zeros. */
struct work {
    const struct gp_space *space;
    uint32_t m, chunks;  /* 16 * chunks is m rounded up */
    uint32_t size;       /* of the subspace */
    size_t sample, step; /* lanes of the space: every step-th */
    double *v;           /* panels [sample x m] */
    double *across;      /* [m][sample] */
    double *square;      /* panels [m x m]: V V^T over the sample */
    double *q, *next;    /* [size][16 chunks] */
    double *panel;       /* panels of them [size x 16 chunks] */
    double *gram, *factor; /* [size][size] */
};

/* The stride of rows in q and next. */
static size_t wide(const struct work *w)
{
    return (size_t)w->chunks * GP_LANES;
}

static int take(struct work *w, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    TRY(base_take_zero(&w->v, env, w->sample * wide(w), sizeof(double), err));
    TRY(base_take(&w->across, env, w->sample * w->m, sizeof(double), err));
    TRY(base_take(&w->square, env, w->m * wide(w), sizeof(double), err));
    TRY(base_take(&w->q, env, w->size * wide(w), sizeof(double), err));
    TRY(base_take(&w->next, env, w->size * wide(w), sizeof(double), err));
    TRY(base_take(&w->panel, env, w->size * wide(w), sizeof(double), err));
    TRY(base_take_zero(&w->gram, env, (size_t)w->size * w->size, sizeof(double), err));
    TRY(base_take_zero(&w->factor, env, (size_t)w->size * w->size, sizeof(double), err));
done:
    return status;
}

static void give_back(struct work *w, const struct base_env *env)
{
    base_free(env, w->v);
    base_free(env, w->across);
    base_free(env, w->square);
    base_free(env, w->q);
    base_free(env, w->next);
    base_free(env, w->panel);
    base_free(env, w->gram);
    base_free(env, w->factor);
}

static void copy_sample(struct work *w)
{
    const struct gp_features *f = w->space->features;

    for (size_t i = 0; i < w->sample; i++) {
        const uint32_t id = w->space->id[i * w->step];

        for (uint32_t l = 0; l < w->m; l++) {
            const double value = id == GP_NONE ? 0 : f->v[id * (size_t)w->m + l];

            w->v[(l / GP_LANES * w->sample + i) * GP_LANES + l % GP_LANES] = value;
            w->across[l * w->sample + i] = value;
        }
    }
}

/* Rows first, ... of left times a chunk of 16 columns: to panels or, with a stride, to row-major. */
static void multiply(double *out, size_t stride, const double *left, size_t left_stride, uint32_t rows, const double *panel, uint32_t inner,
                     const struct gp_tiles *tiles)
{
    _Alignas(64) double part[GP_ROWS * GP_LANES];

    for (uint32_t first = 0; first < rows; first += GP_ROWS) {
        const unsigned count = rows - first < GP_ROWS ? rows - first : GP_ROWS;
        const double *row[GP_ROWS] = { NULL };

        for (unsigned i = 0; i < count; i++) row[i] = left + (first + i) * left_stride;
        tiles->dots(part, row, count, panel, inner);
        for (unsigned i = 0; i < count; i++) memcpy(out + (first + i) * stride, part + i * GP_LANES, GP_LANES * sizeof *out);
    }
}

static void square_chunks(void *ctx, size_t begin, size_t end, int thread)
{
    struct work *w = ctx;

    (void)thread;
    for (size_t chunk = begin; chunk < end; chunk++) {
        multiply(w->square + chunk * w->m * GP_LANES, GP_LANES, w->across, w->sample, w->m, w->v + chunk * w->sample * GP_LANES,
                 (uint32_t)w->sample, w->space->features->tiles);
    }
}

/* next = q times the square matrix. */
static void next_chunks(void *ctx, size_t begin, size_t end, int thread)
{
    struct work *w = ctx;

    (void)thread;
    for (size_t chunk = begin; chunk < end; chunk++) {
        multiply(w->next + chunk * GP_LANES, wide(w), w->q, wide(w), w->size, w->square + chunk * w->m * GP_LANES, w->m, w->space->features->tiles);
    }
}

/* q = L^-1 panel, where L L^T = gram. */
static void solve_chunks(void *ctx, size_t begin, size_t end, int thread)
{
    struct work *w = ctx;

    (void)thread;
    for (size_t chunk = begin; chunk < end; chunk++) {
        double *panel = w->panel + chunk * w->size * GP_LANES;

        gp_cholesky_solve(panel, w->factor, w->size, w->size, w->space->features->tiles);
        for (uint32_t i = 0; i < w->size; i++) memcpy(w->q + i * wide(w) + chunk * GP_LANES, panel + (size_t)i * GP_LANES, GP_LANES * sizeof *panel);
    }
}

/* gram = rows of q times each other. */
static void make_gram(struct work *w)
{
    for (uint32_t i = 0; i < w->size; i++) {
        for (uint32_t l = 0; l < w->m; l++) w->panel[((size_t)(i / GP_LANES) * w->m + l) * GP_LANES + i % GP_LANES] = w->q[i * wide(w) + l];
    }
    for (uint32_t chunk = 0; chunk < w->size / GP_LANES; chunk++) {
        multiply(w->gram + chunk * GP_LANES, w->size, w->q, wide(w), w->size, w->panel + (size_t)chunk * w->m * GP_LANES, w->m,
                 w->space->features->tiles);
    }
}

/* Makes the rows of q orthonormal, each in the span of itself and those before; what a pass leaves because rows lay close together the next one
 * mends. *bad: whether they did not come apart. */
static int orthonormalise(struct work *w, int *bad, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    for (int pass = 0; pass < PASSES; pass++) {
        double trace = 0;
        uint32_t row = 0;

        make_gram(w);
        for (uint32_t i = 0; i < w->size; i++) trace += w->gram[(size_t)i * w->size + i];
        TRY(gp_cholesky(w->factor, &row, w->gram, w->size, pass == 0 ? 1e-13 * trace : 0, w->space->features->tiles, env, err));
        *bad = row < w->size;
        if (*bad) goto done;
        for (uint32_t chunk = 0; chunk < w->chunks; chunk++) {
            for (uint32_t i = 0; i < w->size; i++) {
                memcpy(w->panel + ((size_t)chunk * w->size + i) * GP_LANES, w->q + i * wide(w) + chunk * GP_LANES, GP_LANES * sizeof *w->q);
            }
        }
        base_par_for(env, w->chunks, 1, solve_chunks, w);
    }
done:
    return status;
}

static int is_orthonormal(struct work *w)
{
    make_gram(w);
    for (uint32_t i = 0; i < w->size; i++) {
        for (uint32_t j = 0; j < w->size; j++) {
            if (!(fabs(w->gram[(size_t)i * w->size + j] - (i == j)) * w->size <= GP_PRINCIPAL_TRUST)) return 0;
        }
    }
    return 1;
}

/* How many vectors it takes to leave as little outside as is wanted, a multiple of 16, or all; 0: they leave too much. */
static uint32_t least_size(struct work *w, double wanted, double most)
{
    double outside = 0;

    for (uint32_t l = 0; l < w->m; l++) outside += w->square[((size_t)(l / GP_LANES) * w->m + l) * GP_LANES + l % GP_LANES];
    for (uint32_t i = 0; i < w->size; i++) {
        for (uint32_t l = 0; l < w->m; l++) outside -= w->q[i * wide(w) + l] * w->next[i * wide(w) + l];
        if ((i + 1) % GP_LANES == 0 && outside <= wanted * (double)w->sample) return i + 1;
    }
    return outside <= most * (double)w->sample ? w->size : 0;
}

static int iterate(struct work *w, int *bad, const struct base_env *env, struct pcct_error *err)
{
    struct base_random random;
    int status = 0;

    base_random_seed(&random, w->m);
    for (uint32_t i = 0; i < w->size; i++) {
        for (size_t l = 0; l < wide(w); l++) w->q[i * wide(w) + l] = l < w->m ? base_random_unit(&random) - 0.5 : 0;
    }
    base_par_for(env, w->chunks, 1, square_chunks, w);
    for (int i = 0; i < ITERATIONS && !*bad; i++) {
        double *swap = w->q;

        base_par_for(env, w->chunks, 1, next_chunks, w);
        w->q = w->next;
        w->next = swap;
        TRY(orthonormalise(w, bad, env, err));
    }
    if (!*bad) *bad = !is_orthonormal(w);
    if (!*bad) base_par_for(env, w->chunks, 1, next_chunks, w);
done:
    return status;
}

int gp_principal_make(struct gp_principal *principal, const struct gp_space *space, double wanted, double most, const struct base_env *env,
                      struct pcct_error *err)
{
    const size_t lanes = (size_t)space->blocks * GP_BLOCK;
    struct work w = { .space = space, .m = space->features->form.m };
    uint32_t size = 0;
    int status = 0, bad = 0;

    memset(principal, 0, sizeof *principal);
    principal->env = env;
    principal->m = w.m;
    w.chunks = (w.m + GP_LANES - 1) / GP_LANES;
    w.size = w.m / 2 / GP_LANES * GP_LANES;
    if (w.size > GP_PRINCIPAL_MOST) w.size = GP_PRINCIPAL_MOST;
    w.step = lanes / (SAMPLE_SHARE * (size_t)w.m + 1) + 1;
    w.sample = (lanes + w.step - 1) / w.step;
    if (w.size == 0 || lanes == 0) return 0;
    TRY(take(&w, env, err));
    copy_sample(&w);
    TRY(iterate(&w, &bad, env, err));
    if (!bad) size = least_size(&w, wanted, most);
    if (size == 0) goto done;
    TRY(base_take(&principal->basis, env, (size_t)size * w.m, sizeof(double), err));
    principal->size = size;
    for (uint32_t i = 0; i < size; i++) {
        for (uint32_t l = 0; l < w.m; l++) principal->basis[((size_t)(i / GP_LANES) * w.m + l) * GP_LANES + i % GP_LANES] = w.q[i * wide(&w) + l];
    }
done:
    give_back(&w, env);
    return status;
}

void gp_principal_free(struct gp_principal *principal)
{
    if (!principal->env) return;
    base_free(principal->env, principal->basis);
    memset(principal, 0, sizeof *principal);
}
