/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/metric.h"

#include "metric/custom.h"
#include "metric/direction.h"
#include "metric/flat.h"
#include "metric/haversine.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Number, name and what does not depend on the dimension. */
static const struct kind {
    int id;
    const char *name;
    enum metric_sum sum;
    int embeds;
} kinds[] = {
    { METRIC_EUCLIDEAN, "euclidean", METRIC_SQUARES, 0 }, { METRIC_HAVERSINE, "haversine", METRIC_SQUARES, 1 },
    { METRIC_MANHATTAN, "manhattan", METRIC_SIZES, 0 },   { METRIC_CHEBYSHEV, "chebyshev", METRIC_GREATEST, 0 },
    { METRIC_COSINE, "cosine", METRIC_SQUARES, 1 },       { METRIC_ANGULAR, "angular", METRIC_SQUARES, 1 },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/*
 * What the filter's values may be off by, proved in docs/algorithm.md. u is what a float is rounded by. Squares: (a + b)^2 <= (1 + e) a^2 +
 * (1 + 1/e) b^2 parts what is relative from what is absolute; a small e lets in few rows in vain, and 1/e times the rest is still far below any
 * distance that matters.
 */
static struct metric_filter filter_of(enum metric_sum sum, uint32_t dim)
{
    const double u = 0x1p-24, e = 0x1p-12, d = (double)dim, rounding = 1 + 2 * (d + 8) * u;

    if (sum == METRIC_SQUARES) return (struct metric_filter){ (1 + e) * (1 + 4 * u) * rounding, 4.1 * u * u * d * (1 + 1 / e) * rounding };
    if (sum == METRIC_SIZES) return (struct metric_filter){ (1 + 4 * u) * rounding, 2.1 * u * d * rounding };
    return (struct metric_filter){ 1 + 8 * u, 2.1 * u };
}

int metric_init(struct metric *metric, const char *name, uint32_t input_dim, enum metric_isa isa, struct pcct_error *err)
{
    const struct kind *kind = kinds;
    struct metric made = { .input_dim = input_dim, .dim = input_dim };

    memset(metric, 0, sizeof *metric);
    while (kind < kinds + KINDS && strcmp(kind->name, name) != 0) kind++;
    if (kind == kinds + KINDS) {
        return base_fail(err, PCCT_E_INVALID, "unknown metric \"%.64s\": there are euclidean, haversine, manhattan, chebyshev, cosine and angular",
                         name);
    }
    if (kind->id == METRIC_HAVERSINE) {
        made.dim = METRIC_HAVERSINE_DIM;
        if (input_dim != METRIC_HAVERSINE_INPUT) {
            return base_fail(err, PCCT_E_INVALID, "dimension %u: haversine takes 2 columns, latitude and longitude in degrees", (unsigned)input_dim);
        }
    } else if (input_dim < 1 || input_dim > METRIC_DIM_MAX) {
        return base_fail(err, PCCT_E_INVALID, "dimension %u: %s takes 1 to %d columns", (unsigned)input_dim, kind->name, METRIC_DIM_MAX);
    }
    made.id = kind->id;
    made.name = kind->name;
    made.sum = kind->sum;
    made.embeds = kind->embeds;
    made.filter = filter_of(made.sum, made.dim);
    made.kernels = metric_kernels_choose(kind->sum, isa);
    if (kind->sum == METRIC_SQUARES) made.flat = metric_flat_choose(isa);
    if (!made.kernels) return base_fail(err, PCCT_E_INVALID, "this processor lacks the instructions that were asked for");
    *metric = made;
    return 0;
}

const char *metric_name(int id)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].id == id) return kinds[i].name;
    }
    return NULL;
}

static int takes_directions(const struct metric *metric)
{
    return metric->id == METRIC_COSINE || metric->id == METRIC_ANGULAR;
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

static int is_bad(const struct metric *metric, const double *row)
{
    uint32_t column = 0;

    if (first_bad_column(metric, row) < metric->input_dim) return 1;
    if (!takes_directions(metric)) return 0;
    while (column < metric->input_dim && row[column] == 0) column++;
    return column == metric->input_dim;
}

static int fail_row(const struct metric *metric, const double *row, size_t number, size_t count, struct pcct_error *err)
{
    const uint32_t column = first_bad_column(metric, row);
    const char *rows = count == 1 ? "row" : "rows";
    double value = 0;

    if (column == metric->input_dim) {
        return base_fail(err, PCCT_E_POINT, "row %zu is the zero vector, which has no direction (%zu bad %s in all)", number, count, rows);
    }
    value = row[column];
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
        if (!is_bad(metric, rows + i * dim)) continue;
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
    } else if (takes_directions(metric)) {
        metric_direction_embed(place, rows, n, metric->dim);
    } else if (n > 0) {
        memcpy(place, rows, n * metric->dim * sizeof *rows);
    }
}

