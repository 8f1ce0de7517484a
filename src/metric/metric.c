/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/metric.h"

#include "metric/haversine.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int metric_init(struct metric *metric, const char *name, uint32_t input_dim, enum metric_isa isa, struct pcct_error *err)
{
    struct metric made = { 0, NULL, input_dim, input_dim, 0, metric_kernels_choose(isa) };

    memset(metric, 0, sizeof *metric);
    if (strcmp(name, "euclidean") == 0) {
        made.id = METRIC_EUCLIDEAN;
        if (input_dim < 1 || input_dim > METRIC_DIM_MAX) {
            return base_fail(err, PCCT_E_INVALID, "dimension %u: euclidean takes 1 to %d columns", (unsigned)input_dim, METRIC_DIM_MAX);
        }
    } else if (strcmp(name, "haversine") == 0) {
        made.id = METRIC_HAVERSINE;
        made.dim = METRIC_HAVERSINE_DIM;
        made.embeds = 1;
        if (input_dim != METRIC_HAVERSINE_INPUT) {
            return base_fail(err, PCCT_E_INVALID, "dimension %u: haversine takes 2 columns, latitude and longitude in degrees", (unsigned)input_dim);
        }
    } else {
        return base_fail(err, PCCT_E_INVALID, "unknown metric \"%.64s\": there are euclidean and haversine", name);
    }
    if (!made.kernels) return base_fail(err, PCCT_E_INVALID, "this processor lacks the instructions that were asked for");
    made.name = metric_name(made.id);
    *metric = made;
    return 0;
}

const char *metric_name(int id)
{
    if (id == METRIC_EUCLIDEAN) return "euclidean";
    if (id == METRIC_HAVERSINE) return "haversine";
    return NULL;
}

/* NaN fails every comparison, so it is bad in all of these. */
static int good_value(const struct metric *metric, uint32_t column, double value)
{
    if (metric->id == METRIC_HAVERSINE) return fabs(value) <= (column == 0 ? 90 : 180);
    return fabs(value) < METRIC_COORDINATE_LIMIT;
}

static uint32_t first_bad_column(const struct metric *metric, const double *row)
{
    uint32_t column = 0;

    while (column < metric->input_dim && good_value(metric, column, row[column])) column++;
    return column;
}

static int fail_row(const struct metric *metric, const double *row, size_t number, size_t count, struct pcct_error *err)
{
    const uint32_t column = first_bad_column(metric, row);
    const double value = row[column];
    const char *rows = count == 1 ? "row" : "rows";

    if (isnan(value)) return base_fail(err, PCCT_E_POINT, "row %zu has NaN (%zu bad %s in all)", number, count, rows);
    if (isinf(value)) return base_fail(err, PCCT_E_POINT, "row %zu has an infinite value (%zu bad %s in all)", number, count, rows);
    if (metric->id == METRIC_HAVERSINE) {
        return base_fail(err, PCCT_E_POINT, "row %zu: %s %.15g is outside %s (%zu bad %s in all)", number, column == 0 ? "latitude" : "longitude",
                         value, column == 0 ? "-90..90" : "-180..180", count, rows);
    }
    return base_fail(err, PCCT_E_POINT, "row %zu: coordinate %.15g is too large, 2^500 is the limit (%zu bad %s in all)", number, value, count,
                     rows);
}

int metric_validate(size_t *bad_row, const struct metric *metric, const double *rows, size_t n, size_t first_row, struct pcct_error *err)
{
    const uint32_t dim = metric->input_dim;
    size_t count = 0, first = 0;

    *bad_row = 0;
    for (size_t i = 0; i < n; i++) {
        if (first_bad_column(metric, rows + i * dim) == dim) continue;
        if (count == 0) first = i;
        count++;
    }
    if (count == 0) return 0;
    *bad_row = first;
    return fail_row(metric, rows + first * dim, first_row + first, count, err);
}

void metric_embed(double *place, const struct metric *metric, const double *rows, size_t n)
{
    if (metric->id == METRIC_HAVERSINE) {
        metric_haversine_embed(place, rows, n);
    } else if (n > 0) {
        memcpy(place, rows, n * metric->dim * sizeof *rows);
    }
}

double metric_key(const struct metric *metric, const double *a, const double *b)
{
    double key = 0;

    for (uint32_t j = 0; j < metric->dim; j++) {
        const double t = a[j] - b[j];

        key = key + t * t;
    }
    return key;
}

double metric_distance(const struct metric *metric, double key)
{
    if (metric->id == METRIC_HAVERSINE) return metric_haversine_distance(key);
    return metric_inner(metric, key);
}

double metric_inner(const struct metric *metric, double key)
{
    (void)metric; /* the key of every metric so far is a square */
    return sqrt(key);
}

int metric_scale(double key)
{
    int exponent = 0;
    const double fraction = frexp(key, &exponent);

    assert(key > 0 && isfinite(key));
    if (fraction == 0.5) exponent--; /* a power of two reaches its own exponent */
    /* least i with exponent <= 2 i; shifted up so that the division rounds one way */
    return (exponent + 1 + 4096) / 2 - 2048;
}

double metric_reach(int level)
{
    assert(level >= METRIC_LEVEL_MIN && level <= METRIC_LEVEL_MAX);
    return ldexp(1, 2 * level);
}
