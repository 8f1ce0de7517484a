/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_SPACE_H
#define TESTS_API_SPACE_H

#include <math.h>
#include <stdint.h>

/* The metrics by their definitions, in plain loops, for comparison with the library's answers. */
enum space_metric { SPACE_EUCLIDEAN, SPACE_HAVERSINE, SPACE_MANHATTAN, SPACE_CHEBYSHEV, SPACE_COSINE, SPACE_ANGULAR };

static const char *const space_names[] = { "euclidean", "haversine", "manhattan", "chebyshev", "cosine", "angular" };

static inline int space_of_directions(enum space_metric metric) { return metric == SPACE_COSINE || metric == SPACE_ANGULAR; }

static inline double space_length(const double *scaled, uint32_t dim)
{
    double sum = 0;

    for (uint32_t j = 0; j < dim; j++) sum = sum + scaled[j] * scaled[j];
    return sqrt(sum);
}

/* Squared chord of the unit vectors of a and b. */
static inline double space_chord(const double *a, const double *b, uint32_t dim)
{
    double x[16], y[16], most[2] = { 0, 0 }, length[2], sum = 0;
    int exponent[2];

    for (uint32_t j = 0; j < dim; j++) {
        most[0] = fmax(most[0], fabs(a[j]));
        most[1] = fmax(most[1], fabs(b[j]));
    }
    for (int i = 0; i < 2; i++) frexp(most[i], &exponent[i]);
    for (uint32_t j = 0; j < dim; j++) {
        x[j] = ldexp(a[j], -exponent[0]);
        y[j] = ldexp(b[j], -exponent[1]);
    }
    length[0] = space_length(x, dim);
    length[1] = space_length(y, dim);
    for (uint32_t j = 0; j < dim; j++) {
        const double t = x[j] / length[0] - y[j] / length[1];

        sum = sum + t * t;
    }
    return sum;
}

/* What the library orders by; on the sphere, metres, which cannot be the library's to the last bit. */
static inline double space_key(enum space_metric metric, const double *a, const double *b, uint32_t dim)
{
    double key = 0;

    if (metric == SPACE_HAVERSINE) {
        const double degree = acos(-1) / 180, p = sin((a[0] - b[0]) * degree / 2), q = sin((a[1] - b[1]) * degree / 2);
        const double h = p * p + cos(a[0] * degree) * cos(b[0] * degree) * q * q;

        return 2 * 6371008.8 * asin(sqrt(h < 1 ? h : 1));
    }
    if (space_of_directions(metric)) return space_chord(a, b, dim);
    for (uint32_t j = 0; j < dim; j++) {
        const double t = a[j] - b[j];

        if (metric == SPACE_CHEBYSHEV) key = fmax(key, fabs(t));
        else key = key + (metric == SPACE_MANHATTAN ? fabs(t) : t * t);
    }
    return key;
}

/* The distance that users see. Of all but angular exactly that of the library. */
static inline double space_distance(enum space_metric metric, double key)
{
    if (metric == SPACE_EUCLIDEAN) return sqrt(key);
    if (metric == SPACE_COSINE) return fmin(key / 2, 2);
    return metric == SPACE_ANGULAR ? 2 * asin(fmin(sqrt(key) / 2, 1)) : key;
}

#endif
