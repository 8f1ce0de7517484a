/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "input.h"
#include "interrupt.h"
#include "verbs.h"
#include "writing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_ROWS = 65536 };

static const struct option_row rows_of_options[] = {
    { OPT_COLUMNS, 'c', "columns", "LIST", "columns of the coordinates, by name or by number from 1: lat,lng\n"
                                       "(default: all of them, if they are as many as the store's dimension)" },
    { OPT_LABEL_COLUMN, 0, "label-column", "NAME", "column (or array of an .npz) of the labels, whole numbers of 64 bits" },
    { OPT_LABELS, 0, "labels", "FILE", "labels from another file, one for each row: text, CSV (first column) or .npy\n"
                                    "(default: the next numbers of the store's counter, from 0)" },
    { OPT_ARRAY, 0, "array", "NAME", "array of an .npz (default: points, or the only one, or arr_0)" },
    { OPT_BATCH_SIZE, 'b', "batch-size", "N", "commit a version every N points (default: all in one version)" },
    { OPT_ON_DUPLICATE, 0, "on-duplicate", "WHAT", "when a label is live already: error (default), skip, replace" },
    { OPT_NAN, 0, "nan", "WHAT", "when a coordinate is NaN, infinite or empty: error (default), skip the row" },
    { OPT_SKIP_ROWS, 0, "skip-rows", "N", "leave out the first N rows of data, which an earlier run stored" },
    OPTIONS_WRITING,
    OPTION_DURABILITY,
    OPTION_THREADS,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.insert.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct insert {
    struct writing writing;
    struct input *input;
    struct rows rows;
    uint64_t *place; /* of the batch's rows: line or row in the file */
    size_t place_capacity;
    uint64_t batch_size, rows_stored; /* rows of the file up to the last commit */
    int on_duplicate;
};

static int read_options(struct insert *insert, struct input_options *input, const struct options *options, struct pcct_error *err)
{
    static const char *const duplicate_words[] = { "error", "skip", "replace", NULL }; /* in the order of enum pcct_on_duplicate */
    static const char *const nan_words[] = { "error", "skip", NULL };
    int status = 0;
    TRY(options_u64(&insert->batch_size, options, OPT_BATCH_SIZE, UINT64_MAX, 1, INT64_MAX, err));
    TRY(options_u64(&input->skip_rows, options, OPT_SKIP_ROWS, 0, 0, INT64_MAX, err));
    TRY(options_choice(&insert->on_duplicate, options, OPT_ON_DUPLICATE, duplicate_words, err));
    TRY(options_choice(&input->nan_skip, options, OPT_NAN, nan_words, err));
    input->nan_hint = "use --nan skip to leave such rows out";
    input->path = options->operand[1];
    input->columns = options->value[OPT_COLUMNS];
    input->label_column = options->value[OPT_LABEL_COLUMN];
    input->labels = options->value[OPT_LABELS];
    input->array = options->value[OPT_ARRAY];
    if (insert->on_duplicate != PCCT_DUPLICATE_ERROR && !input->labels && !input->label_column) {
        TRY(fault(err, PCCT_E_INVALID, "--on-duplicate needs --label-column or --labels: the store's own counter never gives a label twice"));
    }
done:
    return status;
}

/* Remembers where the rows of the batch came from, for messages. */
static int note_places(struct insert *insert, size_t n, struct pcct_error *err)
{
    int status = 0;
    TRY(memory_grow(&insert->place, &insert->place_capacity, n + insert->rows.n, sizeof *insert->place, err));
    memcpy(insert->place + n, insert->rows.place, insert->rows.n * sizeof *insert->place);
done:
    return status;
}

/* Reads a batch's rows into it. *n: how many; fewer than the batch size only at the end. */
static int collect(uint64_t *n, struct insert *insert, pcct_batch *batch, struct pcct_error *err)
{
    int status = 0;
    *n = 0;
    while (*n < insert->batch_size) {
        uint64_t room = insert->batch_size - *n;
        TRY(input_read(&insert->rows, insert->input, room < PIECE_ROWS ? (size_t)room : PIECE_ROWS, err));
        if (insert->rows.n == 0) break;
        TRY(note_places(insert, (size_t)*n, err));
        status = pcct_batch_insert(batch, insert->rows.points, insert->rows.n, input_has_labels(insert->input) ? insert->rows.labels : NULL, err);
        *n += insert->rows.n;
        if (status == PCCT_E_POINT || status == PCCT_E_INVALID) input_name_rows(err, insert->input, insert->place, *n);
        TRY(status);
        progress_show(&insert->writing.progress, input_share(insert->input), "reading");
    }
done:
    return status;
}

static int store_batch(int *more, struct insert *insert, struct pcct_error *err)
{
    int status = 0;
    pcct_batch *batch = NULL;
    uint64_t n = 0, versions = 0;
    double share = input_share(insert->input);
    struct writing *writing = &insert->writing;
    TRY(writing_begin(&batch, writing, insert->on_duplicate, err));
    TRY(collect(&n, insert, batch, err));
    *more = n >= insert->batch_size;
    if (n == 0) goto done;
    writing->what = "committing";
    if (insert->batch_size != UINT64_MAX && share >= 0) { /* many batches: each is a part of the file */
        writing->share_before = share;
        writing->share_all = input_share(insert->input) - share;
    }
    versions = writing->versions;
    status = writing_commit(writing, batch, err);
    if (writing->versions > versions) insert->rows_stored = input_rows_read(insert->input); /* even if its telemetry failed */
    if (status == PCCT_E_DUPLICATE) {
        input_name_rows(err, insert->input, insert->place, n);
        fault_suffix(err, "; --on-duplicate skip or replace takes such rows");
    }
    TRY(status);
done:
    pcct_batch_close(batch);
    return status;
}

/* What stays of a run that broke off, and how to go on. */
static void explain_fault(const struct insert *insert, struct pcct_error *err)
{
    static const char about_batch[] = "; nothing was changed"; /* true of the batch that failed, and not of the run */
    const struct writing *writing = &insert->writing;
    if (writing->versions == 0) return;
    char *claim = strstr(err->message, about_batch);
    if (claim) memmove(claim, claim + strlen(about_batch), strlen(claim + strlen(about_batch)) + 1);
    fault_suffix(err, "; the first %" PRIu64 " rows are stored (", insert->rows_stored);
    if (writing->versions > 1) fault_suffix(err, "v%" PRIu64 " to ", writing->first_version);
    fault_suffix(err, "v%" PRIu64 "), go on with --skip-rows %" PRIu64, writing->version, insert->rows_stored);
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0, more = 1;
    struct insert insert = { .batch_size = 0 };
    struct input_options input = { .path = NULL };
    TRY(read_options(&insert, &input, options, err));
    TRY(writing_open(&insert.writing, options, err));
    input.dim = insert.rows.dim = insert.writing.info.dim;
    TRY(input_open(&insert.input, &input, err));
    while (more && status == 0) status = store_batch(&more, &insert, err);
    if (status != 0) explain_fault(&insert, err);
    TRY(status);
    TRY(writing_report(&insert.writing, "pcct.insert.1", input_rows_skipped(insert.input), err));
done:
    input_close(insert.input);
    rows_free(&insert.rows);
    free(insert.place);
    writing_close(&insert.writing);
    return status;
}

const struct verb verb_insert = {
    .name = "insert",
    .operands = "STORE FILE",
    .summary = "add the points of a file as a new version (or several)",
    .detail =
        "FILE is .npy, .npz, or CSV (tab-separated if it ends in .tsv), packed with gzip or not; - is standard input.\n"
        "A first row that is not numbers is a header. Lines are counted from 1 in messages, rows of arrays from 0.\n"
        "\n"
        "A version is all or nothing. Without --batch-size the whole file is one version, so that an insert that fails or\n"
        "is interrupted leaves no trace; with it, whole batches before the failure stay. To repeat such a run use labels of\n"
        "your own and --on-duplicate skip, or the same --write-id, or --skip-rows.\n",
    .rows = rows_of_options,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
