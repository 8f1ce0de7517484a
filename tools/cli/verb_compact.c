/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.compact.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int report(const struct options *options, const struct pcct_compact_result *result, struct pcct_error *err)
{
    char before[TEXT_BYTES], after[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.compact.1");
        record_count(&record, "before_bytes", result->before_bytes);
        record_count(&record, "after_bytes", result->after_bytes);
        record_count(&record, "anchors_made", result->anchors_made);
        record_count(&record, "anchors_dropped", result->anchors_dropped);
        record_count(&record, "removed", result->removed);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    printf("%s before, ", text_size(before, result->before_bytes));
    printf("%s now\n", text_size(after, result->after_bytes));
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_compact_options how = PCCT_COMPACT_OPTIONS_INIT;
    struct pcct_compact_result result = { .size = sizeof result };
    pcct_store *store = NULL;
    how.no_wait = options->value[OPT_NO_WAIT] != NULL;
    TRY(pcct_store_open(&store, options->operand[0], NULL, err));
    TRY(pcct_compact(&result, store, &how, err));
    TRY(report(options, &result, err));
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_compact = {
    .name = "compact",
    .operands = "STORE",
    .summary = "make a store as small as it can be without changing what it holds",
    .detail = "What pruned versions left is freed by an anchor where that takes less; of the other anchors the newest stays; the\n"
              "catalogue is copied without its free pages. Versions, identities, branches, tags and the reflog stay. Others who have\n"
              "the store open must open it again.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
