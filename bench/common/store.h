/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <pcct/pcct.h>

/* Ends the process with the library's message unless `call`, whose last argument is err, answers 0. */
#define BENCH_MUST(call)                                                                                                                             \
    do {                                                                                                                                             \
        struct pcct_error err = { 0 };                                                                                                               \
        if ((call) < 0) bench_die("%s: %s", #call, err.message);                                                                                     \
    } while (0)

/* An empty store at `path`, open with that many threads. */
pcct_store *bench_store_new(const char *path, size_t dim, int threads);
pcct_store *bench_store_open(const char *path, int threads);

/* What a commit cost. plan: until the frame is made; store: its bytes, written and flushed; seconds: the whole commit, as the caller sees it. */
struct bench_commit {
    double plan_seconds, store_seconds, anchor_seconds, seconds;
    uint64_t frame_bytes, anchor_bytes;
    uint64_t items, distances, blocks; /* points and orphans that got a place; distances evaluated and blocks of 64 points looked into for them */
};

/* One commit of n_insert points with the labels first_label, first_label + 1, ... and of n_delete deletes. */
void bench_store_commit(struct bench_commit *commit, pcct_store *store, const double *points, size_t n_insert, int64_t first_label,
                        const int64_t *deleted, size_t n_delete);

#endif
