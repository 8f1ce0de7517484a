/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdio.h>

enum { BENCH_THREADS_LIST = 8 };

/* What all benchmark programs are asked for in the same words. */
struct bench_options {
    const char *dir;   /* where stores are put */
    const char *dump;  /* where data and answers are put; NULL: nowhere */
    const char *only;  /* names with commas between them; NULL: all */
    FILE *csv;         /* NULL: none */
    int threads[BENCH_THREADS_LIST];
    int n_threads;
    int quick, repeats;
};

/* Reads the command line; prints `help` and ends the process on --help and on what it does not know. Default threads: 1 and all processors. */
void bench_options_read(struct bench_options *options, int argc, char **argv, const char *help);

int bench_options_wants(const struct bench_options *options, const char *name);
int bench_options_most_threads(const struct bench_options *options);

/* One line for the table (to stdout) and the same for the CSV file. */
void bench_options_print(const struct bench_options *options, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
