/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <string.h>

static const struct option_row rows[] = {
    { OPT_DIM, 'd', "dim", "D", "columns of a point, 1 to 4096 (required)" },
    { OPT_METRIC, 0, "metric", "NAME", "euclidean (default), manhattan, chebyshev, cosine (1 - cos of the angle),\n"
                                   "angular (the angle, in radians), or haversine: latitude and longitude in\n"
                                   "degrees, distances in metres on a sphere of 6371008.8 m" },
    { OPT_SEED, 0, "seed", "N", "seed of the insertion order (default 0); part of every version's identity" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.create.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    uint64_t dim = 0, seed = 0;
    const char *path = options->operand[0], *metric = options->value[OPT_METRIC] ? options->value[OPT_METRIC] : "euclidean";
    if (!options->value[OPT_DIM]) TRY(fault(err, PCCT_E_INVALID, "--dim is missing: the number of columns of a point, such as --dim 2"));
    TRY(options_u64(&dim, options, OPT_DIM, 0, 1, 4096, err));
    TRY(options_u64(&seed, options, OPT_SEED, 0, 0, INT64_MAX, err));
    create.dim = (uint32_t)dim;
    create.metric = metric;
    create.seed = seed;
    TRY(pcct_store_create(path, &create, err));
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.create.1");
        record_text(&record, "store", path);
        record_count(&record, "dim", dim);
        record_text(&record, "metric", metric);
        record_count(&record, "seed", seed);
        TRY(record_print(&record, stdout, err));
    } else if (!options->value[OPT_QUIET]) {
        text_print_escaped(stdout, path);
        printf(": empty store, dimension %" PRIu64 ", %s\n", dim, metric);
    }
done:
    return status;
}

const struct verb verb_create = {
    .name = "create",
    .operands = "STORE --dim D",
    .summary = "make an empty store",
    .detail = "STORE is a folder that must not exist yet.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
