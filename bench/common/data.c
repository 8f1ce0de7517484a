/* SPDX-License-Identifier: Apache-2.0 */
#include "common/data.h"

#include "common/machine.h"
#include "common/random.h"

#include <math.h>
#include <stdlib.h>

enum { CLUSTERS = 1000, LATENT = 5, SHAPE_SEED = 20 };

const struct bench_workload *bench_workloads(size_t *count)
{
    static const struct bench_workload list[] = {
        { "U2k", BENCH_GAUSSIAN, 2048, 8, 512, 8, 64 }, /* a set used again and again would train the branch predictor */
        { "U8k", BENCH_GAUSSIAN, 8192, 8, 1024, 16, 1 },
        { "U32k", BENCH_GAUSSIAN, 32768, 8, 1024, 8, 1 },
        { "G3", BENCH_GAUSSIAN, 32768, 3, 1024, 50, 1 },
        { "U262k", BENCH_GAUSSIAN, 262144, 8, 4096, 10, 1 },
        { "S1M", BENCH_UNIFORM, 1000000, 3, 10000, 10, 1 },
        { "C10", BENCH_CLUSTERS, 200000, 10, 4000, 10, 1 },
        { "M64", BENCH_MANIFOLD, 100000, 64, 2000, 10, 1 },
    };

    *count = sizeof list / sizeof *list;
    return list;
}

static void clusters(double *points, size_t n, size_t dim, struct bench_random *random)
{
    struct bench_random shape = { SHAPE_SEED };
    double *centre = bench_take(CLUSTERS * dim, sizeof *centre);
    double *spread = bench_take(CLUSTERS, sizeof *spread);

    for (size_t i = 0; i < CLUSTERS * dim; i++) centre[i] = 10 * bench_random_unit(&shape);
    for (size_t i = 0; i < CLUSTERS; i++) spread[i] = 0.5 * exp(0.5 * bench_random_gauss(&shape));
    for (size_t i = 0; i < n; i++) {
        size_t c = bench_random_below(random, CLUSTERS);

        for (size_t j = 0; j < dim; j++) points[i * dim + j] = centre[c * dim + j] + spread[c] * bench_random_gauss(random);
    }
    free(spread);
    free(centre);
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

static void manifold(double *points, size_t n, size_t dim, struct bench_random *random)
{
    struct bench_random shape = { SHAPE_SEED };
    double *weight = bench_take(dim * (LATENT + 1), sizeof *weight);
    double *turn = bench_take(dim * dim, sizeof *turn);
    double *feature = bench_take(dim, sizeof *feature);

    for (size_t j = 0; j < dim; j++) {
        for (size_t h = 0; h < LATENT; h++) weight[j * (LATENT + 1) + h] = bench_random_gauss(&shape);
        weight[j * (LATENT + 1) + LATENT] = 6.283185307179586 * bench_random_unit(&shape);
    }
    rotation(turn, dim, &shape);
    for (size_t i = 0; i < n; i++) {
        double latent[LATENT + 1];

        for (size_t h = 0; h < LATENT; h++) latent[h] = bench_random_gauss(random);
        latent[LATENT] = 1;
        for (size_t j = 0; j < dim; j++) feature[j] = cos(dot(weight + j * (LATENT + 1), latent, LATENT + 1));
        for (size_t j = 0; j < dim; j++) points[i * dim + j] = dot(turn + j * dim, feature, dim) + 0.01 * bench_random_gauss(random);
    }
    free(feature);
    free(turn);
    free(weight);
}

void bench_points(double *points, enum bench_shape shape, size_t n, size_t dim, uint64_t seed)
{
    struct bench_random random = { seed * 0x9e3779b97f4a7c15u };

    switch (shape) {
    case BENCH_GAUSSIAN:
        for (size_t i = 0; i < n * dim; i++) points[i] = bench_random_gauss(&random);
        break;
    case BENCH_UNIFORM:
        for (size_t i = 0; i < n * dim; i++) points[i] = bench_random_unit(&random);
        break;
    case BENCH_CLUSTERS: clusters(points, n, dim, &random); break;
    case BENCH_MANIFOLD: manifold(points, n, dim, &random); break;
    }
}
