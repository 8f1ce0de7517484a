/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M = 37, DIM = 5 };

struct data {
    _Alignas(64) double panel_v[M * 16], panel_x[DIM * 16], isp[16];
    _Alignas(64) float fv[M * 32], fx[DIM * 32], fisp[32], ferror[32];
    double v[8][M], x[8][DIM];
    float row_v[8][M], row_x[8][DIM];
    struct gp_row row[8];
    struct gp_rounded_row rounded[8];
};

static void fill(struct data *d)
{
    struct base_random random;

    base_random_seed(&random, 5);
    for (int i = 0; i < M * 16; i++) d->panel_v[i] = base_random_gauss(&random) / 10;
    for (int i = 0; i < DIM * 16; i++) d->panel_x[i] = base_random_gauss(&random);
    for (int i = 0; i < 16; i++) d->isp[i] = 1 + base_random_unit(&random);
    for (int i = 0; i < M * 32; i++) d->fv[i] = (float)base_random_gauss(&random) / 10;
    for (int i = 0; i < DIM * 32; i++) d->fx[i] = (float)base_random_gauss(&random);
    for (int i = 0; i < 32; i++) {
        d->fisp[i] = 1 + (float)base_random_unit(&random);
        d->ferror[i] = (float)base_random_unit(&random) / 100;
    }
    for (int i = 0; i < 8; i++) {
        for (int l = 0; l < M; l++) d->v[i][l] = base_random_gauss(&random) / 10;
        for (int t = 0; t < DIM; t++) d->x[i][t] = base_random_gauss(&random);
        for (int l = 0; l < M; l++) d->row_v[i][l] = (float)d->v[i][l];
        for (int t = 0; t < DIM; t++) d->row_x[i][t] = (float)d->x[i][t];
        d->row[i] = (struct gp_row){ d->v[i], d->x[i], 1 + i };
        d->rounded[i] = (struct gp_rounded_row){ d->row_v[i], d->row_x[i], 1 + (float)i, 0.01F };
    }
    d->isp[13] = NAN;
}

/* K in long double. */
static long double exact(long double d2, enum gp_shape shape)
{
    const long double r = sqrtl(d2), s = (shape == GP_MATERN32 ? sqrtl(3) : shape == GP_MATERN52 ? sqrtl(5) : 1) * r;

    if (shape == GP_RBF) return expl(-d2 / 2);
    if (shape == GP_MATERN12) return expl(-r);
    return (1 + s + (shape == GP_MATERN52 ? s * s / 3 : 0)) * expl(-s);
}

/* rbf is the exponential alone: within 1 unit in the last place. In the others other roundings come on top, those of the argument grow with it. */
static void check_accuracy(const struct gp_tiles *tiles)
{
    struct base_random random;
    double worst = 0, worst_matern = 0;

    base_random_seed(&random, 11);
    for (int i = 0; i < 200000 / 16; i++) {
        _Alignas(64) double d2[16], k[16];

        for (int j = 0; j < 16; j++) d2[j] = (j & 1 ? 2 : 1400) * base_random_unit(&random);
        for (int shape = 0; shape < GP_SHAPES; shape++) {
            const struct gp_form form = { (enum gp_shape)shape, 1, 0, 1 };

            tiles->kernel(k, d2, 16, &form);
            for (int j = 0; j < 16; j++) {
                const long double wanted = exact((long double)d2[j], (enum gp_shape)shape);
                const double ulp = nextafter((double)wanted, 2) - (double)wanted, off = (double)fabsl((long double)k[j] - wanted) / ulp;

                if (shape == GP_RBF && off > worst) worst = off;
                if (shape != GP_RBF && off / (1 + sqrt(5 * d2[j])) > worst_matern) worst_matern = off / (1 + sqrt(5 * d2[j]));
            }
        }
    }
    assert_true(worst < 1);
    assert_true(worst_matern < 3);
}

