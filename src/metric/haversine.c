/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/haversine.h"

#include "metric/direction.h"

#include <assert.h>
#include <math.h>

/* Mean radius of the Earth in metres (IUGG), twice. */
#define TWO_RADII 12742017.6

#define DEGREE 0x1.1df46a2529d39p-6 /* pi / 180; the nearest double is good to 2^-55 of it */

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

double metric_haversine_distance(double key)
{
    return TWO_RADII * metric_direction_half_angle(key);
}
