/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "target.h"

#include <pcct/pcct.h>

#include <stddef.h>
#include <stdint.h>

enum output_format { OUTPUT_CSV, OUTPUT_JSONL, OUTPUT_NPZ };
/* word: the value of --format or NULL: by the ending of path; csv on standard output. Errors: INVALID, also for npz on a terminal. */
int output_choose_format(enum output_format *format, const char *path, const char *word, struct pcct_error *err);

/*
 * The answers of queries, of one of three kinds.
 * OUTPUT_NEAREST
 *   csv    a header and one line for each neighbour: query,rank,label,distance (query from 0 in the order asked, rank from 1)
 *   jsonl  one object a query: {"query":0,"labels":[...],"distances":[...]}
 *   npz    arrays labels int64 [nq,k], distances float64 [nq,k], counts int32 [nq]; -1 and infinity where there are fewer than k
 *   rows   by label: "row" in the place of "query", with the label of the row's point, in an .npz the array rows int64 [nq]
 *   bounds with bounds: in jsonl "bound":1.5, null for infinity; in an .npz bounds float64 [nq]; not in csv
 *   version in an .npz, where it is told: version uint8 [16]; so is the kernel's digest, under the name kernel_word
 * OUTPUT_WITHIN: the same texts; npz arrays starts int64 [nq+1], labels int64 and distances float64 [starts[nq]]
 * OUTPUT_COUNTS: query,count; {"query":0,"count":5}; npz array counts int64 [nq]
 * An .npz is held in memory.
 */
enum output_kind { OUTPUT_NEAREST, OUTPUT_WITHIN, OUTPUT_COUNTS };

struct output_column { /* a growing array of an .npz */
    void *data;
    size_t capacity;
};

struct output {
    struct target target;
    enum output_format format;
    enum output_kind kind;
    int by_label, with_bounds;
    const uint8_t *version; /* [16] identity of the version asked, for an .npz; NULL: not told */
    const char *kernel_word; /* of --metric: residual or correlation; NULL: no kernel */
    uint8_t kernel[16];
    uint64_t k;      /* columns of an .npz */
    uint64_t n;      /* queries so far */
    uint64_t places; /* neighbours so far, for OUTPUT_WITHIN */
    struct output_column rows, labels, distances, counts, starts, bounds;
};

/* path, format_word: see output_choose_format(). The kind, k, by_label and with_bounds were set, all else is zero. */
int output_open(struct output *output, const char *path, const char *format_word, struct pcct_error *err);
/* Answers of nq queries with `stride` places each, of which counts[i] are filled; stride <= k. rows[nq] goes with by_label, bounds[nq] with
 * with_bounds; NULL without. */
int output_add(struct output *output, const int64_t *rows, const int64_t *labels, const double *distances, const int32_t *counts,
               const double *bounds, size_t nq, size_t stride, struct pcct_error *err);
/* Answers of different lengths. */
int output_add_within(struct output *output, const struct pcct_answer_rows *answer, struct pcct_error *err);
int output_add_counts(struct output *output, const uint64_t *counts, size_t nq, struct pcct_error *err);
int output_finish(struct output *output, struct pcct_error *err);
void output_abandon(struct output *output); /* fine after output_finish(); a zeroed output too */

#endif
