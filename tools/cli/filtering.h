/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FILTERING_H
#define CLI_FILTERING_H

#include "options.h"

#include <pcct/pcct.h>

/* What the verbs that ask have in common: --only, --level, --predecessors. */
#define OPTIONS_FILTERING                                                                                                          \
    { OPT_ONLY, 0, "only", "LIST", "find these points only: labels 17,18,400; or a file of labels" },                              \
    { OPT_LEVEL, 0, "level", "I", "find points of the net of level I only (see pcct net)" },                                       \
    { OPT_PREDECESSORS, 0, "predecessors", "[=ORDER]", "find points that come before the one that asks only. ORDER: label (default),\n" \
        "node (as they came in), or a file of the labels of all points, first to last" }

/* The filter that the options ask for; *filter is NULL when they ask for none. Owned: pcct_filter_close(). */
int filtering_open(pcct_filter **filter, const pcct_view *view, const struct options *options, struct pcct_error *err);

#endif
