/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"
#include "csv_input.h"
#include "fault.h"
#include "npy.h"
#include "npy_input.h"
#include "source.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    struct source *source;
    struct csv_input *csv; /* one of these two */
    struct npy_input *npy;
    struct input_options options;
    int64_t *labels; /* of --labels */
    size_t n_labels;
    uint64_t rows_read, skipped;
    int ended;
};

int rows_add(size_t *first, struct rows *rows, size_t n, struct pcct_error *err)
{
    int status = 0;
    size_t total = rows->n + n;
    TRY(memory_grow(&rows->points, &rows->points_capacity, total * rows->dim, sizeof *rows->points, err));
    TRY(memory_grow(&rows->labels, &rows->labels_capacity, total, sizeof *rows->labels, err));
    TRY(memory_grow(&rows->place, &rows->place_capacity, total, sizeof *rows->place, err));
    *first = rows->n;
    rows->n = total;
done:
    return status;
}

void rows_free(struct rows *rows)
{
    free(rows->points);
    free(rows->labels);
    free(rows->place);
    memset(rows, 0, sizeof *rows);
}

static int open_npz(struct input *input, struct pcct_error *err)
{
    int status = 0;
    if (input->options.columns) TRY(fault(err, PCCT_E_INVALID, "--columns is for text files; an array gives all its columns"));
    TRY(source_open_array(&input->source, input->options.path, input->options.array, "points", err));
    TRY(npy_input_open(&input->npy, input->source, &input->options, err));
done:
    return status;
}

static int open_stream(struct input *input, struct pcct_error *err)
{
    int status = 0;
    const unsigned char *start = NULL;
    size_t bytes = 0;
    const char *path = input->options.path;
    if (input->options.array) TRY(fault(err, PCCT_E_INVALID, "--array is for .npz files"));
    TRY(source_open(&input->source, path, err));
    TRY(source_peek(&start, &bytes, input->source, NPY_MAGIC_BYTES, err));
    if (bytes == 0) TRY(fault(err, PCCT_E_INVALID, "%s: the file is empty", source_name(input->source)));
    if (bytes >= 4 && memcmp(start, "PK\3\4", 4) == 0) {
        TRY(fault(err, PCCT_E_INVALID, "%s: an archive cannot be read this way; give an .npz file by its name", source_name(input->source)));
    }
    if (npy_is_magic(start, bytes)) {
        if (input->options.columns) TRY(fault(err, PCCT_E_INVALID, "--columns is for text files; an array gives all its columns"));
        if (input->options.label_column) TRY(fault(err, PCCT_E_INVALID, "--label-column is for text and .npz files; use --labels FILE"));
        TRY(npy_input_open(&input->npy, input->source, &input->options, err));
    } else {
        int tabs = text_ends_in(path, ".tsv") || text_ends_in(path, ".tsv.gz");
        TRY(csv_input_open(&input->csv, input->source, &input->options, tabs, err));
    }
done:
    return status;
}

int input_open(struct input **input, const struct input_options *options, struct pcct_error *err)
{
    int status = 0;
    struct input *fresh = calloc(1, sizeof *fresh);
    *input = NULL;
    if (!fresh) return fault(err, PCCT_E_MEMORY, "no memory to read %s", options->path);
    fresh->options = *options;
    if (options->labels && options->label_column) TRY(fault(err, PCCT_E_INVALID, "--labels and --label-column both give labels; choose one"));
    if (options->labels && strcmp(options->labels, "-") == 0 && strcmp(options->path, "-") == 0) {
        TRY(fault(err, PCCT_E_INVALID, "points and labels cannot both come from standard input; give one of them by a file's name"));
    }
    if (options->labels) TRY(label_list_read(&fresh->labels, &fresh->n_labels, options->labels, err));
    if (text_ends_in(options->path, ".npz")) TRY(open_npz(fresh, err));
    else TRY(open_stream(fresh, err));
done:
    if (status != 0) input_close(fresh);
    else *input = fresh;
    return status;
}

void input_close(struct input *input)
{
    if (!input) return;
    csv_input_close(input->csv);
    npy_input_close(input->npy);
    source_close(input->source);
    free(input->labels);
    free(input);
}

