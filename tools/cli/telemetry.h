/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TELEMETRY_H
#define CLI_TELEMETRY_H

#include "options.h"

#include <pcct/pcct.h>

/* The file of --telemetry: one JSON object a commit (schema pcct.telemetry.1, docs/telemetry.md), appended by one write each. */
struct telemetry {
    const char *path; /* NULL: none is written */
    int fd;
    char run[33];     /* the same in all lines of a run */
};

/* Opens the file if the option was given. telemetry_close() in any case; a zeroed structure is closed. */
int telemetry_open(struct telemetry *telemetry, const struct options *options, struct pcct_error *err);
/* The line of a commit that made `version`. info: of the store. */
int telemetry_write(const struct telemetry *telemetry, const pcct_batch *batch, uint64_t version, const struct pcct_store_info *info,
                    const struct options *options, struct pcct_error *err);
void telemetry_close(struct telemetry *telemetry);

/* The same of a graph by a kernel (schema pcct.telemetry.kernel.1). */
struct telemetry_question {
    const pcct_gp *gp;
    uint64_t version, rows, k;
    struct pcct_gp_work work;
    double features_seconds, search_seconds;
};
int telemetry_write_question(const struct telemetry *telemetry, const struct telemetry_question *question, const struct pcct_store_info *info,
                             const struct options *options, struct pcct_error *err);
double telemetry_now(void); /* seconds of a clock that only goes forward */

#endif
