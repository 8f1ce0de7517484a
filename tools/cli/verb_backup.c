/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "progress.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

static const struct option_row rows[] = {
    { OPT_AT, 0, "at", "REV", "only this version (default: everything)" },
    OPTION_THREADS,
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.backup.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int on_progress(void *context, double done)
{
    progress_show(context, done, "copying");
    return interrupt_asked();
}

static int report(const struct options *options, const struct pcct_backup_result *result, const struct progress *progress, struct pcct_error *err)
{
    const double seconds = progress_seconds(&progress->began);
    char versions[TEXT_BYTES], size[TEXT_BYTES], time[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.backup.1");
        record_text(&record, "store", options->operand[1]);
        record_count(&record, "versions", result->versions);
        record_count(&record, "bytes", result->bytes);
        record_real(&record, "seconds", seconds);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    text_print_escaped(stdout, options->operand[1]);
    printf(": %s, %s copied and read (%s)\n", text_count(versions, result->versions, "version"), text_size(size, result->bytes),
           text_seconds(time, seconds));
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_backup_options how = PCCT_BACKUP_OPTIONS_INIT;
    struct pcct_backup_result result = { .size = sizeof result };
    struct progress progress;
    pcct_store *store = NULL;
    progress_begin(&progress, "backup", options->value[OPT_QUIET] != NULL);
    how.revision = options->value[OPT_AT];
    how.progress = on_progress;
    how.progress_ctx = &progress;
    TRY(reading_open(&store, options, err));
    TRY(pcct_backup(&result, store, options->operand[1], &how, err));
    progress_end(&progress);
    TRY(report(options, &result, &progress, err));
done:
    progress_end(&progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    pcct_store_close(store);
    return status;
}

const struct verb verb_backup = {
    .name = "backup",
    .operands = "STORE NEW",
    .summary = "copy a store, or one version of it, while others use it",
    .detail = "NEW must not exist; it appears when the copy is whole, was read once and is on the disk. Commits go on meanwhile.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