static void check_ends(const struct gp_tiles *tiles)
{
    const struct gp_form form = { GP_MATERN52, 2, 0, 1 }, plain = { GP_RBF, 2, 0, 1 };
    _Alignas(64) double d2[16] = { 0, 1e-300, 1416.1, 1417, 1e300, 1e6, 1415.9 }, k[16];

    tiles->kernel(k, d2, 16, &form);
    assert_true(k[0] == 2 && k[1] == 2 && k[4] == 0 && k[5] == 0);
    tiles->kernel(k, d2, 16, &plain);
    assert_true(k[0] == 2 && k[1] == 2 && k[2] == 0 && k[3] == 0 && k[4] == 0 && k[6] > 0);
}

static void check_double(const struct gp_tiles *tiles, const struct data *d, unsigned rows, enum gp_shape shape)
{
    const struct gp_form form = { shape, 1.5, M, DIM };
    const struct gp_panel panel = { d->panel_v, d->panel_x, d->isp };
    const double *v[8], *x[8];
    _Alignas(64) double dots[8 * 16], k[8 * 16], rho[8 * 16];

    for (unsigned i = 0; i < rows; i++) {
        v[i] = d->v[i];
        x[i] = d->x[i];
    }
    tiles->dots(dots, v, rows, d->panel_v, M);
    tiles->covariances(k, x, rows, d->panel_x, &form);
    tiles->rho(rho, d->row, rows, &panel, &form);
    for (unsigned i = 0; i < rows * 16; i++) {
        _Alignas(64) double d2[16] = { 0 }, value[16];
        double sum = 0;

        for (int l = 0; l < M; l++) sum = fma(d->v[i / 16][l], d->panel_v[l * 16 + (int)(i % 16)], sum);
        for (int t = 0; t < DIM; t++) {
            const double difference = d->x[i / 16][t] - d->panel_x[t * 16 + (int)(i % 16)];

            d2[0] = fma(difference, difference, d2[0]);
        }
        gp_tiles_scalar.kernel(value, d2, 16, &form);
        assert_true(dots[i] == sum);
        assert_true(k[i] == value[0]);
        if (i % 16 == 13) assert_true(isnan(rho[i]));
        else assert_true(rho[i] == (value[0] - sum) * (d->row[i / 16].isp * d->isp[i % 16]));
    }
    for (unsigned i = 0; i < rows; i++) {
        for (int e = 0; e < 3; e++) {
            const double t = e == 0 ? 0 : fabs(rho[i * 16 + 4]) * (e == 1 ? 1 : 1.0000001);
            uint32_t wanted = 0;

            for (int j = 0; j < 16; j++) wanted |= (uint32_t)(fabs(rho[i * 16 + (unsigned)j]) >= t) << j;
            assert_int_equal(tiles->above(rho + i * 16, t), wanted);
        }
    }
}

/* Rows that are lanes of a panel: the bits of rows that stand by themselves. */
static void check_cross(const struct gp_tiles *tiles, const struct data *d, enum gp_shape shape)
{
    const struct gp_form form = { shape, 1.5, M, DIM };
    const struct gp_panel panel = { d->panel_v, d->panel_x, d->isp };
    _Alignas(64) double v[M * 16] = { 0 }, x[DIM * 16] = { 0 }, isp[16] = { 0 }, wanted[8 * 16], got[8 * 16];
    const struct gp_panel own = { v, x, isp };

    tiles->rho(wanted, d->row, 8, &panel, &form);
    for (unsigned first = 0; first <= 8; first += 8) {
        for (unsigned i = 0; i < 8; i++) {
            for (unsigned l = 0; l < M; l++) v[l * 16 + first + i] = d->v[i][l];
            for (unsigned t = 0; t < DIM; t++) x[t * 16 + first + i] = d->x[i][t];
            isp[first + i] = d->row[i].isp;
        }
        tiles->cross(got, &own, first, &panel, &form);
        for (unsigned i = 0; i < 8 * 16; i++) assert_true(got[i] == wanted[i] || (isnan(got[i]) && isnan(wanted[i])));
        memset(v, 0, sizeof v);
    }
}

