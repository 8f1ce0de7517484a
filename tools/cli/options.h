/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <pcct/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Every option that some verb has. */
enum option_id {
    OPT_END, /* closes a verb's table */
    OPT_DIM, OPT_METRIC, OPT_SEED,
    OPT_COLUMNS, OPT_LABEL_COLUMN, OPT_LABELS, OPT_ARRAY, OPT_SKIP_ROWS,
    OPT_BATCH_SIZE, OPT_MESSAGE, OPT_ON_DUPLICATE, OPT_NAN, OPT_EXPECT, OPT_SET, OPT_NO_WAIT, OPT_WRITE_ID, OPT_TELEMETRY,
    OPT_K, OPT_AT, OPT_OUTPUT, OPT_FORMAT, OPT_EXCLUDE_SELF, OPT_LEVEL, OPT_LEVELS,
    OPT_RADIUS, OPT_CAP, OPT_COUNT_ONLY, OPT_ONLY, OPT_PREDECESSORS, OPT_BOUNDS,
    OPT_ORDER, OPT_LENGTHSCALE, OPT_AXIS, OPT_M, OPT_GPGP, OPT_UPDATE,
    OPT_NUMBER, OPT_FOLLOW, OPT_SAMPLE, OPT_REBUILD,
    OPT_KEEP_LAST, OPT_KEEP_EVERY, OPT_OLDER_THAN, OPT_BEFORE_EPOCH, OPT_DRY_RUN, OPT_BY_POLICY, OPT_CLEAR, OPT_FAST, OPT_RATE,
    OPT_CREATE, OPT_MOVE,
    OPT_BRANCH, OPT_DELETE, OPT_GRAPH, OPT_ALL, OPT_STAT, OPT_IDS, OPT_RUN, OPT_NEIGHBOURS,
    OPT_KERNEL, OPT_VARIANCE, OPT_NUGGET, OPT_JITTER, OPT_INDUCING, OPT_INDUCING_BY, OPT_OVERRIDE, OPT_BRUTE,
    OPT_IMMUTABLE, OPT_DURABILITY, OPT_THREADS, OPT_JSON, OPT_QUIET,
    OPT_COUNT
};

/* One row of a verb's table; getopt_long, the usage line and --help are all made from it. */
struct option_row {
    enum option_id id;
    char letter;          /* 0: long only */
    const char *name;
    const char *argument; /* NULL: a switch; one that begins with [= may be left out, and is joined to the name */
    const char *help;     /* lines after the first are indented when printed */
};

#define OPTION_THREADS { OPT_THREADS, 0, "threads", "N", "use N threads (default: all processors); the result does not depend on it" }
#define OPTION_IMMUTABLE \
    { OPT_IMMUTABLE, 0, "immutable", NULL, "nobody writes to the store: write, lock and count nothing (read-only media, NFS)" }
#define OPTION_DURABILITY                                                                                                                    \
    { OPT_DURABILITY, 0, "durability", "full|wal|none", "flush a version three times (default); once, with the catalogue made anew after a\n"     \
                                                        "crash of the machine; or not at all: what is lost then are the last ones" }
#define OPTION_QUIET { OPT_QUIET, 'q', "quiet", NULL, "no progress bar and no summary line" }

struct options;

struct verb {
    const char *name;
    const char *operands; /* as on the usage line */
    const char *summary;  /* one line, for `pcct help` */
    const char *detail;   /* paragraphs after the options in --help */
    const struct option_row *rows;
    size_t operands_least, operands_most;
    int (*run)(const struct options *options, struct pcct_error *err);
};

enum { OPTIONS_OPERANDS = 3, OPTIONS_SETS = 64 };

/* What was given. Strings are borrowed from argv. */
struct options {
    const struct verb *verb;
    const char *value[OPT_COUNT]; /* NULL: not given; a switch that was given, or an option without its value, is "" */
    const char *operand[OPTIONS_OPERANDS];
    size_t n_operands;
    const char *set[OPTIONS_SETS]; /* each --set */
    size_t n_sets;
    int help; /* --help was given: nothing else was looked at */
};

/* Reads argv[0..argc) whose first word is the verb. Errors: INVALID. */
int options_parse(struct options *options, const struct verb *verb, int argc, char **argv, struct pcct_error *err);
void options_print_help(FILE *out, const struct verb *verb);

/* The number given with an option, or `otherwise`. */
int options_u64(uint64_t *value, const struct options *options, enum option_id id, uint64_t otherwise, uint64_t least, uint64_t most,
                struct pcct_error *err);
/* A number that may be negative, which must have been given. */
int options_i64(int64_t *value, const struct options *options, enum option_id id, int64_t least, int64_t most, struct pcct_error *err);
/* A number that may have a fraction, which must have been given. */
int options_double(double *value, const struct options *options, enum option_id id, struct pcct_error *err);
int options_threads(int *threads, const struct options *options, struct pcct_error *err);
/* The place of the given word among words[] (NULL at the end); 0 when the option was not given. */
int options_choice(int *choice, const struct options *options, enum option_id id, const char *const words[], struct pcct_error *err);

#endif
