/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ORDERING_H
#define CLI_ORDERING_H

#include "options.h"
#include "progress.h"

#include <pcct/pcct.h>

/* What the verbs that put points in order have in common: --order, --lengthscale, --axis, --seed. */
#define OPTIONS_ORDERING                                                                                                    \
    { OPT_ORDER, 0, "order", "ORDER", "maxmin (default), coarse, hilbert, coordinate, random,\n"                             \
        "or a file of the labels of all points, first to last" },                                                           \
    { OPT_LENGTHSCALE, 0, "lengthscale", "L1,L2,...", "divide coordinates by these: one for each column, or one for all" }, \
    { OPT_AXIS, 0, "axis", "J", "with --order coordinate: the column, from 1 (default 1)" },                                \
    { OPT_SEED, 0, "seed", "S", "with --order random: the seed (default 0)" }

#define ORDERING_DETAIL                                                                                                                  \
    "maxmin      first the point nearest to the mean, then always the one farthest from all before it\n"                                 \
    "coarse      the levels of the tree from the root down; farthest first within each\n"                                                \
    "hilbert     along a Hilbert curve\n"                                                                                                \
    "coordinate  ascending by the column --axis\n"                                                                                       \
    "random      shuffled by --seed\n"                                                                                                   \
    "All are exact, the same on any machine and for any number of threads; ties are decided by label.\n"

/* A view with what is to be ordered how. */
struct ordering {
    pcct_store *store;
    pcct_view *view;
    struct pcct_view_info info;
    struct pcct_ordering_options ask;
    double *lengthscale; /* [info.dim]; NULL: none */
    int64_t *given;
    struct progress progress;
};

/* Opens the store of operand 0 at --at and reads the common options. ordering_close() in any case. Not to be moved. */
int ordering_open(struct ordering *ordering, const struct options *options, struct pcct_error *err);
void ordering_close(struct ordering *ordering);

#endif
