/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "common/data.h"

#include <stdio.h>

enum { BENCH_LIST = 16 };

/* Numbers or names given with commas between them; count 0: not given. */
struct bench_sizes {
    size_t item[BENCH_LIST], count;
};
struct bench_shapes {
    enum bench_shape item[BENCH_LIST];
    size_t count;
};

/* What all benchmark programs are asked for in the same words. */
struct bench_options {
    const char *dir;     /* where stores are put */
    const char *only;    /* names with commas between them; NULL: all */
    FILE *csv;           /* NULL: none */
    int threads[BENCH_LIST];
    int n_threads;
    int quick, repeats;
    int cities;          /* their file was read */
    int markdown;        /* tables as Markdown */
    struct bench_sizes n, d, batch;
    struct bench_shapes data;
};

/*
 * Reads the command line; prints `help` and ends the process on --help. Ends it too on an option that the help text does not name, on a value that
 * is none, and on a name of --only that stands in no line of the help beginning with "--only". Default threads: 1 and all processors.
 */
void bench_options_read(struct bench_options *options, int argc, char **argv, const char *help);
void bench_options_end(const struct bench_options *options); /* the CSV file is complete */

int bench_options_wants(const struct bench_options *options, const char *name);
int bench_options_most_threads(const struct bench_options *options);

/* One line of a table to stdout, and to the CSV file with commas. Columns have blanks between them; the head goes before the lines. */
void bench_options_head(const struct bench_options *options, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_options_print(const struct bench_options *options, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
