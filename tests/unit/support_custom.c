/* SPDX-License-Identifier: Apache-2.0 */
#include "support_custom.h"

#include <math.h>
#include <string.h>

static double root_of_squares(const double *a, const double *b, uint32_t dim)
{
    return sqrt(support_key(a, b, METRIC_SQUARES, dim));
}

static double prefix(const double *a, const double *b, uint32_t dim)
{
    for (uint32_t j = 0; j < dim; j++) {
        uint64_t x, y;

        memcpy(&x, &a[j], sizeof x);
        memcpy(&y, &b[j], sizeof y);
        if (x != y) return ldexp(1, -(int)(64 * j) - __builtin_clzll(x ^ y));
    }
    return 0;
}

static double nonsense(uint64_t seed, const double *a, const double *b, uint32_t dim)
{
    struct base_random random;
    uint64_t bits[2] = { seed, seed };

    for (uint32_t j = 0; j < dim; j++) {
        uint64_t x, y;

        memcpy(&x, &a[j], sizeof x);
        memcpy(&y, &b[j], sizeof y);
        bits[0] = bits[0] * 31 + x;
        bits[1] = bits[1] * 37 + y;
    }
    base_random_seed(&random, bits[0] * 3 + bits[1]);
    return base_random_below(&random, 9) == 0 ? 0 : ldexp(base_random_unit(&random), (int)base_random_below(&random, 12));
}

static double distance(void *ctx, const double *a, const double *b)
{
    struct support_custom *custom = ctx;

    __atomic_add_fetch(&custom->asked, 1, __ATOMIC_RELAXED);
    if (custom->spoil_at > 0 && --custom->spoil_at == 0) return custom->spoilt;
    if (custom->nonsense) return nonsense(custom->nonsense, a, b, custom->dim);
    switch (custom->kind) {
    case SUPPORT_PLAIN: return root_of_squares(a, b, custom->dim);
    case SUPPORT_CEILING: return ceil(root_of_squares(a, b, custom->dim));
    case SUPPORT_DISCRETE: return memcmp(a, b, custom->dim * sizeof *a) != 0;
    case SUPPORT_ALL_SIZES: return support_key(a, b, METRIC_SIZES, custom->dim);
    case SUPPORT_SHADED: return fabs(a[0] - b[0]) * (a[custom->dim - 1] == b[custom->dim - 1] ? 1 : 1 + 0x1p-45);
    default: return prefix(a, b, custom->dim);
    }
}

static void distances(void *ctx, double *out, const double *q, const double *const *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = distance(ctx, q, rows[i]);
}

void support_custom_start(struct support_custom *custom, struct metric *metric, enum support_custom_kind kind, uint32_t dim, int together)
{
    const struct pcct_metric function = { sizeof function, "tested", distance, together ? distances : NULL, custom };
    struct pcct_error err = { 0, "" };

    *custom = (struct support_custom){ .kind = kind, .dim = dim };
    support_ok(metric_custom_init(metric, function.name, dim, &function, &err), &err);
    metric->calls = &custom->calls;
}