static void check_pairs(const struct gp_tiles *tiles, const struct data *d, unsigned n)
{
    const struct gp_form form = { GP_MATERN32, 1, M, DIM };
    double out[8];

    tiles->pairs(out, &d->row[2], 0, d->row, n, &form);
    for (unsigned i = 0; i < n; i++) {
        struct gp_features f = { .form = form, .v = (double *)(uintptr_t)d->v[0], .x = (double *)(uintptr_t)d->x[0] };
        double isp[8];

        for (int j = 0; j < 8; j++) isp[j] = d->row[j].isp;
        f.isp = isp;
        assert_true(out[i] == support_gp_rho(&f, 2, &f, i));
        tiles->pairs(out, d->row, 1, d->row + 8 - n, n, &form);
        assert_true(out[i] == support_gp_rho(&f, i, &f, 8 - n + i));
        tiles->pairs(out, &d->row[2], 0, d->row, n, &form);
    }
}

static void check_filter(const struct gp_tiles *tiles, const struct data *d, unsigned rows, enum gp_shape shape)
{
    const struct gp_form form = { shape, 1, M, DIM };
    const struct gp_rounded_panel panel = { d->fv, d->fx, d->fisp, d->ferror };
    _Alignas(64) float rho[8 * 32];

    tiles->filter(rho, d->rounded, rows, &panel, &form);
    for (unsigned i = 0; i < rows * 32; i++) {
        double sum = 0, d2 = 0, wanted;

        for (int l = 0; l < M; l++) sum += (double)d->row_v[i / 32][l] * (double)d->fv[l * 32 + (int)(i % 32)];
        for (int t = 0; t < DIM; t++) d2 += pow((double)(d->row_x[i / 32][t] - d->fx[t * 32 + (int)(i % 32)]), 2);
        wanted = ((double)exact((long double)d2, shape) - sum) * (double)(d->rounded[i / 32].isp * d->fisp[i % 32]);
        assert_true(fabs((double)rho[i] - wanted) < 0x1p-24 * (M + 30) * (double)(d->rounded[i / 32].isp * d->fisp[i % 32]));
    }
    for (unsigned i = 0; i < rows; i++) {
        const float t = fabsf(rho[i * 32 + 9]);
        const uint32_t mask = tiles->filter_above(rho + i * 32, d->ferror, 0.01F, t);

        for (int j = 0; j < 32; j++) assert_int_equal(mask >> j & 1, fmaf(0.01F, d->ferror[j], fabsf(rho[i * 32 + (unsigned)j])) >= t);
    }
}

static void check_filter_pairs(const struct gp_tiles *tiles, const struct data *d, unsigned n, size_t step)
{
    const struct gp_form form = { GP_MATERN52, 1, M, DIM };
    _Alignas(64) float out[16];

    tiles->filter_pairs(out, &d->rounded[8 - n], step, d->rounded, n, &form);
    for (unsigned i = 0; i < n; i++) {
        const size_t from = 8 - n + i * step;
        double sum = 0, d2 = 0, wanted;

        for (int l = 0; l < M; l++) sum += (double)d->row_v[from][l] * (double)d->row_v[i][l];
        for (int t = 0; t < DIM; t++) d2 += pow((double)(d->row_x[from][t] - d->row_x[i][t]), 2);
        wanted = ((double)exact((long double)d2, GP_MATERN52) - sum) * (double)(d->rounded[from].isp * d->rounded[i].isp);
        assert_true(fabs((double)out[i] - wanted) < 0x1p-24 * (M + 30) * (double)(d->rounded[from].isp * d->rounded[i].isp));
    }
}

/* One of the values, with at least k from it on, and nearly the greatest such; equal ones, and those that lie far apart. */
static void check_kth(const struct gp_tiles *tiles)
{
    struct base_random random;

    base_random_seed(&random, 8);
    for (int round = 0; round < 300; round++) {
        const size_t n = 1 + base_random_below(&random, 200), k = 1 + base_random_below(&random, n);
        _Alignas(64) float value[208], copy[208];
        size_t above = 0, found = 0, far = 0;
        float got;

        for (size_t i = 0; i < n; i++) {
            value[i] = (float)(base_random_unit(&random) - (round % 5 == 0 ? 0.5 : 0));
            if (round % 3 == 0) value[i] = (float)(int)(4 * value[i]) / 4;
            if (round % 7 == 0 && i % 9 == 0) value[i] = -1e3F;
            copy[i] = value[i];
        }
        got = tiles->kth(copy, n, k);
        for (size_t i = 0; i < n; i++) {
            above += value[i] >= got;
            found += value[i] == got;
            far += value[i] > got + 0.01F;
        }
        assert_true(found > 0 && above >= k && far < k);
    }
}

