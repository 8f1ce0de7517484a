/* SPDX-License-Identifier: Apache-2.0 */
/* What an epoch of residual-correlation search costs - features, layout, search - as points, inducing points, dimensions and neighbours grow. */
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char help[] = "gp_cost [--only NAMES] [--quick] [--threads 1,2] [--dir FOLDER] [--csv FILE] [--markdown]\n"
                           "  --only n,m,d,k   what grows; n: to 10^6 with 64 inducing points in 2 dimensions, the others from n = 32768,\n"
                           "                   m = 128, d = 3, k = 30\n"
                           "features: L, V and p; layout: blocks, pivots, rounding; search: all points. Matern 5/2, standard normal points,\n"
                           "lengthscale 1 (n: uniform, 0.1). Some answers are compared with brute force. --quick: small ones alone.\n"
                           "memory: the most resident so far, in MB.\n";

struct problem {
    const char *grows;
    size_t n, m, k;
    uint32_t dim;
    int large; /* not with --quick */
};

static const struct problem problems[] = {
    { "n", 10000, 64, 30, 2, 0 },   { "n", 31623, 64, 30, 2, 0 },   { "n", 100000, 64, 30, 2, 1 },  { "n", 316228, 64, 30, 2, 1 },
    { "n", 1000000, 64, 30, 2, 1 }, { "m", 32768, 0, 30, 3, 0 },    { "m", 32768, 32, 30, 3, 0 },   { "m", 32768, 64, 30, 3, 1 },
    { "m", 32768, 128, 30, 3, 1 },  { "m", 32768, 256, 30, 3, 1 },  { "m", 32768, 512, 30, 3, 1 },  { "d", 32768, 128, 30, 1, 0 },
    { "d", 32768, 128, 30, 2, 0 },  { "d", 32768, 128, 30, 3, 1 },  { "d", 32768, 128, 30, 5, 1 },  { "d", 32768, 128, 30, 8, 1 },
    { "d", 32768, 128, 30, 16, 1 }, { "k", 32768, 128, 8, 3, 0 },   { "k", 32768, 128, 16, 3, 1 },  { "k", 32768, 128, 32, 3, 1 },
    { "k", 32768, 128, 64, 3, 1 },
};
enum { PROBLEMS = sizeof problems / sizeof *problems, PIVOTS = 16, CHECKED = 32 };

struct cost {
    double features, asked;
    struct pcct_gp_work work;
};

/* Some answers again by brute force. */
static void check(const struct problem *p, const pcct_gp *gp, const int64_t *labels, const double *distances, int threads)
{
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    int64_t asked[CHECKED], *again = bench_take(CHECKED * p->k, sizeof *again);
    double *far = bench_take(CHECKED * p->k, sizeof *far);

    for (size_t i = 0; i < CHECKED; i++) asked[i] = (int64_t)(i * (p->n / CHECKED));
    ask.threads = threads;
    ask.brute = ask.exclude_self = 1;
    BENCH_MUST(pcct_gp_knn_stored(again, far, gp, asked, CHECKED, p->k, &ask, &err));
    for (size_t i = 0; i < CHECKED; i++) {
        const size_t at = (size_t)asked[i] * p->k;

        if (memcmp(again + i * p->k, labels + at, p->k * sizeof *labels) == 0
            && memcmp(far + i * p->k, distances + at, p->k * sizeof *distances) == 0) continue;
        bench_die("%s, n = %zu: the answer of point %" PRId64 " differs from brute force", p->grows, p->n, asked[i]);
    }
    free(again);
    free(far);
}

static void measure(struct cost *cost, const struct problem *p, const pcct_view *view, double lengthscale, int threads)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    double *inducing = bench_take(p->m * p->dim + 1, sizeof *inducing), *scale = bench_take(p->dim, sizeof *scale);
    int64_t *labels = bench_take(p->n * p->k, sizeof *labels);
    double *distances = bench_take(p->n * p->k, sizeof *distances);
    pcct_gp *gp = NULL;
    size_t m = p->m;

    for (uint32_t j = 0; j < p->dim; j++) scale[j] = lengthscale;
    choose.how = PCCT_INDUCING_RANDOM;
    if (m > 0) BENCH_MUST(pcct_inducing_choose(inducing, NULL, &m, view, &choose, &err));
    kernel.name = "matern52";
    kernel.lengthscale = scale;
    kernel.inducing = inducing;
    kernel.m = m;
    open.kernel = &kernel;
    open.threads = ask.threads = threads;
    cost->work.size = sizeof cost->work;
    ask.work = &cost->work;
    cost->features = bench_seconds();
    BENCH_MUST(pcct_gp_open(&gp, view, &open, &err));
    cost->asked = bench_seconds();
    cost->features = cost->asked - cost->features;
    BENCH_MUST(pcct_gp_graph(labels, distances, gp, p->k, &ask, &err));
    cost->asked = bench_seconds() - cost->asked;
    check(p, gp, labels, distances, threads);
    pcct_gp_close(gp);
    free(inducing);
    free(scale);
    free(labels);
    free(distances);
}

static double peak_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1000;
}

static void run(const struct bench_options *options, const struct problem *p, const char *folder)
{
    const int uniform = strcmp(p->grows, "n") == 0;
    double *points = bench_take(p->n * p->dim, sizeof *points);
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    struct bench_commit commit;
    char path[4096];

    bench_points(points, uniform ? BENCH_UNIFORM : BENCH_GAUSSIAN, p->n, p->dim, 1);
    snprintf(path, sizeof path, "%s/%s-%zu-%zu-%u-%zu", folder, p->grows, p->n, p->m, p->dim, p->k);
    store = bench_store_new(path, p->dim, 0);
    bench_store_commit(&commit, store, points, p->n, 0, NULL, 0);
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    for (int t = 0; t < options->n_threads; t++) {
        const double all = (double)p->n * (double)p->n;
        struct cost cost = { 0, 0, { .size = 0 } };

        measure(&cost, p, view, uniform ? 0.1 : 1, options->threads[t]);
        bench_options_print(options, "%-5s %8zu %4zu %3u %3zu %7d %8.3f %8.3f %8.3f %9.0f %7.3f %7.3f %7d %7.0f\n", p->grows, p->n, p->m, p->dim,
                            p->k, options->threads[t], cost.features, cost.work.layout_seconds, cost.work.search_seconds,
                            (double)p->n / cost.asked, 100 * (double)cost.work.pairs / all,
                            100 * (double)(cost.work.nodes * PIVOTS * PIVOTS) / all, (int)cost.work.cascaded,
                            peak_mb());
    }
    pcct_view_close(view);
    pcct_store_close(store);
    bench_remove(path);
    free(points);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    const char *folder = NULL;

    bench_options_read(&options, argc, argv, help);
    folder = bench_folder(options.dir);
    bench_options_head(&options, "%-5s %8s %4s %3s %3s %7s %8s %8s %8s %9s %7s %7s %7s %7s\n", "grows", "n", "m", "d", "k", "threads", "features",
                       "layout", "search", "q/s", "pairs%", "nodes%", "cascade", "memory");
    for (size_t i = 0; i < PROBLEMS; i++) {
        if (!bench_options_wants(&options, problems[i].grows) || (options.quick && problems[i].large)) continue;
        run(&options, &problems[i], folder);
    }
    bench_options_end(&options);
    return 0;
}
