/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "target.h"

#include <stddef.h>
#include <stdint.h>

enum output_format { OUTPUT_CSV, OUTPUT_JSONL, OUTPUT_NPZ };
/* word: the value of --format or NULL: by the ending of path; csv on standard output. Errors: INVALID, also for npz on a terminal. */
int output_choose_format(enum output_format *format, const char *path, const char *word, struct pcct_error *err);

/*
 * The answers of queries.
 *   csv    a header and one line for each neighbour: query,rank,label,distance (query from 0 in the order asked, rank from 1)
 *   jsonl  one object a query: {"query":0,"labels":[...],"distances":[...]}
 *   npz    arrays labels int64 [nq,k], distances float64 [nq,k], counts int32 [nq]; -1 and infinity where there are fewer than k; held in memory
 */
struct output {
    struct target target;
    enum output_format format;
    uint64_t k;      /* columns of an .npz */
    uint64_t n;      /* queries so far */
    int64_t *labels;
    double *distances;
    int32_t *counts;
    size_t labels_capacity, distances_capacity, counts_capacity;
};

/* format_word: see output_choose_format(). */
int output_open(struct output *output, const char *path, const char *format_word, uint64_t k, struct pcct_error *err);
/* Answers of nq queries with `stride` places each, of which counts[i] are filled; stride <= k. */
int output_add(struct output *output, const int64_t *labels, const double *distances, const int32_t *counts, size_t nq, size_t stride,
               struct pcct_error *err);
int output_finish(struct output *output, struct pcct_error *err);
void output_abandon(struct output *output); /* fine after output_finish(); a zeroed output too */

#endif
