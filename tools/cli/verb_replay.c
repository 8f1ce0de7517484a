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

#include <inttypes.h>

static const struct option_row rows[] = {
    OPTION_THREADS,
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.replay.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int on_progress(void *context, double done)
{
    progress_show(context, done, "executing");
    return interrupt_asked();
}

static int report(const struct options *options, const struct pcct_replay_result *result, const struct progress *progress, struct pcct_error *err)
{
    const double seconds = progress_seconds(&progress->began);
    char versions[TEXT_BYTES], time[TEXT_BYTES];
    if (options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, "pcct.replay.1");
        record_count(&record, "versions", result->versions);
        record_count(&record, "differs", result->differs);
        record_text(&record, "first", result->first);
        record_real(&record, "seconds", seconds);
        return record_print(&record, stdout, err);
    }
    if (result->differs) {
        printf("v%" PRIu64 " differs: ", result->differs);
        text_print_escaped(stdout, result->first);
        printf("; %s before it came out as they are\n", text_count(versions, result->versions, "version"));
    } else if (!options->value[OPT_QUIET]) {
        printf("%s executed once more: the same identities and frames came out (%s)\n", text_count(versions, result->versions, "version"),
               text_seconds(time, seconds));
    }
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_replay_options how = PCCT_REPLAY_OPTIONS_INIT;
    struct pcct_replay_result result = { .size = sizeof result };
    struct revision_range range = { NULL, NULL, NULL };
    struct progress progress;
    pcct_store *store = NULL;
    progress_begin(&progress, "replay", options->value[OPT_QUIET] != NULL);
    if (options->n_operands > 1) TRY(revision_range_read(&range, options->operand[1], err));
    how.from = range.from;
    how.to = range.to;
    how.progress = on_progress;
    how.progress_ctx = &progress;
    TRY(reading_open(&store, options, err));
    TRY(pcct_replay(&result, store, &how, err));
    progress_end(&progress);
    TRY(report(options, &result, &progress, err));
    if (result.differs) status = FAULT_NO;
done:
    progress_end(&progress);
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    pcct_store_close(store);
    revision_range_free(&range);
    return status;
}

const struct verb verb_replay = {
    .name = "replay",
    .operands = "STORE [A..B]",
    .summary = "execute versions once more and prove that the same comes out",
    .detail = "In memory: the points and deleted labels of each version, on the state that it began from. Exits with 1, naming the\n"
              "first version that comes out otherwise. A..B as for bundle; A is taken as it is.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
