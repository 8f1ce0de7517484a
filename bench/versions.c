/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to look at, name and take away versions: differences, log, branches, tags, restored states, pruning. */
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "versions: a store of d = 8 gets batches of 512 points, and others of one point each; then differences, the log, changes of branches and\n"
    "pruning are timed\n"
    "  --repeats N         samples behind each median; default 5\n"
    "  --quick             8 batches instead of 256, 200 small versions instead of 10000\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { DIM = 8, BATCH = 512, PATH_BYTES = 4200 };

static void print(const struct bench_options *options, const char *what, double count, double *seconds, size_t n)
{
    double best = bench_percentile(seconds, n, 0), median = bench_percentile(seconds, n, 0.5);

    bench_options_print(options, "%-22s %9.0f %10.4f %10.4f %10.2f\n", what, count, best * 1e3, median * 1e3, median / count * 1e9);
}

static void commit(pcct_store *store, struct bench_random *random, size_t n)
{
    double points[BATCH * DIM];
    struct bench_commit cost;
    static int64_t label;

    for (size_t i = 0; i < n * DIM; i++) points[i] = bench_random_unit(random);
    bench_store_commit(&cost, store, points, n, label, NULL, 0);
    label += (int64_t)n;
}

static void differences(const struct bench_options *options, pcct_store *store, const char *from, const char *to, double *seconds)
{
    struct pcct_diff_info info = { .size = sizeof info };
    pcct_diff *diff = NULL;

    for (int i = 0; i < options->repeats; i++) {
        double start = bench_seconds();

        BENCH_MUST(pcct_diff_open(&diff, store, from, to, NULL, &err));
        seconds[i] = bench_seconds() - start;
        if (pcct_diff_describe(&info, diff) != 0) bench_die("pcct_diff_describe failed");
        pcct_diff_close(diff);
    }
    print(options, "diff (ids)", (double)(info.added + info.removed + info.replaced), seconds, (size_t)options->repeats);
}

static void walk(const struct bench_options *options, pcct_store *store, double *seconds)
{
    struct pcct_version version;
    uint64_t n = 0, common = 0;

    for (int i = 0; i < options->repeats; i++) {
        double start = bench_seconds();
        pcct_log *log = NULL;

        n = 0;
        BENCH_MUST(pcct_log_open(&log, store, "main", &err));
        for (struct pcct_error err = { 0 }; pcct_log_next(&version, log, &err) == 1;) n++;
        seconds[i] = bench_seconds() - start;
        pcct_log_close(log);
    }
    print(options, "log (versions)", (double)n, seconds, (size_t)options->repeats);
    for (int i = 0; i < options->repeats; i++) {
        double start = bench_seconds();

        BENCH_MUST(pcct_common_ancestor(&common, store, "v7", "main", &err));
        seconds[i] = bench_seconds() - start;
    }
    print(options, "common ancestor", 1, seconds, (size_t)options->repeats);
}

static void names(const struct bench_options *options, pcct_store *store, double *seconds)
{
    enum { MAKE, MOVE, DELETE, RESTORE, KINDS };
    static const char *const what[KINDS] = { "branch", "reset", "delete a branch", "restore" };

    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < options->repeats; i++) {
            char name[32];
            double start;
            pcct_batch *batch = NULL;

            snprintf(name, sizeof name, "b%d", i);
            if (kind == RESTORE) {
                BENCH_MUST(pcct_batch_begin(&batch, store, "main", NULL, &err));
                BENCH_MUST(pcct_batch_restore(batch, "v3", &err));
            }
            start = bench_seconds();
            if (kind == MAKE) BENCH_MUST(pcct_branch_create(store, name, "v3", NULL, &err));
            if (kind == MOVE) BENCH_MUST(pcct_branch_reset(NULL, store, name, "v4", NULL, &err));
            if (kind == DELETE) BENCH_MUST(pcct_branch_delete(store, name, NULL, &err));
            if (kind == RESTORE) BENCH_MUST(pcct_batch_commit(NULL, batch, "", &err));
            seconds[i] = bench_seconds() - start;
            pcct_batch_close(batch);
        }
        print(options, what[kind], 1, seconds, (size_t)options->repeats);
    }
}

static void take_away(const struct bench_options *options, pcct_store *store, double *seconds)
{
    struct pcct_prune_options prune = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result result = { .size = sizeof result };
    struct pcct_store_info info = { .size = sizeof info };

    prune.keep_last = 10;
    for (int dry = 1; dry >= 0; dry--) {
        double start = bench_seconds();

        prune.dry_run = dry;
        BENCH_MUST(pcct_prune(&result, store, &prune, &err));
        seconds[0] = bench_seconds() - start;
        print(options, dry ? "prune, dry (versions)" : "prune (versions)", (double)result.pruned, seconds, 1);
    }
    BENCH_MUST(pcct_store_describe(&info, store, &err));
    bench_options_head(options, "%-9s %9s %9s %9s %9s %9s\n", "work", "pruned", "gone", "freed_MB", "left_MB", "disk_MB");
    bench_options_print(options, "%-9s %9llu %9llu %9.1f %9.1f %9.1f\n", "prune", (unsigned long long)result.pruned,
                        (unsigned long long)result.removed, (double)result.freed_bytes * 1e-6, (double)result.left_bytes * 1e-6,
                        (double)info.disk_bytes * 1e-6);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct bench_random random = { 1 };
    pcct_store *store = NULL;
    char path[PATH_BYTES], to[32];
    double *seconds = NULL;
    int batches, small;

    bench_options_read(&options, argc, argv, help);
    batches = options.quick ? 8 : 256;
    small = options.quick ? 200 : 10000;
    seconds = bench_take((size_t)options.repeats, sizeof *seconds);
    snprintf(path, sizeof path, "%s/store", bench_folder(options.dir));
    store = bench_store_new(path, DIM, bench_options_most_threads(&options));
    commit(store, &random, BATCH);
    for (int i = 0; i < batches; i++) commit(store, &random, BATCH);
    bench_options_head(&options, "%-22s %9s %10s %10s %10s\n", "what", "items", "least_ms", "median_ms", "ns/item");
    snprintf(to, sizeof to, "v%d", batches + 1);
    differences(&options, store, "v1", to, seconds);
    differences(&options, store, to, "v1", seconds);
    for (int i = 0; i < small; i++) commit(store, &random, 1);
    walk(&options, store, seconds);
    names(&options, store, seconds);
    take_away(&options, store, seconds);
    pcct_store_close(store);
    free(seconds);
    bench_options_end(&options);
    return 0;
}
