/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/custom.h"

#include <assert.h>
#include <string.h>

void metric_calls_clear(struct metric_calls *calls)
{
    *calls = (struct metric_calls){ .evaluations = 0 };
}

/* ---- names -------------------------------------------------------------------------------------------------------------------------------- */

static int is_letter(char c) { return c >= 'a' && c <= 'z'; }

static int is_name(const char *name)
{
    size_t n = 0;

    if (!is_letter(name[0])) return 0;
    while (n < PCCT_METRIC_NAME_BYTES && (is_letter(name[n]) || (name[n] >= '0' && name[n] <= '9') || name[n] == '_' || name[n] == '-')) n++;
    return n < PCCT_METRIC_NAME_BYTES && name[n] == '\0';
}

static int is_built_in(const char *name)
{
    for (int id = METRIC_EUCLIDEAN; id < METRIC_CUSTOM; id++) {
        if (metric_name(id) && strcmp(metric_name(id), name) == 0) return 1;
    }
    return 0;
}

int metric_custom_init(struct metric *metric, const char *name, uint32_t input_dim, const struct pcct_metric *function, struct pcct_error *err)
{
    struct metric made = { .id = METRIC_CUSTOM, .input_dim = input_dim, .dim = input_dim, .sum = METRIC_CALLED };

    memset(metric, 0, sizeof *metric);
    if (!name || !is_name(name)) {
        return base_fail(err, PCCT_E_INVALID, "a custom metric needs a name of 1 to %d of a-z, 0-9, _ and -, a letter first, not \"%.64s\"",
                         PCCT_METRIC_NAME_BYTES - 1, name ? name : "");
    }
    if (is_built_in(name)) return base_fail(err, PCCT_E_INVALID, "\"%s\" is a built-in metric; a custom one needs another name", name);
    if (input_dim < 1 || input_dim > METRIC_DIM_MAX) {
        return base_fail(err, PCCT_E_INVALID, "dimension %u: a custom metric takes 1 to %d columns", (unsigned)input_dim, METRIC_DIM_MAX);
    }
    if (function && !function->distance) return base_fail(err, PCCT_E_INVALID, "the custom metric \"%s\" has no function for the distance", name);
    memcpy(made.custom.name, name, strlen(name));
    if (function) {
        made.custom.distance = function->distance;
        made.custom.distances = function->distances;
        made.custom.ctx = function->ctx;
    }
    *metric = made;
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------------------- */

static int is_before(const struct metric_calls *calls, const double *a, const double *b)
{
    return (uintptr_t)a < (uintptr_t)calls->a || (a == calls->a && (uintptr_t)b < (uintptr_t)calls->b);
}

static void note_fault(struct metric_calls *calls, const double *a, const double *b, double value)
{
    /* Acquire and release keep the fields within the lock; they are read without it after the parallel region, whose end orders that. */
    while (__atomic_exchange_n(&calls->locked, 1, __ATOMIC_ACQUIRE)) continue;
    if (!calls->faulty || is_before(calls, a, b)) {
        calls->faulty = 1;
        calls->a = a;
        calls->b = b;
        calls->value = value;
    }
    __atomic_store_n(&calls->locked, 0, __ATOMIC_RELEASE);
}

/* NaN fails the comparisons. -0 becomes 0. */
static double checked(const struct metric *metric, const double *a, const double *b, double value)
{
    if (value >= 0 && value < METRIC_DISTANCE_LIMIT) return value + 0.0;
    note_fault(metric->calls, a, b, value);
    return METRIC_FAR;
}

static void count(const struct metric *metric, uint64_t n)
{
    /* Relaxed: a counter, read after the parallel region. */
    __atomic_add_fetch(&metric->calls->evaluations, n, __ATOMIC_RELAXED);
}

double metric_custom_key(const struct metric *metric, const double *a, const double *b)
{
    assert(metric->custom.distance && metric->calls);
    count(metric, 1);
    return checked(metric, a, b, metric->custom.distance(metric->custom.ctx, a, b));
}

void metric_custom_keys(double *key, const struct metric *metric, const double *q, const double *const *rows, size_t n)
{
    const struct metric_custom *custom = &metric->custom;

    assert(custom->distance && metric->calls);
    if (n == 0) return;
    count(metric, n);
    if (custom->distances) {
        custom->distances(custom->ctx, key, q, rows, n);
    } else {
        for (size_t i = 0; i < n; i++) key[i] = custom->distance(custom->ctx, q, rows[i]);
    }
    for (size_t i = 0; i < n; i++) key[i] = checked(metric, q, rows[i], key[i]);
}
