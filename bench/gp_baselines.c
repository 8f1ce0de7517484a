/* SPDX-License-Identifier: Apache-2.0 */
/* Nearest predecessors by residual correlation in other ways, beside the library's: plain brute force, features in single precision, a cover tree for
 * each segment, a tree of the library's over the true metric. */
#include "common/machine.h"
#include "common/options.h"
#include "common/segment_trees.h"
#include "common/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "gp_baselines [--only NAMES] [--quick] [--dir FOLDER] [--csv FILE] [--markdown]\n"
                           "  --only M8k,M32k,R32k   only these\n"
                           "One thread each. A sample of the points asks; all answers are compared with those of brute force in double precision.\n"
                           "wrong: points whose distances are not those; recall: share of the true neighbours that was found.\n";

enum { DIM = 3, K = 30, QUICK_N = 2048, QUICK_ASKED = 128, LANES = 8 };

static const struct problem {
    const char *name, *kernel;
    size_t n, m, asked;
} problems[] = {
    { "M8k", "matern52", 8192, 128, 1024 },
    { "M32k", "matern52", 32768, 128, 1024 },
    { "R32k", "rbf", 32768, 512, 256 }, /* little is left of each point */
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

struct scene {
    const struct bench_options *options;
    const struct problem *problem;
    size_t n, m, asked;
    double *points;
    const double *v, *p;     /* of the handle */
    int rbf;
    float *points32, *v32, *scale32;
    double *scale;           /* 1 / sqrt(p) */
    uint32_t *row;           /* [asked] */
    int64_t *near;           /* [asked][K] the true answers, distances ascending */
    double *distance;
    pcct_view *view;
    pcct_gp *gp;
};

/* ---- the distance, and all of them ---------------------------------------------------------------------------------------------------------- */

static double distance64(const void *ctx, uint32_t a, uint32_t b)
{
    const struct scene *s = ctx;
    const double *x = s->points + (size_t)a * DIM, *y = s->points + (size_t)b * DIM, *v = s->v + a * s->m, *w = s->v + b * s->m;
    double sum[LANES] = { 0 }, square = 0, r = 0, dot = 0, rho = 0;

    for (size_t l = 0; l < s->m; l += LANES) { /* m is a multiple of them */
        for (size_t i = 0; i < LANES; i++) sum[i] += v[l + i] * w[l + i];
    }
    for (size_t i = 0; i < LANES; i++) dot += sum[i];
    for (size_t j = 0; j < DIM; j++) square += (x[j] - y[j]) * (x[j] - y[j]);
    r = sqrt(5 * square);
    rho = ((s->rbf ? exp(-0.5 * square) : (1 + r + r * r / 3) * exp(-r)) - dot) * s->scale[a] * s->scale[b];
    return sqrt(fmax(1 - fabs(rho), 0));
}

static double distance32(const void *ctx, uint32_t a, uint32_t b)
{
    const struct scene *s = ctx;
    const float *x = s->points32 + (size_t)a * DIM, *y = s->points32 + (size_t)b * DIM, *v = s->v32 + a * s->m, *w = s->v32 + b * s->m;
    float sum[2 * LANES] = { 0 }, square = 0, r = 0, dot = 0, rho = 0;

    for (size_t l = 0; l < s->m; l += 2 * LANES) {
        for (size_t i = 0; i < 2 * LANES; i++) sum[i] += v[l + i] * w[l + i];
    }
    for (size_t i = 0; i < 2 * LANES; i++) dot += sum[i];
    for (size_t j = 0; j < DIM; j++) square += (x[j] - y[j]) * (x[j] - y[j]);
    r = sqrtf(5 * square);
    rho = ((s->rbf ? expf(-0.5f * square) : (1 + r + r * r / 3) * expf(-r)) - dot) * s->scale32[a] * s->scale32[b];
    return (double)sqrtf(fmaxf(1 - fabsf(rho), 0));
}

/* The K nearest before a point, by comparing it with each. */
static void brute(int64_t *near, double *found, const struct scene *s, uint32_t row, double (*distance)(const void *, uint32_t, uint32_t))
{
    size_t count = 0;

    for (uint32_t other = 0; other < row; other++) {
        const double d = distance(s, row, other);
        size_t at = count < K ? count++ : K - 1;

        if (count == K && at == K - 1 && found[at] <= d && other >= K) continue;
        for (; at > 0 && found[at - 1] > d; at--) {
            found[at] = found[at - 1];
            near[at] = near[at - 1];
        }
        found[at] = d;
        near[at] = other;
    }
}

/* ---- what is told --------------------------------------------------------------------------------------------------------------------------- */

/* found[asked][K]; near NULL: labels are not told. Of those that are told the true distance counts, for what single precision makes of it says
 * little. Ways that round differently agree to some 1e-12 / p. */
static void tell(const struct scene *s, const char *way, double build, double seconds, size_t answers, double evaluated, const double *found,
                 const int64_t *near)
{
    size_t wrong = 0, hits = 0, all = 0;

    for (size_t i = 0; i < s->asked; i++) {
        const size_t due = s->row[i] < K ? s->row[i] : K;
        int differs = 0;

        for (size_t j = 0; j < due; j++) {
            const double d = near ? distance64(s, s->row[i], (uint32_t)near[i * K + j]) : found[i * K + j], due_d = s->distance[i * K + j];

            differs |= !(fabs(d * d - due_d * due_d) <= 1e-7);
            for (size_t l = 0; near && l < due; l++) hits += near[i * K + j] == s->near[i * K + l];
            all++;
        }
        wrong += differs != 0;
    }
    bench_options_print(s->options, "%-6s %7zu %4zu %-16s %8.2f %9.0f %7.1f %6zu %7.4f\n", s->problem->name, s->n, s->m, way, build,
                        (double)answers / seconds, evaluated, wrong, near ? (double)hits / (double)all : wrong == 0 ? 1 : -1);
}

static double share(const struct scene *s, uint64_t evaluated)
{
    double all = 0;

    for (size_t i = 0; i < s->asked; i++) all += s->row[i];
    return 100 * (double)evaluated / all;
}

/* ---- each way ------------------------------------------------------------------------------------------------------------------------------- */

static void by_brute_force(struct scene *s)
{
    const double began = bench_seconds();

    for (size_t i = 0; i < s->asked; i++) brute(s->near + i * K, s->distance + i * K, s, s->row[i], distance64);
    tell(s, "brute-f64", 0, bench_seconds() - began, s->asked, 100, s->distance, s->near);
}

static void by_single_precision(struct scene *s, double *found, int64_t *near)
{
    double built = bench_seconds(), began = 0;

    s->points32 = bench_take(s->n * DIM, sizeof *s->points32);
    s->v32 = bench_take(s->n * s->m, sizeof *s->v32);
    s->scale32 = bench_take(s->n, sizeof *s->scale32);
    for (size_t i = 0; i < s->n * DIM; i++) s->points32[i] = (float)s->points[i];
    for (size_t i = 0; i < s->n * s->m; i++) s->v32[i] = (float)s->v[i];
    for (size_t i = 0; i < s->n; i++) s->scale32[i] = 1 / sqrtf((float)s->p[i]);
    began = bench_seconds();
    built = began - built;
    for (size_t i = 0; i < s->asked; i++) brute(near + i * K, found + i * K, s, s->row[i], distance32);
    tell(s, "features-f32", built, bench_seconds() - began, s->asked, 100, found, near);
    free(s->points32);
    free(s->v32);
    free(s->scale32);
}

static void by_segment_trees(struct scene *s, double *found)
{
    struct bench_segment_trees trees;
    double built = bench_seconds(), began = 0;

    bench_segment_trees_build(&trees, (uint32_t)s->n, 2, distance64, s);
    began = bench_seconds();
    built = began - built;
    trees.evaluated = 0;
    for (size_t i = 0; i < s->asked; i++) (void)bench_segment_trees_search(found + i * K, &trees, s->row[i], K);
    tell(s, "segment-trees", built, bench_seconds() - began, s->asked, share(s, trees.evaluated), found, NULL);
    bench_segment_trees_free(&trees);
}

/* A store of the library's in the true metric. */
static void by_true_metric(struct scene *s, const char *folder, double *found, int64_t *near)
{
    struct pcct_metric metric = PCCT_METRIC_INIT;
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_filter_options rule = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_knn_options how = PCCT_KNN_OPTIONS_INIT;
    struct pcct_work work = { 0, 0, 0 };
    struct bench_commit commit;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    pcct_filter *filter = NULL;
    double slack = 0, began = 0, *number = bench_take(s->n, sizeof *number);
    int64_t *label = bench_take(s->asked, sizeof *label);
    char path[4096];

    snprintf(path, sizeof path, "%s/%s-tree", folder, s->problem->name);
    for (size_t i = 0; i < s->n; i++) number[i] = (double)i;
    for (size_t i = 0; i < s->asked; i++) label[i] = s->row[i];
    BENCH_MUST(pcct_gp_metric(&metric, &slack, s->gp, &err));
    create.dim = 1;
    create.custom = open.custom = &metric;
    open.threads = 1;
    BENCH_MUST(pcct_store_create(path, &create, &err));
    BENCH_MUST(pcct_store_open(&store, path, &open, &err));
    bench_store_commit(&commit, store, number, s->n, 0, NULL, 0);
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    rule.order = PCCT_ORDER_LABEL;
    BENCH_MUST(pcct_filter_open(&filter, view, &rule, &err));
    how.threads = 1;
    how.filter = filter;
    how.work = &work;
    began = bench_seconds();
    BENCH_MUST(pcct_knn_stored(near, found, view, label, s->asked, K, &how, &err));
    began = bench_seconds() - began;
    for (size_t i = 0; i < s->asked * K; i++) found[i] -= slack;
    tell(s, "true-metric-tree", commit.seconds, began, s->asked, share(s, work.distances), found, near);
    pcct_filter_close(filter);
    pcct_view_close(view);
    pcct_store_close(store);
    free(number);
    free(label);
}

/* The library's own answers, for all points. */
static void by_the_library(struct scene *s, double features, double *found, int64_t *near)
{
    struct pcct_filter_options rule = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_gp_work work = { .size = sizeof work };
    pcct_filter *filter = NULL;
    int64_t *labels = bench_take(s->n * K, sizeof *labels);
    double *distances = bench_take(s->n * K, sizeof *distances), seconds = 0;

    rule.order = PCCT_ORDER_LABEL;
    BENCH_MUST(pcct_filter_open(&filter, s->view, &rule, &err));
    ask.threads = 1;
    ask.filter = filter;
    ask.work = &work;
    seconds = bench_seconds();
    BENCH_MUST(pcct_gp_graph(labels, distances, s->gp, K, &ask, &err));
    seconds = bench_seconds() - seconds;
    for (size_t i = 0; i < s->asked; i++) {
        memcpy(near + i * K, labels + (size_t)s->row[i] * K, K * sizeof *near);
        memcpy(found + i * K, distances + (size_t)s->row[i] * K, K * sizeof *found);
    }
    tell(s, "pcct", features, seconds, s->n, 200 * (double)work.pairs / (double)s->n / (double)s->n, found, near);
    pcct_filter_close(filter);
    free(labels);
    free(distances);
}

/* ---- a problem ------------------------------------------------------------------------------------------------------------------------------ */

static double open_kernel(struct scene *s)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_gp_info info = { .size = sizeof info };
    double *inducing = bench_take(s->m * DIM, sizeof *inducing), seconds = 0;

    bench_points(inducing, BENCH_GAUSSIAN, s->m, DIM, 3);
    kernel.name = s->problem->kernel;
    kernel.inducing = inducing;
    kernel.m = s->m;
    open.kernel = &kernel;
    open.threads = 1;
    seconds = bench_seconds();
    BENCH_MUST(pcct_gp_open(&s->gp, s->view, &open, &err));
    seconds = bench_seconds() - seconds;
    BENCH_MUST(pcct_gp_describe(&info, s->gp));
    s->v = info.v;
    s->p = info.p;
    s->scale = bench_take(s->n, sizeof *s->scale);
    for (size_t i = 0; i < s->n; i++) s->scale[i] = 1 / sqrt(s->p[i]);
    free(inducing);
    return seconds;
}

