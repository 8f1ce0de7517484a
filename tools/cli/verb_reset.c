/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_BRANCH, 0, "branch", "NAME", "the branch to move (default: main)" },
    { OPT_EXPECT, 0, "expect", "REV", "move it only if it stands at this REV, else exit with 4" },
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.reset.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    pcct_store *store = NULL;
    struct pcct_ref_options how = PCCT_REF_OPTIONS_INIT;
    struct record record;
    const char *branch = options->value[OPT_BRANCH] ? options->value[OPT_BRANCH] : "main";
    uint64_t before = 0, after = 0;
    how.no_wait = options->value[OPT_NO_WAIT] != NULL;
    how.expect = options->value[OPT_EXPECT];
    TRY(pcct_store_open(&store, options->operand[0], NULL, err));
    TRY(pcct_branch_reset(&before, store, branch, options->operand[1], &how, err));
    TRY(pcct_resolve(&after, store, branch, err));
    if (options->value[OPT_JSON]) {
        record_begin(&record, "pcct.reset.1");
        record_text(&record, "branch", branch);
        record_count(&record, "before", before);
        record_count(&record, "after", after);
        TRY(record_print(&record, stdout, err));
    } else if (!options->value[OPT_QUIET]) {
        printf("%s stands at v%" PRIu64 "; it stood at v%" PRIu64 "\n", branch, after, before);
    }
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_reset = {
    .name = "reset",
    .operands = "STORE REV",
    .summary = "put a branch elsewhere",
    .detail = "The versions that the branch leaves stay, under their numbers; pcct reflog tells where it stood.\n"
              "To go back and keep what happened in the history, see pcct restore.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
