/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cities.h"

#include "common/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct {
    double (*degrees)[2];
    size_t count;
} places; /* of the file */

static int read_line(double degrees[2], char *line)
{
    char *last = strrchr(line, ',');

    if (!last) return -1;
    *last = '\0';
    degrees[1] = atof(last + 1);
    last = strrchr(line, ',');
    if (!last) return -1;
    degrees[0] = atof(last + 1);
    return 0;
}

void bench_cities_read(const char *path)
{
    gzFile file = gzopen(path, "rb");
    char line[4096];
    size_t room = 0;

    if (!file) bench_die("%s cannot be read", path);
    if (!gzgets(file, line, sizeof line)) bench_die("%s: no head line", path);
    while (gzgets(file, line, sizeof line)) {
        if (places.count == room) {
            room = room ? 2 * room : 1024;
            places.degrees = realloc(places.degrees, room * sizeof *places.degrees);
            if (!places.degrees) bench_die("out of memory for %s", path);
        }
        if (read_line(places.degrees[places.count], line) != 0) bench_die("%s: no latitude and longitude at the end of %s", path, line);
        places.count++;
    }
    gzclose(file);
    if (places.count == 0) bench_die("%s: no places", path);
}

struct bench_cities {
    size_t dim;
    size_t *order;
};

struct bench_cities *bench_cities_open(size_t dim, struct bench_random *random)
{
    struct bench_cities *cities = bench_take(1, sizeof *cities);

    if (places.count == 0) bench_die("cities: their file is to be named with --cities FILE");
    if (dim != 2 && dim != 3) bench_die("cities: d is 2 (degrees) or 3 (unit vectors), not %zu", dim);
    cities->dim = dim;
    cities->order = bench_take(places.count, sizeof *cities->order);
    for (size_t i = 0; i < places.count; i++) { /* Fisher and Yates, from the inside */
        size_t j = bench_random_below(random, i + 1);

        cities->order[i] = cities->order[j];
        cities->order[j] = i;
    }
    return cities;
}

void bench_cities_place(double *point, const struct bench_cities *cities, size_t row, struct bench_random *random)
{
    const double radian = 3.141592653589793 / 180, kilometre = 0.009;
    const double *degrees = places.degrees[cities->order[row % places.count]];
    double latitude = degrees[0], longitude = degrees[1];

    if (row >= places.count) {
        latitude += kilometre * bench_random_gauss(random);
        longitude += kilometre * bench_random_gauss(random);
    }
    if (cities->dim == 2) {
        point[0] = latitude;
        point[1] = longitude;
    } else {
        point[0] = cos(latitude * radian) * cos(longitude * radian);
        point[1] = cos(latitude * radian) * sin(longitude * radian);
        point[2] = sin(latitude * radian);
    }
}

void bench_cities_close(struct bench_cities *cities)
{
    if (!cities) return;
    free(cities->order);
    free(cities);
}
