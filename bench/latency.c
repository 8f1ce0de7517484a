/* SPDX-License-Identifier: Apache-2.0 */
/* How long one query takes: one call each, in random order, while nothing else goes on and while another thread commits without pause. */
#include "common/live.h"
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"
#include "common/workloads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "latency: one query a call, one thread, in random order; idle, and while another thread commits batches of 512 without pause\n"
    "  --only S1M,U32k     only these\n"
    "  --repeats N         passes behind each median; default 5\n"
    "  --quick             an eighth of what is large, 3 repeats\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { BATCH = 512, CALLS = 20000, QUERY_SEED = 2, ORDER_SEED = 11, REPEATS_MAX = 1000, OPENED = 4, CHECKED = 64 };

enum state {
    IDLE,
    WRITER, /* another thread commits; the queries stay on their version */
    NEWEST, /* the same; OPENED times a pass the newest version is opened, by the thread that asks */
    STATES
};
static const char *const states[STATES] = { "idle", "writer", "newest" };

struct run {
    const struct bench_options *options;
    struct bench_workload work;
    double *queries, *seconds; /* seconds: of the calls of a pass */
    int64_t *labels;           /* answers of the version that everything starts with */
    double *distances;
    struct bench_live live;    /* the writer's, while it writes */
    struct bench_random order;
    pcct_store *store;
    pcct_view *view;
    double opening;            /* the longest that a version took to open, seconds */
    char path[4200];
};

struct writer {
    pthread_t thread;
    struct run *run;
    int stop;      /* told by the thread that asks; relaxed: nothing else is handed over, and the join orders the rest */
    uint64_t commits;
    double seconds;
};

static void *write_on(void *argument)
{
    struct writer *writer = argument;
    struct bench_commit commit;
    double start = bench_seconds();

    while (!__atomic_load_n(&writer->stop, __ATOMIC_RELAXED)) {
        bench_live_insert(&commit, &writer->run->live, writer->run->store, BATCH);
        bench_live_delete(&commit, &writer->run->live, writer->run->store, BATCH);
        writer->commits += 2;
    }
    writer->seconds = bench_seconds() - start;
    return NULL;
}

static void run_start(struct run *run, const char *folder)
{
    const struct bench_workload *w = &run->work;
    struct bench_commit commit;

    bench_live_init(&run->live, w->shape, w->dim);
    run->queries = bench_take(w->nq * w->dim, sizeof *run->queries);
    bench_points(run->queries, w->shape, w->nq, w->dim, QUERY_SEED);
    run->seconds = bench_take(CALLS, sizeof *run->seconds);
    run->labels = bench_take(w->nq * w->k, sizeof *run->labels);
    run->distances = bench_take(w->nq * w->k, sizeof *run->distances);
    snprintf(run->path, sizeof run->path, "%s/%s", folder, w->name);
    run->store = bench_store_new(run->path, w->dim, 1); /* the writer has one thread, the queries another */
    bench_live_insert(&commit, &run->live, run->store, w->n);
    BENCH_MUST(pcct_view_open(&run->view, run->store, "main", &err));
}

static void run_end(struct run *run)
{
    pcct_view_close(run->view);
    pcct_store_close(run->store);
    bench_remove(run->path);
    bench_live_free(&run->live);
    free(run->distances);
    free(run->labels);
    free(run->seconds);
    free(run->queries);
}

static void reopen(struct run *run)
{
    double start = bench_seconds(), took;
    pcct_view *view = NULL;

    BENCH_MUST(pcct_view_open(&view, run->store, "main", &err));
    took = bench_seconds() - start;
    if (took > run->opening) run->opening = took;
    pcct_view_close(run->view);
    run->view = view;
}

/* Where the version stays, the answers are those of one call for all queries. */
static uint64_t differs(const struct run *run, size_t q, const int64_t *labels, const double *distances)
{
    size_t k = run->work.k;

    return memcmp(labels, run->labels + q * k, k * sizeof *labels) != 0 || memcmp(distances, run->distances + q * k, k * sizeof *distances) != 0;
}

