/* SPDX-License-Identifier: Apache-2.0 */
/* What commits cost, in bulk and in small batches, what opening a version costs, and what it takes in memory. */
#include "common/data.h"
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "build [--quick] [--only bulk,update] [--threads 1,2] [--repeats N] [--dir FOLDER] [--csv FILE]\n"
                           "update includes open and memory: they look at the store that the updates leave behind\n";

enum { POINT_SEED = 1, ROUNDS_MAX = 200, K = 10, PROBES = 4096, PATH_BYTES = 4200 };

struct size {
    size_t n, dim;
    enum bench_shape shape;
};

/* ---- bulk: everything in one commit, into an empty store ------------------------------------------------------------------------------------ */

static void bulk_one(const struct bench_options *options, const struct size *size, const double *points, int threads, const char *path)
{
    enum { PLAN, STORE, ANCHOR, WHOLE, TIMES };
    double *time = bench_take((size_t)options->repeats * TIMES, sizeof *time), middle[TIMES];
    struct bench_commit result;
    size_t repeats = (size_t)options->repeats;

    for (size_t i = 0; i < repeats; i++) {
        pcct_store *store = bench_store_new(path, size->dim, threads);

        bench_store_commit(&result, &time[WHOLE * repeats + i], store, points, size->n, 0, NULL, 0);
        time[PLAN * repeats + i] = result.plan_seconds;
        time[STORE * repeats + i] = result.store_seconds;
        time[ANCHOR * repeats + i] = result.anchor_seconds;
        pcct_store_close(store);
        bench_remove(path);
    }
    for (size_t t = 0; t < TIMES; t++) middle[t] = bench_percentile(time + t * repeats, repeats, 0.5);
    bench_options_print(options, "%-7s %8zu %3zu %7d %9.4f %9.4f %9.4f %9.4f %9.1f %9.1f\n", "bulk", size->n, size->dim, threads, middle[PLAN],
                        middle[STORE], middle[ANCHOR], middle[WHOLE], (double)result.frame_bytes / (double)size->n,
                        (double)result.anchor_bytes / (double)size->n);
    free(time);
}

static void bulk(const struct bench_options *options, const char *path)
{
    static const struct size sizes[] = {
        { 32768, 3, BENCH_GAUSSIAN }, { 32768, 8, BENCH_GAUSSIAN }, { 262144, 8, BENCH_GAUSSIAN }, { 1000000, 3, BENCH_UNIFORM }
    };

    bench_options_print(options, "%-7s %8s %3s %7s %9s %9s %9s %9s %9s %9s\n", "work", "n", "d", "threads", "plan_s", "store_s", "anchor_s",
                        "commit_s", "frame_B/n", "anchor_B/n");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct size size = sizes[s];
        double *points = NULL;

        if (options->quick && size.n > 65536) size.n /= 8;
        points = bench_take(size.n * size.dim, sizeof *points);
        bench_points(points, size.shape, size.n, size.dim, POINT_SEED);
        for (int i = 0; i < options->n_threads; i++) bulk_one(options, &size, points, options->threads[i], path);
        free(points);
    }
}

/* ---- updates: batches of points that replace others, so that their number stays ------------------------------------------------------------- */

struct updates {
    const struct bench_options *options;
    struct size size;
    pcct_store *store;
    struct bench_random random;
    int64_t *live;       /* labels */
    int64_t next_label;
    double *points;      /* of a batch */
    int64_t *removed;    /* of a batch */
};

/* Times of the commits of one kind and batch size. */
struct series {
    const char *name;
    double plan[ROUNDS_MAX], store[ROUNDS_MAX], whole[ROUNDS_MAX], bytes[ROUNDS_MAX];
    double longest_anchor;
    size_t rounds, anchors;
};

