/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store.h"

#include "common/machine.h"

#include <stdlib.h>

pcct_store *bench_store_open(const char *path, int threads)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    pcct_store *store = NULL;

    options.threads = threads;
    BENCH_MUST(pcct_store_open(&store, path, &options, &err));
    return store;
}

pcct_store *bench_store_new(const char *path, size_t dim, int threads)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;

    options.dim = (uint32_t)dim;
    options.seed = 1;
    BENCH_MUST(pcct_store_create(path, &options, &err));
    return bench_store_open(path, threads);
}

static void describe(struct bench_commit *commit, const pcct_batch *batch)
{
    struct pcct_batch_result result = { .size = sizeof result };
    struct pcct_stats stats = { .size = sizeof stats };
    struct pcct_stat stat = { .size = sizeof stat };

    if (pcct_batch_describe(&result, batch) != 0 || pcct_batch_stats(&stats, batch) != 0) bench_die("a batch could not be described");
    *commit = (struct bench_commit){ 0, stats.encode_seconds + stats.store_seconds, stats.anchor_seconds, 0, result.frame_bytes, result.anchor_bytes,
                                     stats.items, stats.distances, stats.blocks_visited };
    for (size_t i = 0; pcct_stats_item(&stat, &stats, i) == 0; i++) commit->plan_seconds += stat.seconds;
    commit->plan_seconds -= stats.wait_seconds + commit->store_seconds + commit->anchor_seconds;
}

void bench_store_commit(struct bench_commit *commit, pcct_store *store, const double *points, size_t n_insert, int64_t first_label,
                        const int64_t *deleted, size_t n_delete)
{
    int64_t *label = bench_take(n_insert, sizeof *label);
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    pcct_batch *batch = NULL;
    double start, seconds;

    options.timing = 1;
    for (size_t i = 0; i < n_insert; i++) label[i] = first_label + (int64_t)i;
    BENCH_MUST(pcct_batch_begin(&batch, store, "main", &options, &err));
    if (n_insert) BENCH_MUST(pcct_batch_insert(batch, points, n_insert, label, &err));
    if (n_delete) BENCH_MUST(pcct_batch_delete(batch, deleted, n_delete, &err));
    start = bench_seconds();
    BENCH_MUST(pcct_batch_commit(NULL, batch, NULL, &err));
    seconds = bench_seconds() - start;
    describe(commit, batch);
    commit->seconds = seconds;
    pcct_batch_close(batch);
    free(label);
}