static int attach_labels(struct rows *rows, struct input *input, struct pcct_error *err)
{
    char count[TEXT_BYTES];
    for (size_t i = 0; i < rows->n; i++) {
        uint64_t row = input->rows_read + i;
        if (row >= input->n_labels) {
            return fault(err, PCCT_E_INVALID, "%s has more rows than the %s that --labels gives", input_name(input),
                         text_count(count, input->n_labels, "label"));
        }
        rows->labels[i] = input->labels[row];
    }
    if (rows->n == 0 && input->rows_read < input->n_labels) {
        (void)fault(err, PCCT_E_INVALID, "%s has only %s", input_name(input), text_count(count, input->rows_read, "row"));
        fault_suffix(err, " for the %s that --labels gives", text_count(count, input->n_labels, "label"));
        return err->code;
    }
    return 0;
}

static const char *fault_of_point(const double *point, uint32_t dim)
{
    const char *words = NULL;
    for (uint32_t j = 0; j < dim; j++) {
        if (isnan(point[j])) return "has NaN or an empty field";
        if (isinf(point[j])) words = "has an infinite coordinate";
    }
    return words;
}

static void move_row(struct rows *rows, size_t to, size_t from)
{
    if (to == from) return;
    memcpy(rows->points + to * rows->dim, rows->points + from * rows->dim, rows->dim * sizeof *rows->points);
    rows->labels[to] = rows->labels[from];
    rows->place[to] = rows->place[from];
}

/* Leaves out the rows that --skip-rows and --nan skip say, or names the first row that cannot be taken and how many there are in this piece. */
static int sift(struct rows *rows, struct input *input, struct pcct_error *err)
{
    size_t kept = 0, bad = 0;
    uint64_t bad_place = 0;
    const char *bad_words = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        if (input->rows_read + i < input->options.skip_rows) continue;
        const char *words = fault_of_point(rows->points + i * rows->dim, rows->dim);
        if (!words) {
            move_row(rows, kept++, i);
        } else if (bad++ == 0) {
            bad_place = rows->place[i];
            bad_words = words;
        }
    }
    if (bad > 0 && !input->options.nan_skip) {
        (void)fault(err, PCCT_E_POINT, "%s: %s %llu %s", input_name(input), input_place_word(input), (unsigned long long)bad_place, bad_words);
        if (bad == 2) fault_suffix(err, " (and so does one more row after it)");
        if (bad > 2) fault_suffix(err, " (and so do %zu more rows after it)", bad - 1);
        if (input->options.nan_hint) fault_suffix(err, "; %s", input->options.nan_hint);
        return err->code;
    }
    input->skipped += bad;
    rows->n = kept;
    return 0;
}

int input_read(struct rows *rows, struct input *input, size_t most, struct pcct_error *err)
{
    int status = 0;
    size_t got = 0;
    rows->n = 0;
    while (rows->n == 0 && !input->ended) {
        if (input->csv) TRY(csv_input_read(rows, input->csv, most, err));
        else TRY(npy_input_read(rows, input->npy, most, err));
        got = rows->n;
        if (input->labels) TRY(attach_labels(rows, input, err));
        TRY(sift(rows, input, err));
        input->rows_read += got;
        input->ended = got == 0;
    }
    if (input->ended && input->rows_read == 0) TRY(fault(err, PCCT_E_INVALID, "%s: no rows of data", input_name(input)));
done:
    return status;
}

int input_has_labels(const struct input *input)
{
    return input->labels != NULL || input->options.label_column != NULL;
}

const char *input_name(const struct input *input)
{
    return source_name(input->source);
}

const char *input_place_word(const struct input *input)
{
    return input->csv ? "line" : "row";
}

void input_name_rows(struct pcct_error *err, const struct input *input, const uint64_t *place, uint64_t n)
{
    unsigned long long first = 0, second = 0;
    int end = 0;
    const char *word = input_place_word(input), *text = err->message;
    char where[PCCT_MESSAGE_BYTES] = "", rest[PCCT_MESSAGE_BYTES];
    if (sscanf(text, "rows %llu and %llu%n", &first, &second, &end) == 2 && end > 0 && first < n && second < n) {
        (void)snprintf(where, sizeof where, "%ss %llu and %llu", word, (unsigned long long)place[first], (unsigned long long)place[second]);
    } else if (sscanf(text, "row %llu%n", &first, &end) == 1 && end > 0 && first < n) {
        (void)snprintf(where, sizeof where, "%s %llu", word, (unsigned long long)place[first]);
    } else {
        end = 0;
    }
    memcpy(rest, text, sizeof rest);
    (void)fault(err, err->code, "%s: %s%s", input_name(input), where, rest + end);
}

uint64_t input_rows_read(const struct input *input)
{
    return input->rows_read;
}

uint64_t input_rows_skipped(const struct input *input)
{
    return input->skipped;
}

double input_share(const struct input *input)
{
    return source_share(input->source);
}