static void check_substitution(const struct gp_tiles *tiles)
{
    _Alignas(64) double panel[20 * 16], sums[8 * 16], squares[16];
    double factor[20][20], given[20 * 16];
    const double *row[8];

    for (int i = 0; i < 20; i++) {
        for (int j = 0; j <= i; j++) factor[i][j] = i == j ? 2 + i : 0.1 * (i - j);
    }
    for (int i = 0; i < 20 * 16; i++) given[i] = panel[i] = sin(i);
    for (uint32_t first = 0; first < 20; first += 8) {
        const unsigned rows = first + 8 <= 20 ? 8 : 20 - first;

        for (unsigned i = 0; i < rows; i++) row[i] = factor[first + i];
        tiles->dots(sums, row, rows, panel, first);
        tiles->substitute(panel, sums, row, rows, first);
    }
    tiles->squares(squares, panel, 20);
    for (int lane = 0; lane < 16; lane++) {
        double square = 0;

        for (int i = 0; i < 20; i++) {
            double sum = 0;

            for (int j = 0; j < i; j++) sum = fma(factor[i][j], panel[j * 16 + lane], sum);
            assert_true(panel[i * 16 + lane] == (given[i * 16 + lane] - sum) / factor[i][i]);
            square = fma(panel[i * 16 + lane], panel[i * 16 + lane], square);
        }
        assert_true(squares[lane] == square);
    }
}

static void check_envelope(const struct gp_tiles *tiles, struct base_random *random)
{
    _Alignas(64) double v[4 * M * 16], most[M], product[64];

    for (int i = 0; i < 4 * M * 16; i++) v[i] = base_random_gauss(random);
    for (int l = 0; l < M; l++) most[l] = base_random_unit(random);
    tiles->envelope(product, v, most, M);
    for (int i = 0; i < 64; i++) {
        double sum = 0;

        for (int l = 0; l < M; l++) sum += fabs(v[((size_t)(i / 16) * M + (size_t)l) * 16 + (size_t)(i % 16)]) * most[l];
        assert_true(fabs(product[i] - sum) < 1e-13 * sum);
    }
}

static void check_gram(const struct gp_tiles *tiles)
{
    _Alignas(64) double c[256], lower[256] = { 0 }, upper[256] = { 0 };
    _Alignas(64) float g[256];
    struct base_random random;

    base_random_seed(&random, 3);
    for (int i = 0; i < 256; i++) {
        c[i] = base_random_gauss(&random) / 4;
        if (i / 16 >= i % 16) lower[i] = base_random_gauss(&random);
        if (i / 16 <= i % 16) upper[i] = base_random_gauss(&random);
    }
    for (unsigned rows = 8; rows <= 16; rows += 8) {
        double wanted[256] = { 0 }, total = 0;
        const double got = (double)tiles->gram(g, c, lower, upper, rows);

        for (unsigned i = 0; i < rows; i++) {
            for (int j = 0; j < 16; j++) {
                double *at = &wanted[i * 16 + (unsigned)j];

                for (unsigned a = 0; a < rows; a++) {
                    for (int b = 0; b < 16; b++) *at += lower[i * 16 + a] * c[a * 16 + (unsigned)b] * upper[b * 16 + j];
                }
                assert_true(fabs((double)g[i * 16 + (unsigned)j] - *at) <= 0x1p-24 * fabs(*at) + 1e-11);
            }
        }
        for (int i = 0; i < 256; i++) {
            double sum = 0;

            for (unsigned l = 0; l < rows; l++) sum += wanted[l * 16 + (unsigned)(i / 16)] * wanted[l * 16 + (unsigned)(i % 16)];
            total += sum * sum;
        }
        assert_true(fabs(got - total) < 4e-6 * total);
    }
}