static void note(struct series *series, const struct bench_commit *result, double whole)
{
    size_t i = series->rounds++;

    series->plan[i] = result->plan_seconds * 1e3;
    series->store[i] = result->store_seconds * 1e3;
    series->whole[i] = whole * 1e3;
    series->bytes[i] = (double)result->frame_bytes;
    if (result->anchor_bytes == 0) return;
    series->anchors++;
    if (result->anchor_seconds > series->longest_anchor) series->longest_anchor = result->anchor_seconds;
}

static void print_series(const struct updates *u, struct series *series, size_t batch)
{
    size_t rounds = series->rounds;

    bench_options_print(u->options, "%-7s %8zu %3zu %6zu %6zu %8.3f %8.3f %8.3f %8.3f %9.3f %9.3f %9.0f %7zu %9.1f\n", series->name, u->size.n,
                        u->size.dim, batch, rounds, bench_percentile(series->plan, rounds, 0.5), bench_percentile(series->plan, rounds, 0.99),
                        bench_percentile(series->store, rounds, 0.5), bench_percentile(series->store, rounds, 0.99),
                        bench_percentile(series->whole, rounds, 0.5), bench_percentile(series->whole, rounds, 0.99),
                        bench_percentile(series->bytes, rounds, 0.5), series->anchors, series->longest_anchor * 1e3);
}

/* Draws which points go; their places among the live are filled by the batch inserted just before. */
static void choose_removed(struct updates *u, size_t batch)
{
    for (size_t i = 0; i < batch; i++) {
        size_t place = bench_random_below(&u->random, u->size.n);

        u->removed[i] = u->live[place];
        u->live[place] = u->next_label - (int64_t)batch + (int64_t)i;
    }
}

static void update_batches(struct updates *u, size_t batch, size_t rounds)
{
    struct series *series = bench_take(2, sizeof *series), *inserts = series, *deletes = series + 1;
    struct bench_commit result;
    double whole = 0;

    inserts->name = "insert";
    deletes->name = "delete";
    for (size_t r = 0; r < rounds; r++) {
        bench_points(u->points, u->size.shape, batch, u->size.dim, bench_random_next(&u->random));
        bench_store_commit(&result, &whole, u->store, u->points, batch, u->next_label, NULL, 0);
        note(inserts, &result, whole);
        u->next_label += (int64_t)batch;
        choose_removed(u, batch);
        bench_store_commit(&result, &whole, u->store, NULL, 0, 0, u->removed, batch);
        note(deletes, &result, whole);
    }
    print_series(u, inserts, batch);
    print_series(u, deletes, batch);
    free(series);
}

/* ---- open: each time by a new handle; the files are in the page cache ------------------------------------------------------------------------ */

static void open_version(const struct bench_options *options, const struct size *size, const char *path, uint64_t version)
{
    enum { STORE, VIEW, FIRST, TIMES };
    size_t repeats = (size_t)options->repeats;
    double *time = bench_take(repeats * TIMES, sizeof *time), *query = bench_take(size->dim, sizeof *query);
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_knn_options knn = PCCT_KNN_OPTIONS_INIT;
    char revision[32];

    snprintf(revision, sizeof revision, "v%llu", (unsigned long long)version);
    knn.threads = 1;
    for (size_t i = 0; i < repeats; i++) {
        double start = bench_seconds(), distance[K];
        int64_t label[K];
        pcct_view *view = NULL;
        pcct_store *store = bench_store_open(path, bench_options_most_threads(options));

        time[STORE * repeats + i] = bench_seconds() - start;
        start = bench_seconds();
        BENCH_MUST(pcct_view_open(&view, store, revision, &err));
        time[VIEW * repeats + i] = bench_seconds() - start;
        start = bench_seconds();
        BENCH_MUST(pcct_knn(label, distance, view, query, 1, K, &knn, &err));
        time[FIRST * repeats + i] = bench_seconds() - start;
        if (pcct_view_describe(&info, view) != 0) bench_die("pcct_view_describe failed");
        pcct_view_close(view);
        pcct_store_close(store);
    }
    bench_options_print(options, "%-7s %8zu %3zu %8s %8llu %7u %9.3f %9.3f %9.3f\n", "open", size->n, size->dim, revision,
                        (unsigned long long)info.anchor, info.frames, bench_percentile(time + STORE * repeats, repeats, 0.5) * 1e3,
                        bench_percentile(time + VIEW * repeats, repeats, 0.5) * 1e3, bench_percentile(time + FIRST * repeats, repeats, 0.5) * 1e3);
    free(query);
    free(time);
}

