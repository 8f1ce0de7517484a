/* SPDX-License-Identifier: Apache-2.0 */
#include "common/slope.h"

#include "common/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void bench_slope_add(struct bench_slope *slope, const struct bench_sample *sample)
{
    if (slope->count == slope->room) {
        slope->room = slope->room ? 2 * slope->room : 64;
        slope->sample = realloc(slope->sample, slope->room * sizeof *slope->sample);
        if (!slope->sample) bench_die("out of memory for %zu samples", slope->room);
    }
    slope->sample[slope->count++] = *sample;
}

void bench_slope_free(struct bench_slope *slope)
{
    free(slope->sample);
}

static int same_work(const struct bench_sample *a, const struct bench_sample *b)
{
    return strcmp(a->work, b->work) == 0 && a->shape == b->shape && a->dim == b->dim && a->batch == b->batch && a->threads == b->threads;
}

/* The power of log n: slope of log(time) over log(log n), over the samples of the same work. */
static double power(const struct bench_slope *slope, const struct bench_sample *like)
{
    double x = 0, y = 0, xx = 0, xy = 0, count = 0;

    for (size_t i = 0; i < slope->count; i++) {
        double u = log(log((double)slope->sample[i].n)), v = log(slope->sample[i].microseconds);

        if (!same_work(&slope->sample[i], like)) continue;
        x += u;
        y += v;
        xx += u * u;
        xy += u * v;
        count++;
    }
    return (count * xy - x * y) / (count * xx - x * x);
}

static void print_work(const struct bench_slope *slope, const struct bench_sample *like, const struct bench_options *options)
{
    const struct bench_sample *least = like, *most = like;
    char batch[24] = "all";

    for (size_t i = 0; i < slope->count; i++) {
        if (!same_work(&slope->sample[i], like)) continue;
        if (slope->sample[i].n < least->n) least = &slope->sample[i];
        if (slope->sample[i].n > most->n) most = &slope->sample[i];
    }
    if (least->n == most->n) return;
    if (like->batch) snprintf(batch, sizeof batch, "%zu", like->batch);
    bench_options_print(options, "%-7s %-9s %3zu %7d %6s %8zu %9zu %9.3f %9.3f %8.2f %9.2f %8.2f\n", like->work, bench_shape_name(like->shape),
                        like->dim, like->threads, batch, least->n, most->n, least->microseconds, most->microseconds,
                        most->microseconds / least->microseconds, log((double)most->n) / log((double)least->n), power(slope, like));
}

void bench_slope_print(const struct bench_slope *slope, const struct bench_options *options)
{
    bench_options_head(options, "%-7s %-9s %3s %7s %6s %8s %9s %9s %9s %8s %9s %8s\n", "slope", "data", "d", "threads", "batch", "n_least", "n_most",
                       "us_least", "us_most", "us_ratio", "log_ratio", "power");
    for (size_t i = 0; i < slope->count; i++) {
        size_t first = 0;

        while (!same_work(&slope->sample[first], &slope->sample[i])) first++;
        if (first == i) print_work(slope, &slope->sample[i], options);
    }
}
