/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_DIRECTION_H
#define METRIC_DIRECTION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Directions: rows as unit vectors, and angles from their squared chords. Plain double arithmetic, roots and polynomials of our own: the same bits on
 * every processor. Within the metric room only.
 */

/* place[n x dim] = rows over their lengths; no row is zero. A row is first scaled by the power of two that brings its greatest coordinate to
 * [1/2, 1), so no square overflows, none that matters underflows, and a row times a power of two has the same place. The length is the root of the
 * squares' sum in order. No coordinate is -0. */
void metric_direction_embed(double *place, const double *rows, size_t n, uint32_t dim);

/* Half the angle, in radians, between unit vectors whose squared chord is `key`: asin(chord / 2). Monotone; pi / 2 at most. */
double metric_direction_half_angle(double key);

#endif