/* ---- memory: of a process of its own that does nothing else --------------------------------------------------------------------------------- */

/* The other process: opens a version, asks for neighbours all over it, and prints what grew, in kB, then bytes and counts. */
static int view_memory(const char *path, const char *revision)
{
    struct bench_resident before = bench_resident(), opened, asked;
    struct pcct_view_info info = { .size = sizeof info };
    pcct_store *store = bench_store_open(path, 1);
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    pcct_view *view = NULL;
    double *points = NULL, *distance = bench_take(K, sizeof *distance);
    int64_t *labels = NULL, nearest[K];

    BENCH_MUST(pcct_view_open(&view, store, revision, &err));
    opened = bench_resident();
    if (pcct_view_describe(&info, view) != 0) bench_die("pcct_view_describe failed");
    points = bench_take(info.n_live * info.dim, sizeof *points);
    labels = bench_take(info.n_live, sizeof *labels);
    BENCH_MUST(pcct_view_read(labels, points, view, &err));
    options.threads = 1;
    for (uint64_t i = 0; i < info.n_live; i += info.n_live / PROBES + 1) {
        BENCH_MUST(pcct_knn(nearest, distance, view, points + i * info.dim, 1, K, &options, &err));
    }
    free(labels);
    free(points);
    asked = bench_resident();
    printf("%llu %llu %llu %llu %lld %lld %lld %lld\n", (unsigned long long)info.n_live, (unsigned long long)info.n_rows,
           (unsigned long long)info.memory_bytes, (unsigned long long)info.layout_bytes, (long long)(opened.own_kb - before.own_kb),
           (long long)(opened.file_kb - before.file_kb), (long long)(asked.own_kb - before.own_kb), (long long)(asked.file_kb - before.file_kb));
    free(distance);
    pcct_view_close(view);
    pcct_store_close(store);
    return 0;
}

static void memory(const struct bench_options *options, const struct size *size, const char *path, const char *revision)
{
    unsigned long long n_live = 0, n_rows = 0, memory_bytes = 0, layout_bytes = 0;
    long long opened_own = 0, opened_file = 0, asked_own = 0, asked_file = 0;
    char command[PATH_BYTES + 64];
    FILE *other = NULL;
    int fields = 0;
    double n;

    if (strchr(path, '\'')) bench_die("%s: the path may not have a quote in it", path);
    snprintf(command, sizeof command, "/proc/%ld/exe --view '%s' %s", (long)getpid(), path, revision);
    other = popen(command, "r");
    if (other) {
        fields = fscanf(other, "%llu %llu %llu %llu %lld %lld %lld %lld", &n_live, &n_rows, &memory_bytes, &layout_bytes, &opened_own, &opened_file,
                        &asked_own, &asked_file);
    }
    if (!other || pclose(other) != 0 || fields != 8) bench_die("the process that measures memory failed");
    n = (double)n_live;
    bench_options_print(options, "%-7s %8llu %3zu %8s %8llu %8zu %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f\n", "memory", n_live, size->dim, revision,
                        n_rows, size->dim * sizeof(double), (double)memory_bytes / n, (double)layout_bytes / n, (double)opened_own * 1024 / n,
                        (double)opened_file * 1024 / n, (double)asked_own * 1024 / n, (double)asked_file * 1024 / n);
}

/* ---- ---------------------------------------------------------------------------------------------------------------------------------------- */

