/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ASKING_H
#define CLI_ASKING_H

#include "filtering.h"
#include "options.h"
#include "progress.h"

#include <pcct/pcct.h>

/* What the verbs that ask for points of a file or for stored points have in common. */
#define OPTIONS_ASKING                                                                                       \
    { OPT_COLUMNS, 'c', "columns", "LIST", "columns of the coordinates, by name or by number from 1" },      \
    { OPT_ARRAY, 0, "array", "NAME", "array of an .npz (default: points, or the only one, or arr_0)" },      \
    { OPT_LABELS, 'l', "labels", "LIST", "ask for stored points by label: 17,18,400; or a file of labels" }, \
    { OPT_EXCLUDE_SELF, 0, "exclude-self", NULL, "with --labels: leave the point itself out of its neighbours" }

struct asking {
    const struct options *options;
    pcct_store *store;
    pcct_view *view;
    pcct_filter *filter; /* NULL: none */
    struct pcct_view_info info;
    struct progress progress;
    int threads;
    size_t piece;        /* queries that are answered at once, at least 1; an answer may change it */
};

/* Opens the store of operand 0 at --at, with the filter of the options. asking_close() in any case. */
int asking_open(struct asking *asking, const struct options *options, struct pcct_error *err);
void asking_close(struct asking *asking);

/* Whether the queries are those of a file or stored points, one of the two. */
int asking_check(const struct options *options, struct pcct_error *err);

/* Answers n queries: points, row-major, or, where that is NULL, labels. */
typedef int asking_answer(void *ctx, const double *points, const int64_t *labels, size_t n, struct pcct_error *err);
/* Reads the queries and has them answered piece by piece, so that a stream needs little memory and Ctrl-C is heard. */
int asking_run(struct asking *asking, asking_answer *answer, void *ctx, struct pcct_error *err);

#endif