#define INLINED inline __attribute__((always_inline)) /* with the dimension as a constant, see metric_keys() */

static INLINED double sum_of_squares(const double *a, const double *b, uint32_t dim)
{
    double key = 0;

    for (uint32_t j = 0; j < dim; j++) {
        const double t = a[j] - b[j];

        key = key + t * t;
    }
    return key;
}

static INLINED double sum_of_sizes(const double *a, const double *b, uint32_t dim)
{
    double key = 0;

    for (uint32_t j = 0; j < dim; j++) key = key + fabs(a[j] - b[j]);
    return key;
}

static INLINED double greatest_size(const double *a, const double *b, uint32_t dim)
{
    double key = 0;

    for (uint32_t j = 0; j < dim; j++) {
        const double size = fabs(a[j] - b[j]);

        key = size > key ? size : key;
    }
    return key;
}

double metric_key(const struct metric *metric, const double *a, const double *b)
{
    if (metric->sum == METRIC_SQUARES) return sum_of_squares(a, b, metric->dim);
    if (metric->sum == METRIC_CALLED) return metric_custom_key(metric, a, b);
    return metric->sum == METRIC_SIZES ? sum_of_sizes(a, b, metric->dim) : greatest_size(a, b, metric->dim);
}

#define ROWS(how, d)                                                                        \
    for (size_t i = 0; i < n; i++) key[i] = how(q, rows + (size_t)number[i] * stride, d);   \
    return

/* The loop over few dimensions costs more than what it does. */
#define KEYS(how)                    \
    switch (metric->dim) {           \
    case 1: ROWS(how, 1);            \
    case 2: ROWS(how, 2);            \
    case 3: ROWS(how, 3);            \
    case 4: ROWS(how, 4);            \
    case 5: ROWS(how, 5);            \
    case 6: ROWS(how, 6);            \
    case 7: ROWS(how, 7);            \
    case 8: ROWS(how, 8);            \
    case 10: ROWS(how, 10);          \
    default: ROWS(how, metric->dim); \
    }

void metric_keys(double *key, const struct metric *metric, const double *q, const double *rows, size_t stride, const uint32_t *number, size_t n)
{
    assert(!metric_is_custom(metric));
    if (metric->sum == METRIC_SQUARES) {
        KEYS(sum_of_squares)
    } else if (metric->sum == METRIC_SIZES) {
        KEYS(sum_of_sizes)
    } else {
        KEYS(greatest_size)
    }
}

void metric_distances(double *out, const struct metric *metric, const struct base_topk_entry *entry, size_t n)
{
    if (metric->id == METRIC_EUCLIDEAN) {
        metric->kernels->roots(out, entry, n);
        return;
    }
    for (size_t i = 0; i < n; i++) out[i] = metric_distance(metric, entry[i].key);
}

double metric_distance(const struct metric *metric, double key)
{
    if (metric->id == METRIC_HAVERSINE) return metric_haversine_distance(key);
    if (metric->id == METRIC_COSINE) return key < 4 ? key / 2 : 2; /* opposite directions: rounding may put the key a hair above 4 */
    if (metric->id == METRIC_ANGULAR) return 2 * metric_direction_half_angle(key);
    return metric_inner(metric, key);
}

/* Doubles that are at least 0 have the order of their bits, and distances rise with keys: so the limit is found by halving. */
double metric_limit(const struct metric *metric, double distance)
{
    const double beyond = (double)INFINITY;
    uint64_t low = 0, high = 0;
    double limit = 0;

    assert(distance >= 0);
    memcpy(&high, &beyond, sizeof high);
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;

        memcpy(&limit, &middle, sizeof limit);
        if (metric_distance(metric, limit) <= distance) low = middle;
        else high = middle;
    }
    memcpy(&limit, &low, sizeof limit);
    return limit;
}

double metric_inner(const struct metric *metric, double key)
{
    return metric->sum == METRIC_SQUARES ? sqrt(key) : key;
}

int metric_scale(const struct metric *metric, double key)
{
    int exponent = 0;
    const double fraction = frexp(key, &exponent);

    assert(key > 0 && isfinite(key));
    if (fraction == 0.5) exponent--; /* a power of two reaches its own exponent */
    /* least i with exponent <= 2 i; shifted up so that the division rounds one way */
    if (metric->sum == METRIC_SQUARES) return (exponent + 1 + 4096) / 2 - 2048;
    return exponent > METRIC_LEVEL_MIN ? exponent : METRIC_LEVEL_MIN + 1;
}

double metric_reach(const struct metric *metric, int level)
{
    assert(level >= METRIC_LEVEL_MIN && level <= METRIC_LEVEL_MAX);
    if (metric->sum == METRIC_SQUARES) return ldexp(1, 2 * level);
    return level > METRIC_LEVEL_MIN ? ldexp(1, level) : 0;
}