/* What the queries' coordinates and the points' say of them: values that are next to the limit may fall either way. */
static void check_meet(const struct gp_tiles *tiles, struct base_random *random, const float *h, const float *far)
{
    _Alignas(64) float y[16 * 64], sine[64], cosine[64];
    uint64_t who[64], mask[4];

    for (int i = 0; i < 16 * 64; i++) y[i] = (float)base_random_gauss(random) / 4;
    for (int i = 0; i < 64; i++) {
        sine[i] = (float)base_random_unit(random);
        cosine[i] = (float)base_random_unit(random) * 3;
    }
    for (int i = 0; i < 4; i++) mask[i] = i == 2 ? 0xff00 : i == 3 ? 0 : base_random_next(random);
    tiles->meet(who, mask, h, far, cosine, y, sine, 0.01F);
    for (int i = 0; i < 64; i++) {
        for (int q = 0; q < 64; q++) {
            double sum = 0;

            for (int l = 0; l < 16; l++) sum += (double)h[l * 64 + q] * (double)y[l * 64 + i];
            sum = fabs(sum) + (double)far[q] * (double)sine[i] + 0.01 - (double)cosine[q];
            if (fabs(sum) > 1e-4) assert_int_equal(who[i] >> q & 1, sum > 0 && (mask[i / 16] >> q & 1));
        }
    }
}

static void check_bounds(const struct gp_tiles *tiles)
{
    _Alignas(64) float g[256], y[16 * 64], inverse[64], u[64], far[64], h[16 * 64], cosines[64], sines[64];
    struct base_random random;
    uint64_t mask;

    base_random_seed(&random, 4);
    check_envelope(tiles, &random);
    for (int i = 0; i < 256; i++) g[i] = (float)base_random_gauss(&random) / 4;
    for (int i = 0; i < 16 * 64; i++) y[i] = (float)base_random_gauss(&random) / 8;
    for (int i = 0; i < 64; i++) {
        inverse[i] = 1 + (float)base_random_unit(&random);
        cosines[i] = (float)cos(i);
        sines[i] = (float)sin(i);
    }
    tiles->project(u, far, h, g, y, inverse, 0.01F);
    for (int i = 0; i < 64; i++) {
        double sum = 0;

        for (int j = 0; j < 16; j++) {
            double part = 0;

            for (int l = 0; l < 16; l++) part += (double)g[l * 16 + j] * (double)y[l * 64 + i] * (double)inverse[i];
            assert_true(fabs((double)h[j * 64 + i] - part) < 1e-5);
            sum += part * part;
        }
        assert_true(fabs((double)u[i] - sqrt(sum)) < 1e-5 * (1 + sum));
        assert_true(fabs((double)far[i] - sqrt(fmax(1 - sum, 0) + 0.04)) < 1e-4);
    }
    check_meet(tiles, &random, h, far);
    for (int i = 0; i < 64; i++) u[i] = (float)sin(3 * i);
    mask = tiles->reaching(u, cosines, sines, 0.6F, 0.8F, 0.01F);
    for (int i = 0; i < 64; i++) {
        const double by = (double)u[i] + 0.01 - (0.6 * (double)cosines[i] - 0.8 * (double)sines[i]);

        if (fabs(by) > 1e-5) assert_int_equal(mask >> i & 1, by > 0);
    }
}

enum { WHOLE = 48 };

struct whole {
    _Alignas(64) uint8_t panel[WHOLE * 32];
    _Alignas(64) float x[DIM * 32], isp[32], fact[4 * 32];
    float row_x[8][DIM], row_fact[8][4];
    int8_t value[8][WHOLE];
    struct gp_coarse_row row[8];
};

