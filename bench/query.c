/* SPDX-License-Identifier: Apache-2.0 */
/* How many queries a second: exact k nearest neighbours through the public interface, peers taking turns with it, all checked against brute force. */
#include "common/brute.h"
#include "common/contest.h"
#include "common/machine.h"
#include "common/npy.h"
#include "common/options.h"
#include "common/store.h"
#include "common/workloads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "query: k nearest neighbours, queries a second, peers in turn with the library, all checked against brute force\n"
    "  --only U2k,U8k,U32k,G3,U262k,S1M,C10,M64,U784,graph,peers   only these\n"
    "  --threads 1,2       thread counts to measure; default 1 and all processors\n"
    "  --repeats N         samples behind each median; default 5\n"
    "  --quick             an eighth of what is large, 3 repeats\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n"
    "Peers are the programs in the folder `peers` beside this one (cmake --build ... --target peers).\n";

enum { REPEATS_MAX = 1000, LINES_MAX = 256, FEW_ROUNDINGS = 16 };
static const double sample_seconds = 0.2, quick_seconds = 0.02; /* a sample repeats its calls until it has taken about so long */

/* What came out for a workload on so many threads. */
struct line {
    const char *work, *other; /* other: what `best` is the rate of, when that is no peer; else NULL */
    int threads;
    double ours, best, exact, target; /* queries a second; best: of the peers, exact: of those whose checked answers were right; 0: none */
    char best_name[64], exact_name[64];
};

struct report {
    struct line line[LINES_MAX];
    size_t lines;
    uint64_t differences; /* of the library's answers from brute force */
};

/* A workload, made ready. */
struct run {
    const struct bench_options *options;
    struct report *report;
    struct bench_workload work;
    const char *name;      /* of the row */
    double *points, *queries;
    int64_t *labels;       /* answers of all sets */
    double *distances;
    int64_t *self;         /* labels of the query points when these are stored points, else NULL */
    struct bench_brute brute;
    size_t sample;         /* queries that are checked */
    int64_t *right_labels; /* of these, the right answers */
    double *right_distances;
    struct bench_contest contest;
    pcct_store *store;
    pcct_view *view;
    double plan_seconds;
    char path[4200];
};

/* How answers to the sample differ from the right ones: queries by labels, queries by distances, the worst distance relative to the right one. */
struct errors {
    size_t labels, distances;
    double worst;
};

/* The right answers of some of the queries. */
static void prove(struct run *run)
{
    const struct bench_workload *w = &run->work;
    size_t nq = w->nq * w->sets;
    struct bench_answers answers = { run->self ? run->points : run->queries, run->self, NULL, NULL, nq, w->k };

    run->sample = bench_brute_sample(&run->brute, nq);
    run->right_labels = bench_take(run->sample * w->k, sizeof *run->right_labels);
    run->right_distances = bench_take(run->sample * w->k, sizeof *run->right_distances);
    bench_brute_answers(run->right_labels, run->right_distances, &run->brute, &answers, run->sample);
}

/* Answers: -1, the workload is left out. */
static int run_start(struct run *run, const struct bench_workload *work, const char *folder)
{
    struct bench_workload *w = &run->work;
    struct bench_commit commit;
    int threads = bench_options_most_threads(run->options);
    size_t nq;

    *w = *work;
    run->name = work->name;
    if (run->options->quick) bench_workload_shrink(w);
    nq = w->nq * w->sets;
    run->points = bench_take(w->n * w->dim, sizeof *run->points);
    run->queries = bench_take(nq * w->dim, sizeof *run->queries);
    if (bench_workload_fill(run->points, run->queries, w) != 0) {
        fprintf(stderr, "%s is left out: the Debian package dataset-fashion-mnist is not installed\n", w->name);
        free(run->queries);
        free(run->points);
        return -1;
    }
    run->labels = bench_take(nq * w->k, sizeof *run->labels);
    run->distances = bench_take(nq * w->k, sizeof *run->distances);
    bench_brute_init(&run->brute, run->points, w->n, w->dim, threads);
    prove(run);
    snprintf(run->path, sizeof run->path, "%s/%s", folder, w->name);
    run->store = bench_store_new(run->path, w->dim, threads);
    bench_store_commit(&commit, run->store, run->points, w->n, 0, NULL, 0);
    run->plan_seconds = commit.plan_seconds;
    BENCH_MUST(pcct_view_open(&run->view, run->store, "main", &err));
    return 0;
}

