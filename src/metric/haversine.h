/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_HAVERSINE_H
#define METRIC_HAVERSINE_H

#include <stddef.h>

/*
 * The sphere: latitude and longitude in degrees to unit vectors and squared chords to metres, with polynomials of our own, because the C
 * library's give different bits on different processors. Within the metric room only.
 */
enum { METRIC_HAVERSINE_INPUT = 2, METRIC_HAVERSINE_DIM = 3 };

/* place[n x 3] from rows[n x 2], latitude in [-90, 90] and longitude in [-180, 180]. One point of the sphere has one place: longitudes -180 and
 * 180, and all longitudes at a pole, give the same bits. No coordinate is -0. */
void metric_haversine_embed(double *place, const double *rows, size_t n);

/* Metres along the mean sphere between points whose squared chord is `key`. Monotone. */
double metric_haversine_distance(double key);

#endif