/* One pass over so many calls; both readings of the clock are in the time, the opening of versions is not. Answers how many were wrong. */
static uint64_t pass(struct run *run, size_t calls, enum state state)
{
    const struct bench_workload *w = &run->work;
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    int64_t *labels = bench_take(w->k, sizeof *labels);
    double *distances = bench_take(w->k, sizeof *distances);
    uint64_t differences = 0;

    options.threads = 1;
    for (size_t i = 0; i < calls; i++) {
        size_t q = bench_random_below(&run->order, w->nq);
        double start;

        if (state == NEWEST && i % (calls / OPENED) == 0) reopen(run);
        start = bench_seconds();
        BENCH_MUST(pcct_knn(labels, distances, run->view, run->queries + q * w->dim, 1, w->k, &options, &err));
        run->seconds[i] = bench_seconds() - start;
        if (state != NEWEST) differences += differs(run, q, labels, distances);
    }
    free(distances);
    free(labels);
    return differences;
}

static void print(const struct run *run, enum state state, size_t calls, double (*part)[REPEATS_MAX], const struct writer *writer, uint64_t wrong)
{
    const struct bench_workload *w = &run->work;
    size_t repeats = (size_t)run->options->repeats;
    char commits[32] = "-", opening[32] = "-";

    if (state != IDLE) snprintf(commits, sizeof commits, "%.1f", (double)writer->commits / writer->seconds);
    if (state == NEWEST) snprintf(opening, sizeof opening, "%.2f", run->opening * 1e3);
    bench_options_print(run->options, "%-6s %-7s %8zu %3zu %3zu %7zu %8.2f %8.2f %8.2f %9.2f %9s %8s %6llu\n", w->name, states[state], w->n, w->dim,
                        w->k, calls * repeats, bench_percentile(part[0], repeats, 0.5), bench_percentile(part[1], repeats, 0.5),
                        bench_percentile(part[2], repeats, 0.5), bench_percentile(part[3], repeats, 1), commits, opening, (unsigned long long)wrong);
}

static uint64_t measure(struct run *run, enum state state)
{
    static const double parts[] = { 0.5, 0.99, 0.999, 1 };
    double(*part)[REPEATS_MAX] = bench_take(sizeof parts / sizeof *parts, sizeof *part);
    struct writer writer = { .run = run };
    size_t calls = run->options->quick ? CALLS / 8 : CALLS;
    uint64_t wrong = 0;

    if (state != IDLE && pthread_create(&writer.thread, NULL, write_on, &writer) != 0) bench_die("no thread to be had");
    for (int i = -1; i < run->options->repeats; i++) { /* the first is the warm-up */
        wrong += pass(run, calls, state);
        for (size_t p = 0; i >= 0 && p < sizeof parts / sizeof *parts; p++) part[p][i] = bench_percentile(run->seconds, calls, parts[p]) * 1e6;
    }
    __atomic_store_n(&writer.stop, 1, __ATOMIC_RELAXED);
    if (state != IDLE) pthread_join(writer.thread, NULL);
    wrong += bench_live_check(&run->live, run->store, CHECKED);
    print(run, state, calls, part, &writer, wrong);
    free(part);
    return wrong;
}

static uint64_t benchmark(const struct bench_options *options, const struct bench_workload *work, const char *folder)
{
    struct run run = { .options = options, .work = *work, .order = { ORDER_SEED } };
    struct pcct_knn_options all = PCCT_KNN_OPTIONS_INIT;
    uint64_t wrong = 0;

    if (options->quick) bench_workload_shrink(&run.work);
    run_start(&run, folder);
    BENCH_MUST(pcct_knn(run.labels, run.distances, run.view, run.queries, run.work.nq, run.work.k, &all, &err));
    for (int state = 0; state < STATES; state++) wrong += measure(&run, (enum state)state);
    run_end(&run);
    return wrong;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    uint64_t wrong = 0;
    const char *folder = NULL;
    size_t count = 0;
    const struct bench_workload *work = bench_workloads(&count);

    bench_options_read(&options, argc, argv, help);
    if (options.repeats > REPEATS_MAX) bench_die("--repeats is at most %d", REPEATS_MAX);
    folder = bench_folder(options.dir);
    bench_options_head(&options, "%-6s %-7s %8s %3s %3s %7s %8s %8s %8s %9s %9s %8s %6s\n", "work", "state", "n", "d", "k", "calls", "p50_us",
                       "p99_us", "p999_us", "most_us", "commits/s", "open_ms", "differ");
    for (size_t i = 0; i < count; i++) {
        int asked = strcmp(work[i].name, "S1M") == 0 || strcmp(work[i].name, "U32k") == 0;

        if (asked && bench_options_wants(&options, work[i].name)) wrong += benchmark(&options, &work[i], folder);
    }
    bench_options_end(&options);
    if (wrong) bench_die("%llu answers are wrong", (unsigned long long)wrong);
    return 0;
}
