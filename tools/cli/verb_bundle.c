/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "progress.h"
#include "reading.h"
#include "record.h"
#include "revision_range.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

static const struct option_row rows[] = {
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE (required); one that stands there is replaced" },
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.bundle.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int on_progress(void *context, double done)
{
    progress_show(context, done, "writing");
    return interrupt_asked();
}

static int report(const struct options *options, const struct pcct_bundle_info *info, struct pcct_error *err)
{
    const char *file = options->value[OPT_OUTPUT];
    char versions[TEXT_BYTES], size[TEXT_BYTES], base[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.bundle.1");
        record_text(&record, "file", file);
        record_count(&record, "versions", info->versions);
        record_count(&record, "refs", info->refs);
        record_count(&record, "bytes", info->bytes);
        record_text(&record, "base", text_hex(base, info->base));
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    text_print_escaped(stdout, file);
    printf(": %s, %d of branches and tags, %s\n", text_count(versions, info->versions, "version"), (int)info->refs, text_size(size, info->bytes));
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_bundle_options how = PCCT_BUNDLE_OPTIONS_INIT;
    struct pcct_bundle_info info = { .size = sizeof info };
    struct revision_range range = { NULL, NULL, NULL };
    struct progress progress;
    pcct_store *store = NULL;
    progress_begin(&progress, "bundle", options->value[OPT_QUIET] != NULL);
    if (!options->value[OPT_OUTPUT]) TRY(fault(err, PCCT_E_INVALID, "-o is missing: the file to write to"));
    if (options->n_operands > 1) TRY(revision_range_read(&range, options->operand[1], err));
    how.from = range.from;
    how.to = range.to;
    how.progress = on_progress;
    how.progress_ctx = &progress;
    TRY(reading_open(&store, options, err));
    TRY(pcct_bundle(&info, store, options->value[OPT_OUTPUT], &how, err));
    progress_end(&progress);
    TRY(report(options, &info, err));
done:
    progress_end(&progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    pcct_store_close(store);
    revision_range_free(&range);
    return status;
}

const struct verb verb_bundle = {
    .name = "bundle",
    .operands = "STORE [A..B] -o FILE",
    .summary = "write versions into a file that another store can apply",
    .detail = "A..B: what B is made of and A is not, to be applied where A is. A left out: from the beginning; B left out:\n"
              "all that branches and tags stand at; no range: everything. Branches and tags that stand there go with it.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
