/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"
#include "fault.h"
#include "input.h"
#include "interrupt.h"
#include "reading.h"

#include <stdlib.h>
#include <string.h>

int asking_check(const struct options *options, struct pcct_error *err)
{
    int from_file = options->operand[1] != NULL, from_labels = options->value[OPT_LABELS] != NULL;
    if (from_file == from_labels) return fault(err, PCCT_E_INVALID, "give a file of queries, or --labels of stored points (one of the two)");
    if (options->value[OPT_EXCLUDE_SELF] && !from_labels) return fault(err, PCCT_E_INVALID, "--exclude-self goes with --labels");
    if (options->value[OPT_PREDECESSORS] && !from_labels) {
        return fault(err, PCCT_E_INVALID, "--predecessors goes with --labels: points of a file have no rank");
    }
    if (from_labels && (options->value[OPT_COLUMNS] || options->value[OPT_ARRAY])) {
        return fault(err, PCCT_E_INVALID, "--columns and --array go with a file of queries, not with --labels");
    }
    return 0;
}

int asking_open(struct asking *asking, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    memset(asking, 0, sizeof *asking);
    asking->options = options;
    asking->piece = 1;
    asking->info.size = sizeof asking->info;
    progress_begin(&asking->progress, options->verb->name, options->value[OPT_QUIET] != NULL);
    TRY(options_threads(&asking->threads, options, err));
    TRY(reading_open(&asking->store, options, err));
    TRY(reading_view(&asking->view, asking->store, options, err));
    TRY(pcct_view_describe(&asking->info, asking->view));
    TRY(filtering_open(&asking->filter, asking->view, options, err));
done:
    return status;
}

void asking_close(struct asking *asking)
{
    progress_end(&asking->progress);
    pcct_filter_close(asking->filter);
    pcct_view_close(asking->view);
    pcct_store_close(asking->store);
    memset(asking, 0, sizeof *asking);
}

static int ask_points(struct asking *asking, asking_answer *answer, void *ctx, struct pcct_error *err)
{
    int status = 0;
    struct input *input = NULL;
    struct rows rows = { .dim = asking->info.dim };
    const struct input_options options = {
        .path = asking->options->operand[1],
        .columns = asking->options->value[OPT_COLUMNS],
        .array = asking->options->value[OPT_ARRAY],
        .dim = asking->info.dim,
    };
    TRY(input_open(&input, &options, err));
    for (;;) {
        TRY(input_read(&rows, input, asking->piece, err));
        if (rows.n == 0) break;
        for (size_t at = 0, part = 0; at < rows.n; at += part) {
            part = rows.n - at < asking->piece ? rows.n - at : asking->piece;
            TRY(interrupt_check(err));
            status = answer(ctx, rows.points + at * rows.dim, NULL, part, err);
            if (status == PCCT_E_POINT) input_name_rows(err, input, rows.place + at, part);
            TRY(status);
        }
        progress_show(&asking->progress, input_share(input), "answering");
    }
done:
    input_close(input);
    rows_free(&rows);
    return status;
}

static int ask_labels(struct asking *asking, asking_answer *answer, void *ctx, struct pcct_error *err)
{
    int status = 0;
    int64_t *asked = NULL;
    size_t n = 0;
    TRY(label_list_read(&asked, &n, asking->options->value[OPT_LABELS], err));
    for (size_t at = 0, part = 0; at < n; at += part) {
        part = n - at < asking->piece ? n - at : asking->piece;
        TRY(interrupt_check(err));
        TRY(answer(ctx, NULL, asked + at, part, err));
        progress_show(&asking->progress, (double)at / (double)n, "answering");
    }
done:
    free(asked);
    return status;
}

int asking_run(struct asking *asking, asking_answer *answer, void *ctx, struct pcct_error *err)
{
    return asking->options->value[OPT_LABELS] ? ask_labels(asking, answer, ctx, err) : ask_points(asking, answer, ctx, err);
}
