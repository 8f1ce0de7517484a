/* SPDX-License-Identifier: Apache-2.0 */
/* Nearest neighbours by residual correlation: all points, predecessors, points from outside; beside blocked brute force by the same tiles. */
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "gp [--only NAMES] [--quick] [--threads 1,2] [--repeats N] [--dir FOLDER] [--csv FILE] [--markdown]\n"
                           "  --only R32k-d3,R32k-d3p,R100k-d2p,RBF-d3,R32k-d8   only these\n"
                           "features: L, V and p; layout: blocks, pivots, rounding (of `asked`); asked: the median question;\n"
                           "brute: 1024 stored points compared with all, whose answers are compared.\n"
                           "pairs%, nodes%: correlations evaluated for queries and for bounds, of those that brute force would.\n";

enum { ASKED = 1024, REPEATS = 5, PIVOTS = 16 /* of a node: it is tested by a square of them */ };

struct problem {
    const char *name;
    size_t n, m, k, outside; /* outside: so many queries that are no points; 0: all points are */
    uint32_t dim;
    enum bench_shape shape;
    const char *kernel;
    double lengthscale, target; /* queries a second on two threads */
    int predecessors;
};

static const struct problem problems[] = {
    { "R32k-d3", 32768, 128, 50, 0, 3, BENCH_GAUSSIAN, "matern52", 1, 60e3, 0 },
    { "R32k-d3p", 32768, 128, 30, 0, 3, BENCH_GAUSSIAN, "matern52", 1, 50e3, 1 },
    { "R100k-d2p", 100000, 200, 30, 0, 2, BENCH_UNIFORM, "matern32", 0.1, 50e3, 1 },
    { "RBF-d3", 32768, 512, 50, 0, 3, BENCH_GAUSSIAN, "rbf", 1, 14e3, 0 },
    { "R32k-d8", 32768, 512, 8, ASKED, 8, BENCH_GAUSSIAN, "rbf", 1, 9e3, 0 },
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

struct asked {
    const struct problem *problem;
    pcct_gp *gp;
    pcct_filter *filter;
    double *outside;
    size_t rows;
    int64_t *labels;
    double *distances;
    struct pcct_gp_work work;
    int threads;
};

static double ask(struct asked *a, int brute)
{
    struct pcct_gp_ask_options o = PCCT_GP_ASK_OPTIONS_INIT;
    const double began = bench_seconds();

    a->work.size = sizeof a->work;
    o.threads = a->threads;
    o.filter = a->filter;
    o.work = &a->work;
    o.brute = brute;
    if (a->outside) BENCH_MUST(pcct_gp_knn(a->labels, a->distances, a->gp, a->outside, a->rows, a->problem->k, &o, &err));
    else BENCH_MUST(pcct_gp_graph(a->labels, a->distances, a->gp, a->problem->k, &o, &err));
    return bench_seconds() - began;
}

/* Some points by brute force, as fast as tiles go; without an order their answers are those of before. */
static double ask_brute(struct asked *a)
{
    struct pcct_gp_ask_options o = PCCT_GP_ASK_OPTIONS_INIT;
    const size_t k = a->problem->k, n = a->problem->n;
    int64_t *label = bench_take(ASKED, sizeof *label), *labels = bench_take(ASKED * k, sizeof *labels);
    double *distances = bench_take(ASKED * k, sizeof *distances), seconds = 0;

    o.threads = a->threads;
    o.brute = 1;
    o.exclude_self = 1;
    for (size_t i = 0; i < ASKED; i++) label[i] = (int64_t)(i * (n / ASKED));
    seconds = bench_seconds();
    if (a->outside) BENCH_MUST(pcct_gp_knn(labels, distances, a->gp, a->outside, ASKED, k, &o, &err));
    else BENCH_MUST(pcct_gp_knn_stored(labels, distances, a->gp, label, ASKED, k, &o, &err));
    seconds = bench_seconds() - seconds;
    for (size_t i = 0; i < ASKED && !a->filter; i++) {
        const size_t row = a->outside ? i : (size_t)label[i];

        if (memcmp(labels + i * k, a->labels + row * k, k * sizeof *labels) != 0
            || memcmp(distances + i * k, a->distances + row * k, k * sizeof *distances) != 0) {
            bench_die("%s: the answer of point %zu differs from brute force", a->problem->name, row);
        }
    }
    free(label);
    free(labels);
    free(distances);
    return ASKED / seconds;
}

static pcct_gp *open_kernel(const struct problem *p, const pcct_view *view, int threads, double *seconds)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_inducing_options choose = PCCT_INDUCING_OPTIONS_INIT;
    double *inducing = bench_take(p->m * p->dim, sizeof *inducing), *lengthscale = bench_take(p->dim, sizeof *lengthscale);
    pcct_gp *gp = NULL;
    size_t m = p->m;

    for (uint32_t j = 0; j < p->dim; j++) lengthscale[j] = p->lengthscale;
    choose.how = PCCT_INDUCING_RANDOM;
    BENCH_MUST(pcct_inducing_choose(inducing, NULL, &m, view, &choose, &err));
    kernel.name = p->kernel;
    kernel.lengthscale = lengthscale;
    kernel.inducing = inducing;
    kernel.m = m;
    open.kernel = &kernel;
    open.threads = threads;
    *seconds = bench_seconds();
    BENCH_MUST(pcct_gp_open(&gp, view, &open, &err));
    *seconds = bench_seconds() - *seconds;
    free(inducing);
    free(lengthscale);
    return gp;
}