/* Many numbers are the greatest there are. */
static void fill_whole(struct whole *w, struct base_random *random)
{
    for (int i = 0; i < WHOLE * 32; i++) w->panel[i] = (uint8_t)(base_random_below(random, 3) == 0 ? 255 : 1 + base_random_below(random, 255));
    for (int i = 0; i < DIM * 32; i++) w->x[i] = (float)base_random_gauss(random);
    for (int i = 0; i < 32; i++) w->isp[i] = i == 13 ? NAN : 1 + (float)base_random_unit(random);
    for (int i = 0; i < 4 * 32; i++) w->fact[i] = (float)base_random_unit(random) / (i < 32 ? 300 : 1);
    for (unsigned i = 0; i < 8; i++) {
        w->row[i] = (struct gp_coarse_row){ w->value[i], w->row_x[i], w->row_fact[i], 1 + (float)i, 0, 0 };
        for (int l = 0; l < WHOLE; l++) {
            w->value[i][l] = (int8_t)(base_random_below(random, 3) == 0 ? i % 2 == 0 ? 63 : -63 : (int)base_random_below(random, 127) - 63);
            w->row[i].start -= GP_COARSE_ZERO * w->value[i][l];
        }
        for (int t = 0; t < DIM; t++) w->row_x[i][t] = (float)base_random_gauss(random);
        for (int t = 0; t < 4; t++) w->row_fact[i][t] = (float)base_random_unit(random) / (t == 0 ? 300 : 1);
    }
}

/* What a row and a lane come to at most. */
static double most_of(const struct whole *w, unsigned i, unsigned lane, enum gp_shape shape)
{
    double d2 = 0, most;
    int sum = 0;

    for (unsigned l = 0; l < WHOLE; l++) sum += w->value[i][l] * (w->panel[(l / 4 * 32 + lane) * 4 + l % 4] - 128);
    for (unsigned t = 0; t < DIM; t++) d2 += pow((double)(w->row_x[i][t] - w->x[t * 32 + lane]), 2);
    most = fabs((double)exact((long double)d2, shape) - sum * (double)w->row_fact[i][0] * (double)w->fact[lane]);
    most += (double)w->row_fact[i][1] * (double)w->fact[64 + lane] + (double)w->row_fact[i][2] * (double)w->fact[32 + lane];
    return (most + (double)w->row_fact[i][3] * (double)w->fact[96 + lane]) * (double)w->row[i].isp * (double)w->isp[lane];
}

/* Each lane is found when a little less is asked for than it comes to, and not when it is a little more. */
static void check_coarse(const struct gp_tiles *tiles, unsigned rows, enum gp_shape shape)
{
    const struct gp_form form = { shape, 1, WHOLE, DIM };
    struct whole w;
    const struct gp_coarse_panel at = { w.panel, w.x, w.isp, w.fact };
    struct base_random random;
    uint32_t found[8];

    base_random_seed(&random, rows + 8 * (uint64_t)shape);
    fill_whole(&w, &random);
    for (unsigned lane = 0; lane < 32; lane++) {
        for (int more = 0; more < 2; more++) {
            for (unsigned i = 0; i < rows; i++) w.row[i].least = lane == 13 ? 0 : (float)(most_of(&w, i, lane, shape) * (more ? 1.0001 : 0.9999));
            tiles->coarse(found, w.row, rows, &at, &form);
            for (unsigned i = 0; i < rows; i++) assert_int_equal(found[i] >> lane & 1, lane != 13 && !more);
        }
    }
}

void support_gp_tiles(const struct gp_tiles *tiles)
{
    struct data *d = aligned_alloc(64, (sizeof *d + 63) / 64 * 64);

    if (!tiles) {
        free(d);
        skip();
    }
    fill(d);
    check_accuracy(tiles);
    check_ends(tiles);
    check_substitution(tiles);
    check_kth(tiles);
    check_gram(tiles);
    check_bounds(tiles);
    for (int shape = 0; shape < GP_SHAPES; shape++) check_cross(tiles, d, (enum gp_shape)shape);
    for (unsigned rows = 1; rows <= 8; rows++) {
        for (int shape = 0; shape < GP_SHAPES; shape++) {
            check_double(tiles, d, rows, (enum gp_shape)shape);
            check_filter(tiles, d, rows, (enum gp_shape)shape);
            check_coarse(tiles, rows, (enum gp_shape)shape);
        }
        check_pairs(tiles, d, rows);
        check_filter_pairs(tiles, d, rows, 0);
        check_filter_pairs(tiles, d, rows, 1);
    }
    free(d);
}
