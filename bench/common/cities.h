/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CITIES_H
#define BENCH_CITIES_H

#include "common/random.h"

#include <stddef.h>

/* Reads the file of places, once a process and before the functions below: CSV, gzip or plain, one head line, the last two columns are latitude
 * and longitude in degrees. */
void bench_cities_read(const char *path);

/* The places in a random order, as points of dim 2 (degrees) or 3 (unit vectors); other numbers end the process. */
struct bench_cities;
struct bench_cities *bench_cities_open(size_t dim, struct bench_random *random);
/* The point of a row. Rows beyond the last place begin the list again, each place moved by about a kilometre. */
void bench_cities_place(double *point, const struct bench_cities *cities, size_t row, struct bench_random *random);
void bench_cities_close(struct bench_cities *cities); /* NULL is fine */

#endif