static void run(struct scene *s, const char *folder)
{
    struct bench_commit commit;
    pcct_store *store = NULL;
    double *found = bench_take(s->asked * K, sizeof *found), features = 0;
    int64_t *near = bench_take(s->asked * K, sizeof *near);
    char path[4096];

    s->points = bench_take(s->n * DIM, sizeof *s->points);
    s->row = bench_take(s->asked, sizeof *s->row);
    s->near = bench_take(s->asked * K, sizeof *s->near);
    s->distance = bench_take(s->asked * K, sizeof *s->distance);
    bench_points(s->points, BENCH_GAUSSIAN, s->n, DIM, 1);
    for (size_t i = 0; i < s->asked; i++) s->row[i] = (uint32_t)((i + 1) * (s->n / s->asked) - 1);
    snprintf(path, sizeof path, "%s/%s", folder, s->problem->name);
    store = bench_store_new(path, DIM, 1);
    bench_store_commit(&commit, store, s->points, s->n, 0, NULL, 0);
    BENCH_MUST(pcct_view_open(&s->view, store, "main", &err));
    features = open_kernel(s);
    by_brute_force(s);
    by_single_precision(s, found, near);
    by_segment_trees(s, found);
    by_true_metric(s, folder, found, near);
    by_the_library(s, features, found, near);
    pcct_gp_close(s->gp);
    pcct_view_close(s->view);
    pcct_store_close(store);
    free(found);
    free(near);
    free(s->points);
    free(s->row);
    free(s->near);
    free(s->distance);
    free(s->scale);
}

int main(int argc, char **argv)
{
    struct bench_options options;

    bench_options_read(&options, argc, argv, help);
    bench_options_head(&options, "%-6s %7s %4s %-16s %8s %9s %7s %6s %7s\n", "case", "n", "m", "way", "build_s", "points/s", "pairs%", "wrong",
                       "recall");
    for (size_t i = 0; i < PROBLEMS; i++) {
        struct scene s = { .options = &options, .problem = &problems[i], .rbf = strcmp(problems[i].kernel, "rbf") == 0 };

        if (!bench_options_wants(&options, s.problem->name) || (options.quick && i > 0)) continue;
        s.n = options.quick ? QUICK_N : s.problem->n;
        s.m = s.problem->m;
        s.asked = options.quick ? QUICK_ASKED : s.problem->asked;
        run(&s, bench_folder(options.dir));
    }
    bench_options_end(&options);
    return 0;
}
