/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "input.h"
#include "verbs.h"
#include "writing.h"

#include <stdlib.h>

static const struct option_row rows[] = {
    { OPT_LABELS, 'l', "labels", "LIST", "labels of the points: 17,18,400; or a file of labels" },
    OPTIONS_WRITING,
    OPTION_DURABILITY,
    OPTION_THREADS,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.delete.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct writing writing = { .store = NULL };
    pcct_batch *batch = NULL;
    int64_t *labels = NULL;
    size_t n = 0;
    const char *list = options->value[OPT_LABELS], *file = options->operand[1];
    if (!list == !file) TRY(fault(err, PCCT_E_INVALID, "name the points with --labels 17,18,400 or with a file of labels (one of the two)"));
    TRY(writing_open(&writing, options, err));
    TRY(label_list_read(&labels, &n, list ? list : file, err));
    TRY(writing_begin(&batch, &writing, PCCT_DUPLICATE_ERROR, err));
    TRY(pcct_batch_delete(batch, labels, n, err));
    writing.what = "committing";
    TRY(writing_commit(&writing, batch, err));
    TRY(writing_report(&writing, "pcct.delete.1", 0, err));
done:
    pcct_batch_close(batch);
    free(labels);
    writing_close(&writing);
    return status;
}

const struct verb verb_delete = {
    .name = "delete",
    .operands = "STORE (--labels LIST | FILE)",
    .summary = "remove points by label as a new version",
    .detail = "FILE holds labels: text or CSV (first column), .npy, or .npz (array labels); - is standard input.\n"
              "All labels must be live, else nothing is removed. Older versions keep the points.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
