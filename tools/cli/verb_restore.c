/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "verbs.h"
#include "writing.h"

#include <inttypes.h>

static const struct option_row rows[] = {
    OPTIONS_WRITING,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.restore.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct writing writing = { .store = NULL };
    pcct_batch *batch = NULL;
    TRY(writing_open(&writing, options, err));
    TRY(writing_begin(&batch, &writing, PCCT_DUPLICATE_ERROR, err));
    TRY(pcct_batch_restore(batch, options->operand[1], err));
    writing.what = "committing";
    TRY(writing_commit(&writing, batch, err));
    TRY(writing_report(&writing, "pcct.restore.1", 0, err));
done:
    pcct_batch_close(batch);
    writing_close(&writing);
    return status;
}

const struct verb verb_restore = {
    .name = "restore",
    .operands = "STORE REV",
    .summary = "make a new version with the state of an older one",
    .detail = "The new version follows the branch's newest and has the points of REV, at the cost of an empty commit.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
