/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "progress.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_AT, 0, "at", "REV", "take this version instead of the newest that is whole" },
    { OPT_DIM, 0, "dim", "N", "where neither SUPER nor an anchor is left to tell: columns of a point," },
    { OPT_METRIC, 0, "metric", "NAME", "the metric," },
    { OPT_SEED, 0, "seed", "N", "the seed of the insertion order (default: 0)" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.salvage.1)" },
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static void on_finding(void *context, int damaged, const char *text)
{
    progress_end(context);
    fputs(damaged ? "lost: " : "note: ", stderr);
    text_print_escaped(stderr, text);
    fputc('\n', stderr);
}

static int on_progress(void *context, double done)
{
    progress_show(context, done, "salvaging");
    return interrupt_asked();
}

static int report(const struct options *options, const struct pcct_salvage_result *result, struct pcct_error *err)
{
    char points[TEXT_BYTES], versions[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.salvage.1");
        record_count(&record, "version", result->version);
        record_count(&record, "points", result->points);
        record_count(&record, "newest", result->newest);
        record_count(&record, "versions", result->versions);
        record_count(&record, "versions_whole", result->versions_whole);
        record_count(&record, "damaged", result->damaged);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    printf("v%" PRIu64 " of %s: %s; ", result->version, options->operand[0], text_count(points, result->points, "point"));
    printf("the newest was v%" PRIu64 ", %" PRIu64 " of %s whole\n", result->newest, result->versions_whole,
           text_count(versions, result->versions, "version"));
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_salvage_options how = PCCT_SALVAGE_OPTIONS_INIT;
    struct pcct_salvage_result result = { .size = sizeof result };
    struct progress progress;
    uint64_t dim = 0;
    progress_begin(&progress, "salvage", options->value[OPT_QUIET] != NULL);
    TRY(options_threads(&how.threads, options, err));
    TRY(options_u64(&dim, options, OPT_DIM, 0, 1, 4096, err));
    TRY(options_u64(&how.seed, options, OPT_SEED, 0, 0, UINT64_MAX, err));
    how.dim = (uint32_t)dim;
    how.metric = options->value[OPT_METRIC];
    how.at = options->value[OPT_AT];
    how.report = on_finding;
    how.report_ctx = &progress;
    how.progress = on_progress;
    how.progress_ctx = &progress;
    TRY(pcct_salvage(&result, options->operand[0], options->operand[1], &how, err));
    progress_end(&progress);
    TRY(report(options, &result, err));
done:
    progress_end(&progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    return status;
}

const struct verb verb_salvage = {
    .name = "salvage",
    .operands = "DAMAGED NEW",
    .summary = "take the newest whole version of a damaged store into a new one",
    .detail = "DAMAGED is only read: its journal and anchors, whatever became of its catalogue and SUPER. A version is whole when its\n"
              "checksums are right and the tree, the labels and the digests of its arrays are proved. NEW has its points, labels,\n"
              "message, keys and kernel, and no history. What is lost is told on standard error.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
