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
    { OPT_REBUILD, 0, "rebuild-catalogue", NULL, "first write the catalogue anew from the journal;\nthe old one is kept as catalogue.mdb.damaged" },
    { OPT_FAST, 0, "fast", NULL, "only the catalogue and the heads of frames and anchors: seconds, also of a large store" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.fsck.1)" },
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct findings {
    json_t *list; /* NULL: print each at once */
    int failed;
    struct progress progress;
};

static void on_finding(void *context, int damaged, const char *text)
{
    struct findings *findings = context;
    progress_end(&findings->progress);
    if (findings->list) {
        json_t *one = json_object();
        if (json_object_set_new(one, "damaged", json_boolean(damaged)) != 0 || json_object_set_new(one, "text", record_string(text)) != 0 ||
            json_array_append(findings->list, one) != 0) {
            findings->failed = 1;
        }
        json_decref(one);
    } else {
        fputs(damaged ? "damage: " : "note: ", stdout);
        text_print_escaped(stdout, text);
        fputc('\n', stdout);
    }
}

static int on_progress(void *context, double done)
{
    struct findings *findings = context;
    progress_show(&findings->progress, done, "reading");
    return interrupt_asked();
}

static int print_json(const struct pcct_fsck_result *result, struct findings *findings, struct pcct_error *err)
{
    struct record record;
    record_begin(&record, "pcct.fsck.1");
    record_count(&record, "versions", result->versions);
    record_count(&record, "versions_readable", result->versions_readable);
    record_count(&record, "frames", result->frames);
    record_count(&record, "anchors", result->anchors);
    record_count(&record, "bytes", result->bytes);
    record_count(&record, "damaged", result->damaged);
    record_add(&record, "findings", findings->list);
    findings->list = NULL;
    record_real(&record, "seconds", progress_seconds(&findings->progress.began));
    record.failed |= findings->failed;
    return record_print(&record, stdout, err);
}

static void print_human(const struct pcct_fsck_result *result, const struct findings *findings)
{
    char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES];
    printf("%s and %s read (%s): ", text_count(a, result->frames, "frame"), text_count(b, result->anchors, "anchor"), text_size(c, result->bytes));
    if (result->damaged) printf("%" PRIu64 " damaged; ", result->damaged);
    else fputs("no damage; ", stdout);
    printf("%" PRIu64 " of %s readable (%s)\n", result->versions_readable, text_count(a, result->versions, "version"),
           text_seconds(b, progress_seconds(&findings->progress.began)));
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct findings findings = { .list = NULL };
    struct pcct_fsck_options fsck = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result result = { .size = sizeof result };
    progress_begin(&findings.progress, "fsck", options->value[OPT_QUIET] != NULL);
    TRY(options_threads(&fsck.threads, options, err));
    if (options->value[OPT_JSON]) {
        findings.list = json_array();
        if (!findings.list) TRY(fault(err, PCCT_E_MEMORY, "no memory for the findings"));
    }
    fsck.rebuild = options->value[OPT_REBUILD] != NULL;
    fsck.fast = options->value[OPT_FAST] != NULL;
    fsck.report = on_finding;
    fsck.report_ctx = &findings;
    fsck.progress = on_progress;
    fsck.progress_ctx = &findings;
    TRY(pcct_fsck(&result, options->operand[0], &fsck, err));
    progress_end(&findings.progress);
    if (options->value[OPT_JSON]) TRY(print_json(&result, &findings, err));
    else if (!options->value[OPT_QUIET] || result.damaged) print_human(&result, &findings);
    if (result.damaged) status = FAULT_NO;
done:
    progress_end(&findings.progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    json_decref(findings.list);
    return status;
}

const struct verb verb_fsck = {
    .name = "fsck",
    .operands = "STORE",
    .summary = "read every byte of a store and name what is damaged",
    .detail = "Exits with 1 when something is damaged, with 5 when nothing could be read at all.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
