/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/haversine.h"

#include <assert.h>
#include <math.h>

/* Mean radius of the Earth in metres (IUGG), twice. */
#define TWO_RADII 12742017.6

#define DEGREE 0x1.1df46a2529d39p-6 /* pi / 180; the nearest double is good to 2^-55 of it */
#define HALF_PI 0x1.921fb54442d18p+0
#define HALF_PI_REST 0x1.1a62633145c07p-54

/* Sine of r degrees, |r| <= 45: Taylor's series in degrees to r^17 (the next term is below 2^-63 of the result). The first term is added last,
 * so that the error stays below 2 units in the last place. */
static double sine(double r)
{
    const double z = r * r;
    double p = 0x1.4c4bf5fd7c39ep-148;

    p = p * z + -0x1.1af84e6dc70d1p-128;
    p = p * z + 0x1.74142ddf40437p-109;
    p = p * z + -0x1.6b711b387526fp-90;
    p = p * z + 0x1.f4a604cb81c85p-72;
    p = p * z + -0x1.c368d9fa95091p-54;
    p = p * z + 0x1.dad94eae10d70p-37;
    p = p * z + -0x1.dbb820d942f78p-21;
    return r * DEGREE + r * (z * p);
}

/* Cosine of r degrees, |r| <= 45: to r^16. */
static double cosine(double r)
{
    const double z = r * r;
    double p = 0x1.3c14994edbd3bp-138;

    p = p * z + -0x1.dafd60a8b92ddp-119;
    p = p * z + 0x1.0ea54688ed7d3p-99;
    p = p * z + -0x1.bf6240ed3dc8dp-81;
    p = p * z + 0x1.f83ab5c6aceb4p-63;
    p = p * z + -0x1.619b85bbcad0cp-45;
    p = p * z + 0x1.09b116a83dc8ep-28;
    p = p * z + -0x1.3f6a1db141fbap-13;
    return 1 + z * p;
}

/* Both for |degrees| <= 180. Taking away 90 or 180 from a number between half and twice of it is exact (Sterbenz), so nothing is lost. */
static void turn(double *sin_out, double *cos_out, double degrees)
{
    const double size = fabs(degrees);
    double s, c;

    if (size <= 45) {
        s = sine(size);
        c = cosine(size);
    } else if (size <= 135) {
        s = cosine(size - 90);
        c = -sine(size - 90);
    } else {
        s = -sine(size - 180);
        c = -cosine(size - 180);
    }
    *sin_out = degrees < 0 ? -s : s;
    *cos_out = c;
}

void metric_haversine_embed(double *place, const double *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double sin_lat = 0, cos_lat = 0, sin_lng = 0, cos_lng = 0;

        assert(fabs(rows[2 * i]) <= 90 && fabs(rows[2 * i + 1]) <= 180);
        turn(&sin_lat, &cos_lat, rows[2 * i]);
        turn(&sin_lng, &cos_lng, rows[2 * i + 1]);
        /* Adding +0 makes -0 to +0: the back of the antimeridian and the poles would differ in the sign of a zero otherwise. */
        place[3 * i] = cos_lat * cos_lng + 0.0;
        place[3 * i + 1] = cos_lat * sin_lng + 0.0;
        place[3 * i + 2] = sin_lat + 0.0;
    }
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

double metric_haversine_distance(double key)
{
    const double half = sqrt(key) / 2;

    return TWO_RADII * arc_sine(half < 1 ? half : 1); /* antipodes: rounding may put the chord a hair above the diameter */
}
