/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/basis.h"

#include "base/memory.h"
#include "base/par.h"
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { ROUNDS = 6, SEED = 20 };
#define LEAST_LEFT 0x1p-36 /* of a direction, without those before it: less is mostly rounding */

/* ---- finding ------------------------------------------------------------------------------------------------------------------------------ */

struct finding {
    const double *rows;
    double *now, *next, *first; /* directions, [axes][dim] */
    double *share;
    const struct metric_kernels *kernels;
    size_t n;
    uint32_t dim;
};

static double move_to_centre(double *centre, double *rows, size_t n, uint32_t dim)
{
    double most = 0, scale;
    int exponent = 0;

    memset(centre, 0, dim * sizeof *centre);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < dim; j++) centre[j] += rows[i * dim + j] / (double)n;
    }
    for (size_t i = 0; i < n * dim; i++) {
        rows[i] -= centre[i % dim];
        most = fmax(most, fabs(rows[i]));
    }
    frexp(most, &exponent);
    scale = most < 1 / METRIC_SCALE_MAX ? METRIC_SCALE_MAX : ldexp(1, -exponent);
    for (size_t i = 0; i < n * dim; i++) rows[i] *= scale;
    return scale;
}

/* The rows' covariance times a direction. */
static void multiply(void *ctx, size_t begin, size_t end, int thread)
{
    struct finding *finding = ctx;
    const uint32_t dim = finding->dim;

    (void)thread;
    for (size_t a = begin; a < end; a++) {
        const double *now = finding->now + a * dim;
        double *next = finding->next + a * dim;

        memset(next, 0, dim * sizeof *next);
        for (size_t i = 0; i < finding->n; i++) {
            const double *row = finding->rows + i * dim;

            finding->kernels->add_times(next, finding->kernels->product(now, row, dim), row, dim);
        }
    }
}

static void measure(void *ctx, size_t begin, size_t end, int thread)
{
    struct finding *finding = ctx;

    (void)thread;
    for (size_t a = begin; a < end; a++) {
        finding->share[a] = 0;
        for (size_t i = 0; i < finding->n; i++) {
            const double along = finding->kernels->product(finding->now + a * finding->dim, finding->rows + i * finding->dim, finding->dim);

            finding->share[a] += along * along;
            if (a == 0) finding->first[i] = along;
        }
    }
}

static void randomise(double *direction, uint32_t dim, struct base_random *random)
{
    for (uint32_t j = 0; j < dim; j++) direction[j] = base_random_unit(random) - 0.5;
}

/* Makes directions orthogonal to those before them, and of length 1. One that has next to nothing of its own is replaced. */
static void straighten(double *direction, uint32_t dim, uint32_t axes, const struct metric_kernels *kernels, struct base_random *random)
{
    for (uint32_t a = 0; a < axes; a++) {
        double *at = direction + (size_t)a * dim, length = sqrt(kernels->product(at, at, dim)), left = 0;

        while (!(left > LEAST_LEFT)) { /* which random ones do soon: there are fewer axes than dimensions */
            if (!(length > 0x1p-500)) {
                randomise(at, dim, random);
                length = sqrt(kernels->product(at, at, dim));
            }
            for (uint32_t j = 0; j < dim; j++) at[j] /= length;
            for (uint32_t b = 0; b < 2 * a; b++) { /* twice: the first time leaves rounding */
                const double *other = direction + (size_t)(b % a) * dim;

                kernels->add_times(at, -kernels->product(at, other, dim), other, dim);
            }
            left = sqrt(kernels->product(at, at, dim));
            length = left > LEAST_LEFT ? left : 0;
        }
        for (uint32_t j = 0; j < dim; j++) at[j] /= length;
    }
}

/* Iteration may leave two that hardly differ in the wrong order. */
static void sort_axes(double *direction, double *share, uint32_t dim, uint32_t axes)
{
    for (uint32_t a = 0; a + 1 < axes; a++) {
        uint32_t most = a;
        double kept;

        for (uint32_t b = a + 1; b < axes; b++) most = share[b] > share[most] ? b : most;
        kept = share[a];
        share[a] = share[most];
        share[most] = kept;
        for (uint32_t j = 0; most != a && j < dim; j++) {
            kept = direction[(size_t)a * dim + j];
            direction[(size_t)a * dim + j] = direction[(size_t)most * dim + j];
            direction[(size_t)most * dim + j] = kept;
        }
    }
}

int metric_basis_find(double *centre, double *scale, float *axis, double *share, double *first, double *rows, size_t n, uint32_t dim, uint32_t axes,
                      const struct metric_kernels *kernels, const struct base_env *env, struct pcct_error *err)
{
    struct finding finding = { .rows = rows, .share = share, .first = first, .kernels = kernels, .n = n, .dim = dim };
    struct base_random random;
    double total = 0;
    int status = 0;

    assert(n >= 1 && axes >= 1 && axes < dim && axes <= METRIC_AXES_MAX);
    TRY(base_take(&finding.now, env, axes, dim * sizeof(double), err));
    TRY(base_take(&finding.next, env, axes, dim * sizeof(double), err));
    base_random_seed(&random, SEED);
    *scale = move_to_centre(centre, rows, n, dim);
    for (uint32_t a = 0; a < axes; a++) randomise(finding.now + (size_t)a * dim, dim, &random);
    straighten(finding.now, dim, axes, kernels, &random);
    for (int round = 0; round < ROUNDS; round++) {
        double *kept = finding.now;

        base_par_for(env, axes, 1, multiply, &finding);
        straighten(finding.next, dim, axes, kernels, &random);
        finding.now = finding.next;
        finding.next = kept;
    }
    base_par_for(env, axes, 1, measure, &finding);
    sort_axes(finding.now, share, dim, axes);
    for (size_t i = 0; i < n; i++) total += kernels->product(rows + i * dim, rows + i * dim, dim);
    for (uint32_t a = 0; a < axes; a++) share[a] = total > 0 ? share[a] / total : 0;
    for (size_t i = 0; i < (size_t)axes * dim; i++) axis[i] = (float)finding.now[i];
done:
    base_free(env, finding.now);
    base_free(env, finding.next);
    return status;
}

/* ---- using -------------------------------------------------------------------------------------------------------------------------------- */

double metric_basis_defect(const struct metric_basis *basis)
{
    double most = 0;

    for (uint32_t j = 0; j < basis->dim; j++) {
        if (!(fabs(basis->centre[j]) < 2 * METRIC_COORDINATE_LIMIT)) return (double)INFINITY;
    }
    for (uint32_t a = 0; a < basis->axes; a++) {
        const float *axis = basis->axis + (size_t)a * basis->dim;
        double length = 0;

        for (uint32_t j = 0; j < basis->dim; j++) length += (double)axis[j] * (double)axis[j];
        if (!(length < 4)) return (double)INFINITY;
        most = fmax(most, fabs(length - 1));
    }
    return most;
}

void metric_basis_start(double *rest, const struct metric_basis *basis, const double *row)
{
    for (uint32_t j = 0; j < basis->dim; j++) rest[j] = row[j] - basis->centre[j];
}

void metric_basis_project(double *share, double *rest, const struct metric_basis *basis, uint32_t from, uint32_t to,
                          const struct metric_kernels *kernels)
{
    kernels->project(share, rest, basis->axis + (size_t)from * basis->dim, basis->dim, to - from);
}

double metric_basis_error(uint32_t dim, uint32_t axes)
{
    const double m = axes + 2.0;

    return m * sqrt(m) * (1.2 * dim + 10) * 0x1p-53;
}
