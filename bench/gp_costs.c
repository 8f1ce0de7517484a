/* SPDX-License-Identifier: Apache-2.0 */
/* What all nearest neighbours by residual correlation cost: against points, inducing points, dimensions and neighbours, one of them at a time. */
#include "common/machine.h"
#include "common/options.h"
#include "common/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "gp_costs [--only NAMES] [--quick] [--threads N] [--repeats N] [--dir FOLDER] [--csv FILE] [--markdown]\n"
                           "  --only n,m,d,k   only these axes\n"
                           "  --n N,N --d D,D  of their axes only these values\n"
                           "Uniform points, Matern 3/2, random inducing points; 32768 points in 2 dimensions, 128 inducing points, 30\n"
                           "neighbours, but for what is changed. features: L, V and p; search: the median; micros: both, for a point.\n"
                           "Draw it with gp_costs_plot.\n";

enum { REPEATS = 3, VALUES = 8 };

struct problem {
    size_t n, m, dim, k;
};
static const struct problem base = { 32768, 128, 2, 30 };

static const struct axis {
    const char *name;
    size_t offset; /* of what is changed, in struct problem */
    size_t value[VALUES];
} axes[] = {
    { "n", offsetof(struct problem, n), { 10000, 30000, 100000, 300000, 1000000 } },
    { "m", offsetof(struct problem, m), { 0, 32, 64, 128, 256, 512 } }, /* 0 ends no list: it stands first */
    { "d", offsetof(struct problem, dim), { 1, 2, 3, 4, 6, 8, 12, 16 } },
    { "k", offsetof(struct problem, k), { 8, 16, 32, 64 } },
};
enum { AXES = sizeof axes / sizeof *axes };

static double open_kernel(pcct_gp **gp, const pcct_view *view, const struct problem *p, int threads)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    double *inducing = bench_take(p->m * p->dim + 1, sizeof *inducing), *lengthscale = bench_take(p->dim, sizeof *lengthscale), seconds = 0;
    size_t m = p->m;

    for (size_t j = 0; j < p->dim; j++) lengthscale[j] = 0.2 * sqrt((double)p->dim / 2);
    choose.how = PCCT_INDUCING_RANDOM;
    BENCH_MUST(pcct_inducing_choose(inducing, NULL, &m, view, &choose, &err));
    kernel.name = "matern32";
    kernel.lengthscale = lengthscale;
    kernel.inducing = inducing;
    kernel.m = m;
    open.kernel = &kernel;
    open.threads = threads;
    seconds = bench_seconds();
    BENCH_MUST(pcct_gp_open(gp, view, &open, &err));
    seconds = bench_seconds() - seconds;
    free(inducing);
    free(lengthscale);
    return seconds;
}

static void measure(const struct bench_options *options, const char *axis, size_t value, const struct problem *p, const pcct_view *view)
{
    const int repeats = options->quick || p->n > 200000 ? 1 : options->repeats > 0 ? options->repeats : REPEATS;
    const int threads = bench_options_most_threads(options);
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_gp_work work = { .size = sizeof work };
    pcct_gp *gp = NULL;
    const double features = open_kernel(&gp, view, p, threads);
    int64_t *labels = bench_take(p->n * p->k, sizeof *labels);
    double *distances = bench_take(p->n * p->k, sizeof *distances), *seconds = bench_take((size_t)repeats, sizeof *seconds), median = 0;

    ask.threads = threads;
    ask.work = &work;
    for (int i = 0; i < repeats; i++) {
        seconds[i] = -bench_seconds();
        BENCH_MUST(pcct_gp_graph(labels, distances, gp, p->k, &ask, &err));
        seconds[i] += bench_seconds();
    }
    median = bench_percentile(seconds, (size_t)repeats, 0.5);
    bench_options_print(options, "%-5s %8zu %8zu %5zu %4zu %4zu %7d %9.3f %9.3f %8.2f %7.2f\n", axis, value, p->n, p->m, p->dim, p->k, threads,
                        features, median, 1e6 * (features + median) / (double)p->n, 100 * (double)work.pairs / (double)p->n / (double)p->n);
    pcct_gp_close(gp);
    free(labels);
    free(distances);
    free(seconds);
}

static void run(const struct bench_options *options, const struct axis *axis, size_t value, int number)
{
    struct problem p = base;
    struct bench_commit commit;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    double *points = NULL;
    char path[4096];

    if (options->quick) p.n = 3000;
    memcpy((char *)&p + axis->offset, &value, sizeof value);
    if (options->quick && p.n > 10000) return;
    points = bench_take(p.n * p.dim, sizeof *points);
    bench_points(points, BENCH_UNIFORM, p.n, p.dim, 1);
    snprintf(path, sizeof path, "%s/%s%d", bench_folder(options->dir), axis->name, number);
    store = bench_store_new(path, p.dim, 0);
    bench_store_commit(&commit, store, points, p.n, 0, NULL, 0);
    free(points);
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    measure(options, axis->name, value, &p, view);
    pcct_view_close(view);
    pcct_store_close(store);
    bench_remove(path);
}

/* --n and --d choose among the values of their axes. */
static int is_wanted(const struct bench_options *options, const struct axis *axis, size_t value)
{
    const struct bench_sizes *sizes = axis->name[0] == 'n' ? &options->n : &options->d;
    int wanted = (axis->name[0] != 'n' && axis->name[0] != 'd') || sizes->count == 0;

    for (size_t i = 0; i < sizes->count; i++) wanted |= sizes->item[i] == value;
    return wanted;
}

int main(int argc, char **argv)
{
    struct bench_options options;

    bench_options_read(&options, argc, argv, help);
    bench_options_head(&options, "%-5s %8s %8s %5s %4s %4s %7s %9s %9s %8s %7s\n", "axis", "value", "n", "m", "d", "k", "threads", "features",
                       "search", "micros", "pairs%");
    for (size_t a = 0; a < AXES; a++) {
        if (!bench_options_wants(&options, axes[a].name)) continue;
        for (int i = 0; i < VALUES && (i == 0 || axes[a].value[i] > 0); i++) {
            if (is_wanted(&options, &axes[a], axes[a].value[i])) run(&options, &axes[a], axes[a].value[i], i);
        }
    }
    bench_options_end(&options);
    return 0;
}
