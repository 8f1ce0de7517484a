/* SPDX-License-Identifier: Apache-2.0 */
/* What a store that many batches have gone through costs to open and to hold: time of opening its versions, memory of a view, bytes on disk. */
#include "common/cases.h"
#include "common/live.h"
#include "common/machine.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "open: a store is made and gone through by 850 inserts and as many deletes; then the time of opening its versions, the memory of a view and the\n"
    "disk are measured; and how long versions take that are up to 256 batches of 512 points behind the one that was loaded\n"
    "  --only history,behind  only these\n"
    "  --n 32768,1000000   points; with --d and --data: all combinations. Default: 32768 normal points of d = 8, 10^6 uniform ones of d = 3\n"
    "  --d 3,8             columns\n"
    "  --data NAME,NAME    gaussian uniform clusters manifold lattice line spread6 spread12 cities\n"
    "  --cities FILE       CSV, gzip or plain, the last columns latitude and longitude: the data `cities`\n"
    "  --threads 1,2       the most of them is used\n"
    "  --repeats N         samples behind each median; default 5\n"
    "  --quick             at most 4096 points, a twentieth of the batches\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { K = 10, PROBES = 4096, CHECKED = 64, PATH_BYTES = 4200 };

/* ---- open: each time by a new handle; the files are in the page cache ------------------------------------------------------------------------ */

static void open_version(const struct bench_options *options, const struct bench_case *size, const char *path, uint64_t version)
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

static void memory(const struct bench_options *options, const struct bench_case *size, const char *path, const char *revision)
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

/* ---- all of it ------------------------------------------------------------------------------------------------------------------------------ */

static void look_back(const struct bench_options *options, const struct bench_case *size, pcct_store *store, const char *path)
{
    struct pcct_store_info info = { .size = sizeof info };

    BENCH_MUST(pcct_store_describe(&info, store, &err));
    bench_options_head(options, "%-7s %8s %3s %8s %8s %7s %9s %9s %9s\n", "work", "n", "d", "version", "anchor", "frames", "store_ms", "view_ms",
                        "first_ms");
    open_version(options, size, path, info.head);
    open_version(options, size, path, info.head / 2);
    open_version(options, size, path, 1);
    bench_options_head(options, "%-7s %8s %3s %8s %8s %8s %9s %9s %9s %9s %9s %9s\n", "work", "n", "d", "version", "rows", "coord_B", "view_B/n",
                        "layout_B/n", "own_B/n", "file_B/n", "own2_B/n", "file2_B/n");
    memory(options, size, path, "v1");
    memory(options, size, path, "main");
    bench_options_head(options, "%-7s %8s %3s %10s %10s %8s %10s\n", "work", "n", "d", "journal_MB", "anchor_MB", "anchors", "disk_MB");
    bench_options_print(options, "%-7s %8zu %3zu %10.1f %10.1f %8u %10.1f\n", "disk", size->n, size->dim, (double)info.journal_bytes * 1e-6,
                        (double)info.anchor_bytes * 1e-6, info.anchors, (double)info.disk_bytes * 1e-6);
}

/* The batches: of each size so many inserts, each with a delete of as many points. */
static void go_through(struct bench_live *live, pcct_store *store, int quick)
{
    static const struct {
        size_t batch, rounds;
    } history[] = { { 1, 200 }, { 8, 200 }, { 64, 200 }, { 512, 200 }, { 4096, 50 } };
    struct bench_commit commit;

    for (size_t h = 0; h < sizeof history / sizeof *history; h++) {
        for (size_t r = 0; r < (quick ? history[h].rounds / 20 : history[h].rounds); r++) {
            bench_live_insert(&commit, live, store, history[h].batch);
            bench_live_delete(&commit, live, store, history[h].batch);
        }
    }
}

/* Versions by frames behind the points that came at once, whose packed layout makes them the dearest: of inserts alone, and with as many deletes. */
static uint64_t behind(const struct bench_options *options, const struct bench_case *size, const char *path)
{
    const uint64_t most = options->quick ? 16 : 256, step = 4;
    uint64_t differences = 0;

    for (int deletes = 0; deletes < 2; deletes++) {
        pcct_store *store = bench_store_new(path, size->dim, bench_options_most_threads(options));
        struct bench_commit commit;
        struct bench_live live;

        bench_live_init(&live, size->shape, size->dim);
        bench_live_insert(&commit, &live, store, size->n);
        for (uint64_t i = 0; i < most; i++) {
            if (deletes && i % 2 == 1) bench_live_delete(&commit, &live, store, 512);
            else bench_live_insert(&commit, &live, store, 512);
        }
        bench_options_head(options, "%-7s %8s %3s %8s %8s %7s %9s %9s %9s\n", deletes ? "mixed" : "inserts", "n", "d", "version", "anchor", "frames",
                           "store_ms", "view_ms", "first_ms");
        for (uint64_t frames = 1; frames <= most; frames *= step) open_version(options, size, path, 1 + frames);
        differences += bench_live_check(&live, store, CHECKED);
        pcct_store_close(store);
        bench_remove(path);
        bench_live_free(&live);
    }
    return differences;
}

static uint64_t run(const struct bench_options *options, const struct bench_case *size, const char *path)
{
    pcct_store *store = bench_store_new(path, size->dim, bench_options_most_threads(options));
    struct bench_commit commit;
    struct bench_live live;
    uint64_t differences;

    bench_live_init(&live, size->shape, size->dim);
    bench_live_insert(&commit, &live, store, size->n);
    go_through(&live, store, options->quick);
    look_back(options, size, store, path);
    differences = bench_live_check(&live, store, CHECKED);
    pcct_store_close(store);
    bench_remove(path);
    bench_live_free(&live);
    return differences;
}

int main(int argc, char **argv)
{
    static const struct bench_case list[] = { { BENCH_GAUSSIAN, 32768, 8 }, { BENCH_UNIFORM, 1000000, 3 } };
    struct bench_options options;
    struct bench_case *cases = NULL;
    char path[PATH_BYTES];
    uint64_t differences = 0;
    size_t count = 0;

    if (argc == 4 && strcmp(argv[1], "--view") == 0) return view_memory(argv[2], argv[3]);
    bench_options_read(&options, argc, argv, help);
    cases = bench_cases(&count, &options, list, sizeof list / sizeof *list, 4096);
    snprintf(path, sizeof path, "%s/store", bench_folder(options.dir));
    for (size_t i = 0; i < count; i++) {
        if (bench_options_wants(&options, "history")) differences += run(&options, &cases[i], path);
        if (bench_options_wants(&options, "behind")) differences += behind(&options, &cases[i], path);
    }
    free(cases);
    bench_options_end(&options);
    if (differences) bench_die("%llu answers differ from brute force", (unsigned long long)differences);
    return 0;
}
