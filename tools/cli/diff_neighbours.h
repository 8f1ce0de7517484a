/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DIFF_NEIGHBOURS_H
#define CLI_DIFF_NEIGHBOURS_H

#include "options.h"

#include <pcct/pcct.h>

/* pcct diff --neighbours: the points whose k nearest differ between two versions, -k and --threads from the options. Prints to standard output. */
int diff_neighbours(const struct options *options, pcct_store *store, const char *from, const char *to, struct pcct_error *err);

#endif
