/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "progress.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_AT, 0, "at", "REV", "the version to verify (default main)" },
    { OPT_SAMPLE, 0, "sample", "N", "how many live points to ask for their neighbours (default 1000)" },
    { OPT_K, 'k', "k", "K", "how many neighbours (default 10)" },
    { OPT_SEED, 0, "seed", "N", "seed of the sample (default 0)" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.verify.1)" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int print_json(const struct pcct_verify_result *result, uint64_t version, uint64_t seed, double seconds, struct pcct_error *err)
{
    struct record record;
    record_begin(&record, "pcct.verify.1");
    record_count(&record, "version", version);
    record_count(&record, "queries", result->queries);
    record_count(&record, "k", result->k);
    record_count(&record, "other_queries", result->other_queries);
    record_count(&record, "seed", seed);
    record_count(&record, "differences", result->differences);
    record_add(&record, "structure_only", json_boolean(result->structure_only));
    record_count(&record, "violations", result->violations);
    record_text(&record, "first", result->first);
    record_real(&record, "seconds", seconds);
    return record_print(&record, stdout, err);
}

static void print_human(const struct pcct_verify_result *result, uint64_t version, double seconds)
{
    char count[TEXT_BYTES], time[TEXT_BYTES];
    if (result->structure_only) {
        printf("v%" PRIu64 ": nothing was compared: distances are those of a custom metric's function, which a program brings; without them the "
               "tree's structure %s (%s)\n", version, result->violations ? "is broken" : "holds", text_seconds(time, seconds));
    } else {
        printf("v%" PRIu64 ": %s asked for ", version, text_count(count, result->queries, "point"));
        printf("%s, ", text_count(count, result->k, "neighbour"));
        printf("of these %" PRIu64 " for the other kinds of queries: ", result->other_queries);
        printf("%s from brute force; tree invariants T1 to T6 %s (%s)\n", text_count(count, result->differences, "difference"),
               result->violations ? "broken" : "hold", text_seconds(time, seconds));
    }
    if (result->first[0]) {
        fputs("first: ", stdout);
        text_print_escaped(stdout, result->first);
        fputc('\n', stdout);
    }
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    struct progress progress;
    struct pcct_verify_options verify = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_view_info info = { .size = sizeof info };
    progress_begin(&progress, "verify", 1);
    TRY(options_threads(&verify.threads, options, err));
    TRY(options_u64(&verify.sample, options, OPT_SAMPLE, 1000, 1, INT64_MAX, err));
    TRY(options_u64(&verify.k, options, OPT_K, 10, 1, INT32_MAX, err));
    TRY(options_u64(&verify.seed, options, OPT_SEED, 0, 0, INT64_MAX, err));
    TRY(reading_open(&store, options, err));
    TRY(reading_view(&view, store, options, err));
    TRY(pcct_view_describe(&info, view));
    interrupt_at_once("verify");
    TRY(pcct_verify(&result, view, &verify, err));
    double seconds = progress_seconds(&progress.began);
    if (options->value[OPT_JSON]) TRY(print_json(&result, info.version, verify.seed, seconds, err));
    else print_human(&result, info.version, seconds);
    if (result.differences || result.violations) status = FAULT_NO;
done:
    pcct_view_close(view);
    pcct_store_close(store);
    return status;
}

const struct verb verb_verify = {
    .name = "verify",
    .operands = "STORE",
    .summary = "compare a version's answers with brute force and prove its tree",
    .detail =
        "The k nearest of every point of the sample; for a tenth of it, 100 at least, also what is within a radius, predecessors by node and by\n"
        "label, the nearest of a net, and predecessors among a random half in a random order. Exits with 1 when something differs.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
