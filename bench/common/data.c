/* SPDX-License-Identifier: Apache-2.0 */
#include "common/data.h"

#include "common/cities.h"
#include "common/machine.h"
#include "common/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLUSTERS = 1000, LATENT = 5, SHAPE_SEED = 20, LATTICE_PLACES = 32768 };
static const double frequency = 0.5; /* of a manifold's features: kd-trees then look at a tenth of 100000 points in 64 dimensions */

static const char *const names[] = { "gaussian", "uniform", "clusters", "manifold", "lattice", "line", "spread6", "spread12", "cities" };

int bench_shape_named(enum bench_shape *shape, const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *shape = (enum bench_shape)i;
        return 0;
    }
    return -1;
}

const char *bench_shape_name(enum bench_shape shape)
{
    return names[shape];
}

struct bench_series {
    enum bench_shape shape;
    size_t dim, row;             /* row: of the next point */
    struct bench_random random;
    double *centre, *spread;     /* clusters: [CLUSTERS][dim], [CLUSTERS] */
    double *weight, *turn, *feature; /* manifold: [dim][LATENT + 1], [dim][dim], one point's [dim] */
    uint64_t side;               /* lattice */
    double *before;              /* lattice: the point before */
    struct bench_cities *cities;
};

static void clusters_open(struct bench_series *s)
{
    struct bench_random shape = { SHAPE_SEED };

    s->centre = bench_take(CLUSTERS * s->dim, sizeof *s->centre);
    s->spread = bench_take(CLUSTERS, sizeof *s->spread);
    for (size_t i = 0; i < CLUSTERS * s->dim; i++) s->centre[i] = 10 * bench_random_unit(&shape);
    for (size_t i = 0; i < CLUSTERS; i++) s->spread[i] = 0.5 * exp(0.5 * bench_random_gauss(&shape));
}

static void clusters_next(double *point, struct bench_series *s)
{
    size_t c = bench_random_below(&s->random, CLUSTERS);

    for (size_t j = 0; j < s->dim; j++) point[j] = s->centre[c * s->dim + j] + s->spread[c] * bench_random_gauss(&s->random);
}

static double dot(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t j = 0; j < dim; j++) sum += a[j] * b[j];
    return sum;
}

/* dim orthonormal rows (Gram and Schmidt). */
static void rotation(double *row, size_t dim, struct bench_random *random)
{
    for (size_t i = 0; i < dim; i++) {
        double *r = row + i * dim, length;

        for (size_t j = 0; j < dim; j++) r[j] = bench_random_gauss(random);
        for (size_t h = 0; h < i; h++) {
            double along = dot(r, row + h * dim, dim);

            for (size_t j = 0; j < dim; j++) r[j] -= along * row[h * dim + j];
        }
        length = sqrt(dot(r, r, dim));
        for (size_t j = 0; j < dim; j++) r[j] /= length;
    }
}

static void manifold_open(struct bench_series *s)
{
    struct bench_random shape = { SHAPE_SEED };
    size_t dim = s->dim;

    s->weight = bench_take(dim * (LATENT + 1), sizeof *s->weight);
    s->turn = bench_take(dim * dim, sizeof *s->turn);
    s->feature = bench_take(dim, sizeof *s->feature);
    for (size_t j = 0; j < dim; j++) {
        for (size_t h = 0; h < LATENT; h++) s->weight[j * (LATENT + 1) + h] = frequency * bench_random_gauss(&shape);
        s->weight[j * (LATENT + 1) + LATENT] = 6.283185307179586 * bench_random_unit(&shape);
    }
    rotation(s->turn, dim, &shape);
}

static void manifold_next(double *point, struct bench_series *s)
{
    size_t dim = s->dim;
    double latent[LATENT + 1];

    for (size_t h = 0; h < LATENT; h++) latent[h] = bench_random_gauss(&s->random);
    latent[LATENT] = 1;
    for (size_t j = 0; j < dim; j++) s->feature[j] = cos(dot(s->weight + j * (LATENT + 1), latent, LATENT + 1));
    for (size_t j = 0; j < dim; j++) point[j] = dot(s->turn + j * dim, s->feature, dim) + 0.01 * bench_random_gauss(&s->random);
}

static void lattice_open(struct bench_series *s)
{
    s->side = (uint64_t)(pow(LATTICE_PLACES, 1.0 / (double)s->dim) + 0.5);
    if (s->side < 2) s->side = 2;
    s->before = bench_take(s->dim, sizeof *s->before);
}

static void lattice_next(double *point, struct bench_series *s)
{
    if (s->row % 8 != 7) {
        for (size_t j = 0; j < s->dim; j++) s->before[j] = (double)bench_random_below(&s->random, s->side);
    }
    memcpy(point, s->before, s->dim * sizeof *point);
}

static void spread_next(double *point, struct bench_series *s, double decades)
{
    double scale = pow(10, -decades * bench_random_unit(&s->random));

    for (size_t j = 0; j < s->dim; j++) point[j] = scale * bench_random_gauss(&s->random);
}

struct bench_series *bench_series_open(enum bench_shape shape, size_t dim, uint64_t seed)
{
    struct bench_series *s = bench_take(1, sizeof *s);

    s->shape = shape;
    s->dim = dim;
    s->random.state = seed * 0x9e3779b97f4a7c15u;
    if (shape == BENCH_CLUSTERS) clusters_open(s);
    if (shape == BENCH_MANIFOLD) manifold_open(s);
    if (shape == BENCH_LATTICE) lattice_open(s);
    if (shape == BENCH_CITIES) s->cities = bench_cities_open(dim, &s->random);
    return s;
}

static void next_point(double *point, struct bench_series *s)
{
    switch (s->shape) {
    case BENCH_GAUSSIAN:
        for (size_t j = 0; j < s->dim; j++) point[j] = bench_random_gauss(&s->random);
        break;
    case BENCH_UNIFORM:
        for (size_t j = 0; j < s->dim; j++) point[j] = bench_random_unit(&s->random);
        break;
    case BENCH_LINE:
        for (size_t j = 0; j < s->dim; j++) point[j] = (double)s->row;
        break;
    case BENCH_CLUSTERS: clusters_next(point, s); break;
    case BENCH_MANIFOLD: manifold_next(point, s); break;
    case BENCH_LATTICE: lattice_next(point, s); break;
    case BENCH_SPREAD6: spread_next(point, s, 6); break;
    case BENCH_SPREAD12: spread_next(point, s, 12); break;
    case BENCH_CITIES: bench_cities_place(point, s->cities, s->row, &s->random); break;
    }
    s->row++;
}

void bench_series_next(double *points, struct bench_series *series, size_t n)
{
    for (size_t i = 0; i < n; i++) next_point(points + i * series->dim, series);
}

void bench_series_close(struct bench_series *series)
{
    bench_cities_close(series->cities);
    free(series->before);
    free(series->feature);
    free(series->turn);
    free(series->weight);
    free(series->spread);
    free(series->centre);
    free(series);
}

void bench_points(double *points, enum bench_shape shape, size_t n, size_t dim, uint64_t seed)
{
    struct bench_series *series = bench_series_open(shape, dim, seed);

    bench_series_next(points, series, n);
    bench_series_close(series);
}
