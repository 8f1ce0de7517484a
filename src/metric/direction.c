/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/direction.h"

#include <assert.h>
#include <math.h>

#define HALF_PI 0x1.921fb54442d18p+0
#define HALF_PI_REST 0x1.1a62633145c07p-54

static void embed_row(double *place, const double *row, uint32_t dim)
{
    double greatest = 0, sum = 0, length;
    int exponent = 0;

    for (uint32_t j = 0; j < dim; j++) greatest = fabs(row[j]) > greatest ? fabs(row[j]) : greatest;
    assert(greatest > 0 && isfinite(greatest));
    frexp(greatest, &exponent);
    for (uint32_t j = 0; j < dim; j++) {
        place[j] = ldexp(row[j], -exponent);
        sum = sum + place[j] * place[j];
    }
    length = sqrt(sum);
    for (uint32_t j = 0; j < dim; j++) place[j] = place[j] / length + 0.0; /* adding +0 makes -0 to +0: one direction has one place */
}

void metric_direction_embed(double *place, const double *rows, size_t n, uint32_t dim)
{
    for (size_t i = 0; i < n; i++) embed_row(place + i * dim, rows + i * dim, dim);
}

/* Arc sine for 0 <= x <= 1/2: x + x^3 P(x^2), P interpolated at 13 Chebyshev nodes on [0, 1/4] (error below 2^-57 of the result). The small term
 * is added to x last: x has slope one at least, so the sum rises with x whatever the term's rounding does. */
static double arc_sine_near(double x)
{
    const double z = x * x;
    double p = 0x1.d72b2bc8155f8p-6;

    p = p * z + -0x1.e6aaa8a0a04ccp-7;
    p = p * z + 0x1.1d189408314eep-6;
    p = p * z + 0x1.65a9c4dfcf8b2p-8;
    p = p * z + 0x1.52420b04b37bep-7;
    p = p * z + 0x1.782651caa6547p-7;
    p = p * z + 0x1.c9cf07674736ap-7;
    p = p * z + 0x1.1c4d35cf95421p-6;
    p = p * z + 0x1.6e8bb1c8209a2p-6;
    p = p * z + 0x1.f1c71c1db0623p-6;
    p = p * z + 0x1.6db6db6e31f13p-5;
    p = p * z + 0x1.3333333332ecap-4;
    p = p * z + 0x1.5555555555556p-3;
    return x + x * (z * p);
}

/* Beyond 1/2: asin x = pi/2 - 2 asin sqrt((1 - x) / 2), where 1 - x is exact and everything falls as x rises. */
static double arc_sine(double x)
{
    if (x <= 0.5) return arc_sine_near(x);
    return HALF_PI - (2 * arc_sine_near(sqrt((1 - x) / 2)) - HALF_PI_REST);
}

double metric_direction_half_angle(double key)
{
    const double half = sqrt(key) / 2;

    return arc_sine(half < 1 ? half : 1); /* opposite directions: rounding may put the chord a hair above the diameter */
}
