/* SPDX-License-Identifier: Apache-2.0 */
/* How long a tree takes to build: all points in one commit into an empty store, and beside it the indices of peers over the same points. */
#include "common/cases.h"
#include "common/live.h"
#include "common/machine.h"
#include "common/npy.h"
#include "common/peers.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "build: all points in one commit into an empty store; the indices of peers beside it\n"
    "  --only pcct,peers   only these\n"
    "  --n 32768,1000000   points; with --d and --data: all combinations. Default: a list of cases\n"
    "  --d 3,8             columns\n"
    "  --data NAME,NAME    gaussian uniform clusters manifold lattice line spread6 spread12 cities\n"
    "  --cities FILE       CSV, gzip or plain, the last columns latitude and longitude: the data `cities`\n"
    "  --threads 1,2       thread counts to measure; default 1 and all processors\n"
    "  --repeats N         samples behind each median, after one that is not counted; default 5\n"
    "  --quick             at most 4096 points, 3 repeats\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n"
    "Peers are the programs in the folder `peers` beside this one (cmake --build ... --target peers).\n";

enum { CHECKED = 64, PATH_BYTES = 4200 };

struct run {
    const struct bench_options *options;
    const struct bench_case *size;
    const char *folder;
    struct bench_live live; /* the points, labels are rows */
};

static void identity(uint8_t id[16], pcct_store *store)
{
    struct pcct_view_info info = { .size = sizeof info };
    pcct_view *view = NULL;

    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    if (pcct_view_describe(&info, view) != 0) bench_die("pcct_view_describe failed");
    memcpy(id, info.identity, sizeof info.identity);
    pcct_view_close(view);
}

/* The library on so many threads. id: of the version. Answers how many checked answers are wrong. */
static uint64_t build(uint8_t id[16], const struct run *run, int threads)
{
    enum { PLAN, STORE, ANCHOR, WHOLE, TIMES };
    const struct bench_case *size = run->size;
    size_t repeats = (size_t)run->options->repeats;
    double *time = bench_take(repeats * TIMES, sizeof *time), middle[TIMES], n = (double)size->n;
    struct bench_commit commit;
    uint64_t differences = 0;
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/store", run->folder);
    for (size_t i = 0; i <= repeats; i++) { /* the first is the warm-up; the second overwrites it */
        pcct_store *store = bench_store_new(path, size->dim, threads);
        size_t place = i ? i - 1 : 0;

        bench_store_commit(&commit, store, run->live.points, size->n, 0, NULL, 0);
        time[PLAN * repeats + place] = commit.plan_seconds;
        time[STORE * repeats + place] = commit.store_seconds;
        time[ANCHOR * repeats + place] = commit.anchor_seconds;
        time[WHOLE * repeats + place] = commit.seconds;
        if (i == repeats) {
            differences = bench_live_check(&run->live, store, CHECKED);
            identity(id, store);
        }
        pcct_store_close(store);
        bench_remove(path);
    }
    for (size_t t = 0; t < TIMES; t++) middle[t] = bench_percentile(time + t * repeats, repeats, 0.5);
    bench_options_print(run->options, "%-16s %-9s %8zu %3zu %7d %4s %9.4f %9.4f %9.4f %9.4f %9.1f %10.1f %6llu\n", "pcct",
                        bench_shape_name(size->shape), size->n, size->dim, threads, "-", middle[PLAN], middle[STORE], middle[ANCHOR], middle[WHOLE],
                        (double)commit.frame_bytes / n, (double)commit.anchor_bytes / n, (unsigned long long)differences);
    free(time);
    return differences;
}

static void print_peer(void *ctx, const char *name, int threads, size_t leaf, double seconds)
{
    const struct run *run = ctx;

    bench_options_print(run->options, "%-16s %-9s %8zu %3zu %7d %4zu %9.4f %9s %9s %9s %9s %10s %6s\n", name, bench_shape_name(run->size->shape),
                        run->size->n, run->size->dim, threads, leaf, seconds, "-", "-", "-", "-", "-", "-");
}

static void peers(struct run *run)
{
    char path[PATH_BYTES];

    bench_npy_doubles(run->folder, "build", "points", run->live.points, run->size->n, run->size->dim);
    snprintf(path, sizeof path, "%s/build.points.npy", run->folder);
    bench_peers_build(path, run->size->n, run->size->dim, run->options->repeats, print_peer, run);
    bench_remove(path);
}

static uint64_t measure(struct run *run)
{
    uint8_t id[BENCH_LIST][16];
    uint64_t wrong = 0;

    bench_live_init(&run->live, run->size->shape, run->size->dim);
    bench_live_add(&run->live, run->size->n);
    for (int i = 0; i < run->options->n_threads && bench_options_wants(run->options, "pcct"); i++) {
        wrong += build(id[i], run, run->options->threads[i]);
        if (memcmp(id[0], id[i], sizeof id[i]) != 0) {
            fprintf(stderr, "%d and %d threads give different trees\n", run->options->threads[0], run->options->threads[i]);
            wrong++;
        }
    }
    if (bench_options_wants(run->options, "peers")) peers(run);
    bench_live_free(&run->live);
    return wrong;
}

int main(int argc, char **argv)
{
    static const struct bench_case list[] = {
        { BENCH_GAUSSIAN, 32768, 8 }, { BENCH_GAUSSIAN, 32768, 3 },  { BENCH_GAUSSIAN, 262144, 8 }, { BENCH_UNIFORM, 1000000, 3 },
        { BENCH_UNIFORM, 32768, 2 },  { BENCH_GAUSSIAN, 32768, 16 }, { BENCH_MANIFOLD, 32768, 64 }, { BENCH_CLUSTERS, 20000, 8 },
        { BENCH_LATTICE, 20000, 3 },  { BENCH_LATTICE, 20000, 8 },   { BENCH_LINE, 20000, 3 },      { BENCH_SPREAD6, 20000, 3 },
        { BENCH_SPREAD12, 20000, 3 }, { BENCH_CITIES, 171075, 3 },
    };
    struct bench_options options;
    struct bench_case *cases = NULL;
    const char *folder = NULL;
    uint64_t wrong = 0;
    size_t count = 0;

    bench_options_read(&options, argc, argv, help);
    cases = bench_cases(&count, &options, list, sizeof list / sizeof *list, 4096);
    folder = bench_folder(options.dir);
    bench_options_head(&options, "%-16s %-9s %8s %3s %7s %4s %9s %9s %9s %9s %9s %10s %6s\n", "program", "data", "n", "d", "threads", "leaf",
                       "build_s", "store_s", "anchor_s", "commit_s", "frame_B/n", "anchor_B/n", "differ");
    for (size_t i = 0; i < count; i++) {
        struct run run = { .options = &options, .size = &cases[i], .folder = folder };

        wrong += measure(&run);
    }
    free(cases);
    bench_options_end(&options);
    if (wrong) bench_die("%llu answers differ from brute force, or trees from one another", (unsigned long long)wrong);
    return 0;
}
