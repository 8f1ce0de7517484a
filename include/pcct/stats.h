/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_STATS_H
#define PCCT_STATS_H

#include <pcct/batch.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a commit did: its members are the rows of <pcct/stats.def>, in that order, with what each means. Counts are exact and, but where the list says
 * otherwise, the same for every number of threads. Seconds are 0 unless the batch was begun with `timing`.
 */
struct pcct_stats {
    size_t size;
#define PCCT_STAT_SECONDS(name) double name;
#define PCCT_STAT_COUNT(name) uint64_t name;
#define PCCT_STAT_PEAK(name) uint64_t name;
#define PCCT_STAT(kind, name, unit, meaning) PCCT_STAT_##kind(name)
#include <pcct/stats.def>
#undef PCCT_STAT
#undef PCCT_STAT_PEAK
#undef PCCT_STAT_COUNT
#undef PCCT_STAT_SECONDS
};

/* Statistics of the last commit of this batch, whether it succeeded or not. Fill `size` before the call. Errors: INVALID (size). */
PCCT_PUBLIC int pcct_batch_stats(struct pcct_stats *stats, const pcct_batch *batch);

/* The sizes of its sub-batches in the order in which they were settled: orphans of deletes first, then new points. *items is borrowed until the next
 * commit of the batch or its close; NULL when *n is 0. The sum is the statistic `items`. */
PCCT_PUBLIC void pcct_batch_schedule(const uint64_t **items, size_t *n, const pcct_batch *batch);

enum pcct_stat_kind {
    PCCT_STAT_IS_SECONDS = 1, /* a double, in `seconds` */
    PCCT_STAT_IS_COUNT = 2,   /* a sum, in `count` */
    PCCT_STAT_IS_PEAK = 3     /* a greatest value, in `count` */
};

/* One statistic by itself, for those who show or store them all. */
struct pcct_stat {
    size_t size;
    int kind;                           /* enum pcct_stat_kind */
    const char *name, *unit, *meaning;  /* ASCII, static */
    uint64_t count;
    double seconds;
};

/* The i-th of the list, from 0. Fill `size` before the call. stats NULL: the description alone, values 0. Errors: NOT_FOUND (i is beyond the last),
 * INVALID (size). A value that lies beyond stats->size is 0. */
PCCT_PUBLIC int pcct_stats_item(struct pcct_stat *stat, const struct pcct_stats *stats, size_t i);

#ifdef __cplusplus
}
#endif
#endif