static void run_end(struct run *run)
{
    pcct_view_close(run->view);
    pcct_store_close(run->store);
    bench_remove(run->path);
    bench_brute_free(&run->brute);
    free(run->right_distances);
    free(run->right_labels);
    free(run->self);
    free(run->distances);
    free(run->labels);
    free(run->queries);
    free(run->points);
}

static void remove_array(const char *folder, const char *name, const char *what)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/%s.%s.npy", folder, name, what);
    bench_remove(path);
}

/* The peers are given the same points and queries. */
static void peers_start(struct run *run, const char *folder)
{
    const struct bench_workload *w = &run->work;
    size_t nq = w->nq * w->sets;
    double *sample = bench_take(run->sample * w->dim, sizeof *sample);

    for (size_t turn = 0; turn < run->sample; turn++) {
        memcpy(sample + turn * w->dim, run->queries + bench_brute_sampled(turn, run->sample, nq) * w->dim, w->dim * sizeof *sample);
    }
    bench_npy_doubles(folder, w->name, "points", run->points, w->n, w->dim);
    bench_npy_doubles(folder, w->name, "queries", run->queries, nq, w->dim);
    bench_npy_doubles(folder, w->name, "sample", sample, run->sample, w->dim);
    free(sample);
    run->contest = (struct bench_contest){ .folder = folder, .work = w->name, .n = w->n, .dim = w->dim, .nq = nq, .sample = run->sample, .k = w->k };
    bench_contest_open(&run->contest);
    remove_array(folder, w->name, "points");
    remove_array(folder, w->name, "queries");
    remove_array(folder, w->name, "sample");
}

/* One call: the queries of one set. */
static void ask(struct run *run, size_t set, int threads, struct pcct_work *work)
{
    const struct bench_workload *w = &run->work;
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    size_t from = set * w->nq;

    options.threads = threads;
    options.work = work;
    if (run->self) {
        BENCH_MUST(pcct_graph(run->labels, run->distances, run->view, w->k, &options, &err));
    } else {
        BENCH_MUST(
            pcct_knn(run->labels + from * w->k, run->distances + from * w->k, run->view, run->queries + from * w->dim, w->nq, w->k, &options, &err));
    }
}

static void ask_all(struct run *run, int threads)
{
    for (size_t set = 0; set < run->work.sets; set++) ask(run, set, threads, NULL);
}