static void look_back(const struct updates *u, const char *path)
{
    struct pcct_store_info info = { .size = sizeof info };

    BENCH_MUST(pcct_store_describe(&info, u->store, &err));
    bench_options_print(u->options, "%-7s %8s %3s %8s %8s %7s %9s %9s %9s\n", "work", "n", "d", "version", "anchor", "frames", "store_ms", "view_ms",
                        "first_ms");
    open_version(u->options, &u->size, path, info.head);
    open_version(u->options, &u->size, path, info.head / 2);
    open_version(u->options, &u->size, path, 1);
    bench_options_print(u->options, "%-7s %8s %3s %8s %8s %8s %9s %9s %9s %9s %9s %9s\n", "work", "n", "d", "version", "rows", "coord_B", "view_B/n",
                        "layout_B/n", "own_B/n", "file_B/n", "own2_B/n", "file2_B/n");
    memory(u->options, &u->size, path, "v1");
    memory(u->options, &u->size, path, "main");
    bench_options_print(u->options, "%-7s %8s %3s %10s %10s %8s %10s\n", "work", "n", "d", "journal_MB", "anchor_MB", "anchors", "disk_MB");
    bench_options_print(u->options, "%-7s %8zu %3zu %10.1f %10.1f %8u %10.1f\n", "disk", u->size.n, u->size.dim, (double)info.journal_bytes * 1e-6,
                        (double)info.anchor_bytes * 1e-6, info.anchors, (double)info.disk_bytes * 1e-6);
}

static void update(const struct bench_options *options, const struct size *size, const char *path)
{
    static const size_t batches[] = { 1, 8, 64, 512, 4096 };
    struct updates u = { options, *size, NULL, { 7 }, NULL, 0, NULL, NULL };
    struct bench_commit result;
    double *points = NULL;

    if (options->quick && u.size.n > 65536) u.size.n /= 8;
    points = bench_take(u.size.n * u.size.dim, sizeof *points);
    u.live = bench_take(u.size.n, sizeof *u.live);
    u.points = bench_take(4096 * u.size.dim, sizeof *u.points);
    u.removed = bench_take(4096, sizeof *u.removed);
    bench_points(points, u.size.shape, u.size.n, u.size.dim, POINT_SEED);
    u.store = bench_store_new(path, u.size.dim, bench_options_most_threads(options));
    bench_store_commit(&result, NULL, u.store, points, u.size.n, 0, NULL, 0);
    for (size_t i = 0; i < u.size.n; i++) u.live[i] = (int64_t)i;
    u.next_label = (int64_t)u.size.n;
    bench_options_print(options, "%-7s %8s %3s %6s %6s %8s %8s %8s %8s %9s %9s %9s %7s %9s\n", "work", "n", "d", "batch", "rounds", "plan_p50",
                        "plan_p99", "store_50", "store_99", "commit_50", "commit_99", "frame_B", "anchors", "anchor_ms");
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        size_t rounds = batches[b] <= 512 ? ROUNDS_MAX : ROUNDS_MAX / 4;

        update_batches(&u, batches[b], options->quick ? rounds / 5 : rounds);
    }
    look_back(&u, path);
    pcct_store_close(u.store);
    bench_remove(path);
    free(u.removed);
    free(u.points);
    free(u.live);
    free(points);
}

int main(int argc, char **argv)
{
    static const struct size sizes[] = { { 32768, 8, BENCH_GAUSSIAN }, { 1000000, 3, BENCH_UNIFORM } };
    struct bench_options options;
    char path[PATH_BYTES];

    if (argc == 4 && strcmp(argv[1], "--view") == 0) return view_memory(argv[2], argv[3]);
    bench_options_read(&options, argc, argv, help);
    snprintf(path, sizeof path, "%s/store", bench_folder(options.dir));
    if (bench_options_wants(&options, "bulk")) bulk(&options, path);
    if (bench_options_wants(&options, "update")) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) update(&options, &sizes[s], path);
    }
    if (options.csv) fclose(options.csv);
    return 0;
}