static void run(const struct bench_options *options, const struct problem *p, const pcct_view *view, int threads)
{
    const int repeats = options->quick ? 1 : options->repeats > 0 ? options->repeats : REPEATS;
    struct pcct_filter_options rule = PCCT_FILTER_OPTIONS_INIT;
    struct asked a = { .problem = p, .threads = threads, .rows = p->outside > 0 ? p->outside : p->n };
    double *seconds = bench_take((size_t)repeats, sizeof *seconds), features = 0, median = 0;

    rule.order = PCCT_ORDER_LABEL; /* the points are in no order */
    if (p->predecessors) BENCH_MUST(pcct_filter_open(&a.filter, view, &rule, &err));
    a.gp = open_kernel(p, view, threads, &features);
    a.labels = bench_take(a.rows * p->k, sizeof *a.labels);
    a.distances = bench_take(a.rows * p->k, sizeof *a.distances);
    if (p->outside > 0) {
        a.outside = bench_take(p->outside * p->dim, sizeof *a.outside);
        bench_points(a.outside, p->shape, p->outside, p->dim, 2);
    }
    if (!options->quick) (void)ask(&a, 0);
    for (int i = 0; i < repeats; i++) seconds[i] = ask(&a, 0);
    median = bench_percentile(seconds, (size_t)repeats, 0.5);
    bench_options_print(options, "%-10s %7zu %3u %4zu %3zu %7d %8.3f %8.3f %8.3f %9.0f %9.0f %9.0f %6.2f %6.2f\n", p->name, p->n, p->dim,
                        p->m, p->k, threads, features, a.work.layout_seconds, median, (double)a.rows / median, p->target, ask_brute(&a),
                        100 * (double)a.work.pairs / (double)a.rows / (double)p->n,
                        100 * (double)(a.work.nodes * PIVOTS * PIVOTS) / (double)a.rows / (double)p->n);
    pcct_gp_close(a.gp);
    pcct_filter_close(a.filter);
    free(a.labels);
    free(a.distances);
    free(a.outside);
    free(seconds);
}

int main(int argc, char **argv)
{
    struct bench_options options;

    bench_options_read(&options, argc, argv, help);
    bench_options_head(&options, "%-10s %7s %3s %4s %3s %7s %8s %8s %8s %9s %9s %9s %6s %6s\n", "problem", "n", "dim", "m", "k", "threads",
                       "features", "layout", "asked", "asked/s", "target/s", "brute/s", "pairs%", "nodes%");
    for (size_t i = 0; i < PROBLEMS; i++) {
        const struct problem *p = &problems[i];
        double *points = NULL;
        pcct_store *store = NULL;
        pcct_view *view = NULL;
        struct bench_commit commit;
            char path[4096];

        if (!bench_options_wants(&options, p->name)) continue;
        points = bench_take(p->n * p->dim, sizeof *points);
        bench_points(points, p->shape, p->n, p->dim, 1);
        snprintf(path, sizeof path, "%s/%s", bench_folder(options.dir), p->name);
        store = bench_store_new(path, p->dim, 0);
        bench_store_commit(&commit, store, points, p->n, 0, NULL, 0);
        BENCH_MUST(pcct_view_open(&view, store, "main", &err));
        for (int t = 0; t < options.n_threads; t++) run(&options, p, view, options.threads[t]);
        pcct_view_close(view);
        pcct_store_close(store);
        free(points);
    }
    bench_options_end(&options);
    return 0;
}