/* rate[0][repeats]: queries a second of the library, rate[1 + p]: of peer p. Their samples take turns. */
static void measure(double (*rate)[REPEATS_MAX], struct run *run, int threads)
{
    const struct bench_workload *w = &run->work;
    double start, once, wanted = run->options->quick ? quick_seconds : sample_seconds;
    size_t rounds;

    ask_all(run, threads); /* warm-up: not counted */
    start = bench_seconds();
    ask_all(run, threads);
    once = bench_seconds() - start;
    rounds = once < wanted ? (size_t)(wanted / once) + 1 : 1;
    for (size_t p = 0; p < run->contest.peers; p++) bench_contest_rate(&run->contest.peer[p], threads, quick_seconds);
    for (int i = 0; i < run->options->repeats; i++) {
        start = bench_seconds();
        for (size_t r = 0; r < rounds; r++) ask_all(run, threads);
        rate[0][i] = (double)(rounds * w->sets * w->nq) / (bench_seconds() - start);
        for (size_t p = 0; p < run->contest.peers; p++) rate[1 + p][i] = bench_contest_rate(&run->contest.peer[p], threads, wanted);
    }
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* One answer. exact: to the last bit, and neighbours in their order; else a few roundings, and in any order. */
static void compare(struct errors *errors, const struct run *run, size_t turn, const int64_t *labels, const double *distances, int exact)
{
    size_t k = run->work.k;
    const int64_t *right_labels = run->right_labels + turn * k;
    const double *right = run->right_distances + turn * k;
    int64_t *mine = bench_take(2 * k, sizeof *mine);
    size_t far = 0;

    memcpy(mine, labels, k * sizeof *mine);
    memcpy(mine + k, right_labels, k * sizeof *mine);
    if (!exact) qsort(mine, k, sizeof *mine, by_number);
    if (!exact) qsort(mine + k, k, sizeof *mine, by_number);
    errors->labels += memcmp(mine, mine + k, k * sizeof *mine) != 0;
    for (size_t i = 0; i < k; i++) {
        double error = distances[i] == right[i] ? 0 : fabs(distances[i] - right[i]) / (right[i] > 0 ? right[i] : 1);

        if (!(error <= (exact ? 0 : FEW_ROUNDINGS * 0x1p-52))) far = 1;
        if (!(error <= errors->worst)) errors->worst = error;
    }
    errors->distances += far;
    free(mine);
}

static struct errors check(const struct run *run)
{
    struct errors errors = { 0 };
    size_t k = run->work.k;

    for (size_t turn = 0; turn < run->sample; turn++) {
        size_t query = bench_brute_sampled(turn, run->sample, run->work.nq * run->work.sets);

        compare(&errors, run, turn, run->labels + query * k, run->distances + query * k, 1);
    }
    return errors;
}

static struct errors check_peer(const struct run *run, const struct bench_peer *peer)
{
    struct errors errors = { 0 };
    size_t k = run->work.k;
    int64_t *labels = bench_take(run->sample * k, sizeof *labels);
    double *distances = bench_take(run->sample * k, sizeof *distances);

    bench_contest_answers(labels, distances, &run->contest, peer);
    for (size_t turn = 0; turn < run->sample; turn++) compare(&errors, run, turn, labels + turn * k, distances + turn * k, 0);
    free(distances);
    free(labels);
    return errors;
}

/* A line of the table; the middle columns are there for the library alone. Answers the median rate. */
static double show(const struct run *run, const char *name, const char *leaf, int threads, double *rate, double build, const char *counts,
                   const struct errors *errors)
{
    const struct bench_workload *w = &run->work;
    int repeats = run->options->repeats;

    bench_percentile(rate, (size_t)repeats, 0.5);
    bench_options_print(run->options, "%-16s %-6s %8zu %3zu %8zu %3zu %7d %4s %11.0f %11.0f %11.0f %9.4f %s %7zu %6zu %6zu %9.1e\n", name, run->name,
                        w->n, w->dim, w->nq, w->k, threads, leaf, rate[(repeats - 1) / 2], rate[0], rate[repeats - 1], build, counts, run->sample,
                        errors->labels, errors->distances, errors->worst);
    return rate[(repeats - 1) / 2];
}

static struct line *line_new(struct run *run, int threads, double ours)
{
    struct line *line = &run->report->line[run->report->lines];

    if (run->report->lines++ == LINES_MAX) bench_die("more than %d lines", LINES_MAX);
    *line = (struct line){ .work = run->name, .threads = threads, .ours = ours, .target = run->work.target };
    return line;
}

/* The library, and the peers that there are, on so many threads. errors: of the peers. */
static struct line *contest(struct run *run, int threads, const struct errors *peer_errors)
{
    const struct bench_workload *w = &run->work;
    double(*rate)[REPEATS_MAX] = bench_take(1 + run->contest.peers, sizeof *rate);
    struct pcct_work work = { 0 };
    struct errors errors;
    struct line *line = NULL;
    char counts[128];

    memset(run->labels, 0, w->nq * w->sets * w->k * sizeof *run->labels);
    measure(rate, run, threads);
    ask(run, 0, threads, &work);
    errors = check(run);
    run->report->differences += errors.labels + errors.distances;
    snprintf(counts, sizeof counts, "%8.1f %8.1f %9.1f", (double)work.nodes / (double)w->nq, (double)work.blocks / (double)w->nq,
             (double)work.distances / (double)w->nq);
    line = line_new(run, threads, show(run, "pcct", "-", threads, rate[0], run->plan_seconds, counts, &errors));
    for (size_t p = 0; p < run->contest.peers; p++) {
        const struct bench_peer *peer = &run->contest.peer[p];
        char leaf[24];
        double median;

        snprintf(leaf, sizeof leaf, peer->leaf ? "%zu" : "-", peer->leaf);
        snprintf(counts, sizeof counts, "%8s %8s %9s", "-", "-", "-");
        median = show(run, peer->name, leaf, threads, rate[1 + p], peer->build_seconds, counts, &peer_errors[p]);
        if (median > line->best) {
            line->best = median;
            memcpy(line->best_name, peer->name, sizeof line->best_name);
        }
        if (median > line->exact && peer_errors[p].labels + peer_errors[p].distances == 0) {
            line->exact = median;
            memcpy(line->exact_name, peer->name, sizeof line->exact_name);
        }
    }
    free(rate);
    return line;
}

static void batches(struct run *run, const char *folder)
{
    struct errors errors[BENCH_PEERS] = { { 0, 0, 0 } };

    if (bench_options_wants(run->options, "peers")) peers_start(run, folder);
    for (size_t p = 0; p < run->contest.peers; p++) errors[p] = check_peer(run, &run->contest.peer[p]);
    for (int i = 0; i < run->options->n_threads; i++) contest(run, run->options->threads[i], errors);
    bench_contest_close(&run->contest);
}

/* The rate of the batches before, when they were measured. */
static double batch_rate(const struct run *run, int threads)
{
    for (size_t i = 0; i < run->report->lines; i++) {
        const struct line *line = &run->report->line[i];

        if (strcmp(line->work, run->work.name) == 0 && line->threads == threads) return line->ours;
    }
    return 0;
}

/* Neighbours of every stored point, itself left out. */
static void whole_graph(struct run *run)
{
    struct bench_workload *w = &run->work;

    free(run->labels);
    free(run->distances);
    free(run->right_labels);
    free(run->right_distances);
    w->nq = w->n;
    w->sets = 1;
    w->target = 1.6;
    run->name = "graph";
    run->labels = bench_take(w->nq * w->k, sizeof *run->labels);
    run->distances = bench_take(w->nq * w->k, sizeof *run->distances);
    run->self = bench_take(w->nq, sizeof *run->self);
    for (size_t i = 0; i < w->nq; i++) run->self[i] = (int64_t)i;
    prove(run);
    for (int i = 0; i < run->options->n_threads; i++) {
        int threads = run->options->threads[i];
        struct line *line = contest(run, threads, NULL);

        line->best = batch_rate(run, threads);
        line->other = "S1M-batches";
    }
}

static void benchmark(struct report *report, const struct bench_options *options, const struct bench_workload *work, const char *folder)
{
    int graph = strcmp(work->name, "S1M") == 0 && bench_options_wants(options, "graph"), batch = bench_options_wants(options, work->name);
    struct run run = { .options = options, .report = report };

    if ((!batch && !graph) || run_start(&run, work, folder) != 0) return;
    if (batch) batches(&run, folder);
    if (graph) whole_graph(&run);
    run_end(&run);
}

/* The second table: the library beside the fastest peer, and beside the fastest whose answers were right. */
static void ratios(const struct report *report, const struct bench_options *options)
{
    bench_options_head(options, "%-6s %7s %11s %16s %11s %7s %7s %16s %11s %7s\n", "ratio", "threads", "pcct_q/s", "fastest", "q/s", "ratio",
                       "target", "fastest_right", "q/s", "ratio");
    for (size_t i = 0; i < report->lines; i++) {
        const struct line *line = &report->line[i];
        char best[64] = "- - -", exact[64] = "- - -";

        if (line->best > 0) {
            snprintf(best, sizeof best, "%.30s %.0f %.2f", line->other ? line->other : line->best_name, line->best, line->ours / line->best);
        }
        if (line->exact > 0) snprintf(exact, sizeof exact, "%.30s %.0f %.2f", line->exact_name, line->exact, line->ours / line->exact);
        bench_options_print(options, "%-6s %7d %11.0f %36s %7.2f %36s\n", line->work, line->threads, line->ours, best, line->target, exact);
    }
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct report *report = bench_take(1, sizeof *report);
    const char *folder = NULL;
    uint64_t differences;
    size_t count = 0;
    const struct bench_workload *work = bench_workloads(&count);

    bench_options_read(&options, argc, argv, help);
    if (options.repeats > REPEATS_MAX) bench_die("--repeats is at most %d", REPEATS_MAX);
    folder = bench_folder(options.dir);
    bench_options_head(&options, "%-16s %-6s %8s %3s %8s %3s %7s %4s %11s %11s %11s %9s %8s %8s %9s %7s %6s %6s %9s\n", "program", "work", "n", "d",
                       "nq", "k", "threads", "leaf", "q/s", "least", "most", "build_s", "nodes/q", "blocks/q", "dist/q", "checked", "labels", "dists",
                       "max_err");
    for (size_t i = 0; i < count; i++) benchmark(report, &options, &work[i], folder);
    ratios(report, &options);
    bench_options_end(&options);
    differences = report->differences;
    free(report);
    if (differences) bench_die("%llu answers differ from brute force", (unsigned long long)differences);
    return 0;
}
