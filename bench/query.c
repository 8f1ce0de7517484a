/* SPDX-License-Identifier: Apache-2.0 */
/* How many queries a second: exact k nearest neighbours through the public interface, each workload checked against brute force. */
#include "common/brute.h"
#include "common/data.h"
#include "common/machine.h"
#include "common/npy.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "query: k nearest neighbours, queries a second, each workload checked against brute force\n"
    "  --only U2k,U8k,U32k,G3,U262k,S1M,C10,M64,graph,single   only these\n"
    "  --threads 1,2       thread counts to measure; default 1 and all processors\n"
    "  --repeats N         samples behind each median; default 5\n"
    "  --quick             an eighth of what is large, 3 repeats\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --dump FOLDER       points, queries and checked answers are written there for peers\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { POINT_SEED = 1, QUERY_SEED = 2, REPEATS_MAX = 1000 };
static const double sample_seconds = 0.2, quick_seconds = 0.02; /* a sample repeats its calls until it has taken about so long */

/* A workload, made ready. */
struct run {
    const struct bench_options *options;
    struct bench_workload work;
    const char *name;      /* of the row */
    double *points, *queries;
    int64_t *labels;       /* answers of all sets */
    double *distances;
    int64_t *self;         /* labels of the query points when these are stored points, else NULL */
    struct bench_brute brute;
    pcct_store *store;
    pcct_view *view;
    double plan_seconds;
    char path[4200];
};

/* A quick run takes an eighth of what is large, and one set of queries in eight. */
static void shrink(struct bench_workload *work)
{
    if (work->n > 65536) work->n /= 8;
    if (work->nq > 1024) work->nq /= 8;
    if (work->sets > 8) work->sets /= 8;
}

static void run_start(struct run *run, const struct bench_options *options, const struct bench_workload *work, const char *folder)
{
    struct bench_workload *w = &run->work;
    struct bench_commit commit;
    size_t nq;

    memset(run, 0, sizeof *run);
    run->options = options;
    *w = *work;
    run->name = work->name;
    if (options->quick) shrink(w);
    nq = w->nq * w->sets;
    run->points = bench_take(w->n * w->dim, sizeof *run->points);
    run->queries = bench_take(nq * w->dim, sizeof *run->queries);
    run->labels = bench_take(nq * w->k, sizeof *run->labels);
    run->distances = bench_take(nq * w->k, sizeof *run->distances);
    bench_points(run->points, w->shape, w->n, w->dim, POINT_SEED);
    bench_points(run->queries, w->shape, nq, w->dim, QUERY_SEED);
    bench_brute_init(&run->brute, run->points, w->n, w->dim, bench_options_most_threads(options));
    snprintf(run->path, sizeof run->path, "%s/%s", folder, w->name);
    run->store = bench_store_new(run->path, w->dim, bench_options_most_threads(options));
    bench_store_commit(&commit, run->store, run->points, w->n, 0, NULL, 0);
    run->plan_seconds = commit.plan_seconds;
    BENCH_MUST(pcct_view_open(&run->view, run->store, "main", &err));
}

static void run_end(struct run *run)
{
    pcct_view_close(run->view);
    pcct_store_close(run->store);
    bench_remove(run->path);
    bench_brute_free(&run->brute);
    free(run->self);
    free(run->distances);
    free(run->labels);
    free(run->queries);
    free(run->points);
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
        options.exclude_self = 1;
        BENCH_MUST(pcct_knn_stored(run->labels, run->distances, run->view, run->self, w->nq, w->k, &options, &err));
    } else {
        BENCH_MUST(
            pcct_knn(run->labels + from * w->k, run->distances + from * w->k, run->view, run->queries + from * w->dim, w->nq, w->k, &options, &err));
    }
}

/* rate[repeats]: queries a second. */
static void measure(double *rate, struct run *run, int threads)
{
    const struct bench_workload *w = &run->work;
    double start, once, wanted = run->options->quick ? quick_seconds : sample_seconds;
    size_t rounds;

    for (size_t set = 0; set < w->sets; set++) ask(run, set, threads, NULL); /* warm-up: not counted */
    start = bench_seconds();
    for (size_t set = 0; set < w->sets; set++) ask(run, set, threads, NULL);
    once = bench_seconds() - start;
    rounds = once < wanted ? (size_t)(wanted / once) + 1 : 1;
    for (int i = 0; i < run->options->repeats; i++) {
        start = bench_seconds();
        for (size_t r = 0; r < rounds; r++) {
            for (size_t set = 0; set < w->sets; set++) ask(run, set, threads, NULL);
        }
        rate[i] = (double)(rounds * w->sets * w->nq) / (bench_seconds() - start);
    }
}

static size_t check(uint64_t *differences, const struct run *run)
{
    const struct bench_workload *w = &run->work;
    size_t nq = w->nq * w->sets, sample = bench_brute_sample(&run->brute, nq);
    struct bench_answers answers = { run->self ? run->points : run->queries, run->self, run->labels, run->distances, nq, w->k };

    *differences = bench_brute_differences(&run->brute, &answers, sample);
    return sample;
}

