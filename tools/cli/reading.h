/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_READING_H
#define CLI_READING_H

#include "options.h"

#include <pcct/pcct.h>

/* Opens the store that is the first operand, with --immutable and --threads where the verb has them. */
int reading_open(pcct_store **store, const struct options *options, struct pcct_error *err);
/* The version that --at names (default: main) of a store that is open. */
int reading_view(pcct_view **view, pcct_store *store, const struct options *options, struct pcct_error *err);

#endif
