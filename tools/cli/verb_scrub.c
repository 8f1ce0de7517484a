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
    { OPT_RATE, 0, "rate", "MB/S", "read at most so many megabytes (10^6) a second; default: 20" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.scrub.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static const double default_rate = 20, megabyte = 1e6;

static void on_finding(void *context, int damaged, const char *text)
{
    progress_end(context);
    fputs(damaged ? "damage: " : "note: ", stderr);
    text_print_escaped(stderr, text);
    fputc('\n', stderr);
}

static int on_progress(void *context, double done)
{
    progress_show(context, done, "reading");
    return interrupt_asked();
}

static int report(const struct options *options, const struct pcct_scrub_result *result, struct pcct_error *err)
{
    char frames[TEXT_BYTES], anchors[TEXT_BYTES], bytes[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.scrub.1");
        record_count(&record, "frames", result->frames);
        record_count(&record, "anchors", result->anchors);
        record_count(&record, "bytes", result->bytes);
        record_count(&record, "dropped", result->dropped);
        record_count(&record, "renewed", result->renewed);
        record_count(&record, "damaged", result->damaged);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    printf("%s and %s read (%s): ", text_count(frames, result->frames, "frame"), text_count(anchors, result->anchors, "anchor"),
           text_size(bytes, result->bytes));
    if (result->dropped) printf("%" PRIu64 " damaged anchors dropped, %" PRIu64 " made anew; ", result->dropped, result->renewed);
    if (result->damaged) printf("%" PRIu64 " damaged\n", result->damaged);
    else puts(result->dropped ? "no other damage" : "no damage");
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_scrub_options how = PCCT_SCRUB_OPTIONS_INIT;
    struct pcct_scrub_result result = { .size = sizeof result };
    struct progress progress;
    pcct_store *store = NULL;
    double rate = default_rate;
    progress_begin(&progress, "scrub", options->value[OPT_QUIET] != NULL);
    if (options->value[OPT_RATE]) TRY(options_double(&rate, options, OPT_RATE, err));
    if (!(rate >= 1e-3 && rate <= 1e6)) TRY(fault(err, PCCT_E_INVALID, "--rate takes 0.001 to 1000000 megabytes a second"));
    how.rate = (uint64_t)(rate * megabyte);
    how.report = on_finding;
    how.progress = on_progress;
    how.ctx = &progress;
    TRY(pcct_store_open(&store, options->operand[0], NULL, err));
    TRY(pcct_scrub(&result, store, &how, err));
    progress_end(&progress);
    TRY(report(options, &result, err));
    if (result.damaged) status = FAULT_NO;
done:
    progress_end(&progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    pcct_store_close(store);
    return status;
}

const struct verb verb_scrub = {
    .name = "scrub",
    .operands = "STORE",
    .summary = "read all that versions rest on beside those who use it, and renew anchors",
    .detail = "Damaged anchors are dropped and made anew from the frames, which loses nothing. Other damage is named on standard error\n"
              "and stays: fsck tells which versions are hit, salvage takes out what is whole. Exits with 1 when there is any.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