static uint64_t report(struct run *run, int threads)
{
    const struct bench_workload *w = &run->work;
    double rate[REPEATS_MAX];
    int repeats = run->options->repeats;
    struct pcct_work work = { 0 };
    uint64_t differences = 0;
    size_t nq = w->nq * w->sets, sample;

    memset(run->labels, 0, nq * w->k * sizeof *run->labels);
    measure(rate, run, threads);
    ask(run, 0, threads, &work);
    sample = check(&differences, run);
    bench_percentile(rate, (size_t)repeats, 0.5);
    bench_options_print(run->options, "%-7s %8zu %3zu %8zu %3zu %7d %11.0f %11.0f %11.0f %9.4f %8.1f %8.1f %9.1f %7zu %6llu\n", run->name, w->n,
                        w->dim, w->nq, w->k, threads, rate[(repeats - 1) / 2], rate[0], rate[repeats - 1], run->plan_seconds,
                        (double)work.nodes / (double)w->nq, (double)work.blocks / (double)w->nq, (double)work.distances / (double)w->nq, sample,
                        (unsigned long long)differences);
    return differences;
}

/* The list of what was dumped; a new one when `how` is "w". */
static FILE *dump_list(const char *folder, const char *how)
{
    char path[4200];
    FILE *list = NULL;

    snprintf(path, sizeof path, "%s/workloads.csv", folder);
    list = fopen(path, how);
    if (!list) bench_die("%s cannot be written", path);
    return list;
}

static void dump(const struct run *run)
{
    const struct bench_workload *w = &run->work;
    const char *folder = run->options->dump;
    FILE *list = NULL;

    bench_npy_doubles(folder, w->name, "points", run->points, w->n, w->dim);
    bench_npy_doubles(folder, w->name, "queries", run->queries, w->nq * w->sets, w->dim);
    bench_npy_integers(folder, w->name, "labels", run->labels, w->nq * w->sets, w->k);
    bench_npy_doubles(folder, w->name, "distances", run->distances, w->nq * w->sets, w->k);
    list = dump_list(folder, "a");
    fprintf(list, "%s,%zu,%zu,%zu,%zu,%zu\n", w->name, w->n, w->dim, w->nq, w->sets, w->k);
    fclose(list);
}

/* Neighbours of every stored point, itself left out. */
static uint64_t whole_graph(struct run *run)
{
    struct bench_workload *w = &run->work;
    uint64_t differences = 0;

    free(run->labels);
    free(run->distances);
    w->nq = w->n;
    w->sets = 1;
    run->name = "graph";
    run->labels = bench_take(w->nq * w->k, sizeof *run->labels);
    run->distances = bench_take(w->nq * w->k, sizeof *run->distances);
    run->self = bench_take(w->nq, sizeof *run->self);
    for (size_t i = 0; i < w->nq; i++) run->self[i] = (int64_t)i;
    for (int i = 0; i < run->options->n_threads; i++) differences += report(run, run->options->threads[i]);
    return differences;
}

/* One call a query, on one thread; both readings of the clock are in the time. */
static uint64_t one_at_a_time(const struct run *run)
{
    const struct bench_workload *w = &run->work;
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    double *seconds = bench_take(w->nq, sizeof *seconds), half[REPEATS_MAX], most[REPEATS_MAX];
    size_t repeats = (size_t)run->options->repeats, sample;
    uint64_t differences = 0;

    options.threads = 1;
    for (size_t pass = 0; pass <= repeats; pass++) { /* the first is the warm-up */
        for (size_t i = 0; i < w->nq; i++) {
            double start = bench_seconds();

            BENCH_MUST(pcct_knn(run->labels + i * w->k, run->distances + i * w->k, run->view, run->queries + i * w->dim, 1, w->k, &options, &err));
            seconds[i] = bench_seconds() - start;
        }
        if (pass == 0) continue;
        half[pass - 1] = bench_percentile(seconds, w->nq, 0.5) * 1e6;
        most[pass - 1] = bench_percentile(seconds, w->nq, 0.99) * 1e6;
    }
    sample = check(&differences, run);
    bench_options_print(run->options, "%-7s %8zu %3zu %8zu %3zu %7d p50_us %8.2f p99_us %8.2f checked %zu differ %llu\n", "single", w->n, w->dim,
                        w->nq, w->k, 1, bench_percentile(half, repeats, 0.5), bench_percentile(most, repeats, 0.5), sample,
                        (unsigned long long)differences);
    free(seconds);
    return differences;
}

static uint64_t benchmark(const struct bench_options *options, const struct bench_workload *work, const char *folder)
{
    int big = strcmp(work->name, "S1M") == 0, graph = big && bench_options_wants(options, "graph"),
        single = big && bench_options_wants(options, "single");
    int batch = bench_options_wants(options, work->name);
    uint64_t differences = 0;
    struct run run;

    if (!batch && !graph && !single) return 0;
    run_start(&run, options, work, folder);
    if (batch) {
        for (int i = 0; i < options->n_threads; i++) differences += report(&run, options->threads[i]);
        if (options->dump) dump(&run);
    }
    if (single) differences += one_at_a_time(&run);
    if (graph) differences += whole_graph(&run);
    run_end(&run);
    return differences;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    uint64_t differences = 0;
    const char *folder = NULL;
    size_t count = 0;
    const struct bench_workload *work = bench_workloads(&count);

    bench_options_read(&options, argc, argv, help);
    if (options.repeats > REPEATS_MAX) bench_die("--repeats is at most %d", REPEATS_MAX);
    if (options.dump) fclose(dump_list(options.dump, "w"));
    folder = bench_folder(options.dir);
    bench_options_head(&options, "%-7s %8s %3s %8s %3s %7s %11s %11s %11s %9s %8s %8s %9s %7s %6s\n", "work", "n", "d", "nq", "k", "threads", "q/s",
                       "least", "most", "plan_s", "nodes/q", "blocks/q", "dist/q", "checked", "differ");
    for (size_t i = 0; i < count; i++) differences += benchmark(&options, &work[i], folder);
    bench_options_end(&options);
    if (differences) bench_die("%llu answers differ from brute force", (unsigned long long)differences);
    return 0;
}
