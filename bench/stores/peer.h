/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STORES_PEER_H
#define BENCH_STORES_PEER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Another way to keep versions: PROGRAM FOLDER POINTS COLUMNS BATCH COMMITS. It holds the deltas of a store: a first version of so many points, then
 * by turns a batch more and a batch less, each durable (flushed) before the next. A delta has for each new point its version and label, coordinates,
 * and the 29 bytes that a frame has of its place in the tree; of one that goes, version and label. It prints the milliseconds of each commit that
 * adds.
 */
enum { PEER_TREE_BYTES = 29 };

struct peer_task {
    const char *folder;
    size_t n, dim, batch, commits;
    size_t row_bytes;  /* coordinates and the rest */
    uint8_t *rows;     /* of one version: any bytes */
};

static inline int peer_read(struct peer_task *task, int argc, char **argv)
{
    if (argc != 6) return 0;
    task->folder = argv[1];
    task->n = strtoull(argv[2], NULL, 10);
    task->dim = strtoull(argv[3], NULL, 10);
    task->batch = strtoull(argv[4], NULL, 10);
    task->commits = strtoull(argv[5], NULL, 10);
    task->row_bytes = task->dim * sizeof(double) + PEER_TREE_BYTES;
    task->rows = malloc((task->n > task->batch ? task->n : task->batch) * task->row_bytes);
    return task->rows != NULL;
}

/* Other bytes for each version, so that nothing is the same as before. */
static inline void peer_fill(const struct peer_task *task, size_t rows, uint64_t version)
{
    uint64_t x = version * 0x9e3779b97f4a7c15u + 1;

    for (size_t i = 0; i < rows * task->row_bytes; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        task->rows[i] = (uint8_t)x;
    }
}

static inline double peer_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* add: rows of this version, with labels from `label` on; take: labels from `label` on. Both flush. Other than 0: it failed. */
static inline int peer_run(const struct peer_task *task, int (*add)(void *ctx, uint64_t version, uint64_t label, size_t rows),
                           int (*take)(void *ctx, uint64_t version, uint64_t label, size_t rows), void *ctx)
{
    uint64_t version = 1, label = task->n;

    peer_fill(task, task->n, version);
    if (add(ctx, version++, 0, task->n) != 0) return 1;
    for (size_t i = 0; i < task->commits; i++, label += task->batch) {
        double start;

        peer_fill(task, task->batch, version);
        start = peer_ms();
        if (add(ctx, version++, label, task->batch) != 0) return 1;
        printf("%.6f\n", peer_ms() - start);
        if (take(ctx, version++, label - task->n, task->batch) != 0) return 1;
    }
    return 0;
}

#endif
