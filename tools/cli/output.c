/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"
#include "fault.h"
#include "npy.h"
#include "text.h"
#include "zip.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const format_words[] = { "csv", "jsonl", "npz", NULL };

int output_choose_format(enum output_format *format, const char *path, const char *word, struct pcct_error *err)
{
    int to_stdout = !path || strcmp(path, "-") == 0;
    *format = OUTPUT_CSV;
    for (int i = 0; format_words[i]; i++) {
        char ending[16];
        (void)snprintf(ending, sizeof ending, ".%s", format_words[i]);
        if (word ? strcmp(word, format_words[i]) == 0 : !to_stdout && text_ends_in(path, ending)) {
            *format = (enum output_format)i;
            if (i == OUTPUT_NPZ && to_stdout && isatty(STDOUT_FILENO)) {
                return fault(err, PCCT_E_INVALID, "npz is not for a terminal; name a file with -o");
            }
            return 0;
        }
    }
    if (word) return fault(err, PCCT_E_INVALID, "\"%s\" is not a choice of --format; it takes csv, jsonl, npz", word);
    if (to_stdout) return 0;
    return fault(err, PCCT_E_INVALID, "%s: the ending tells no format; end it in .csv, .jsonl or .npz, or give --format", path);
}

int output_open(struct output *output, const char *path, const char *format_word, struct pcct_error *err)
{
    int status = 0;
    TRY(output_choose_format(&output->format, path, format_word, err));
    if (output->with_bounds && output->format == OUTPUT_CSV) {
        TRY(fault(err, PCCT_E_INVALID, "--bounds goes with jsonl and npz; a csv has no place for it"));
    }
    TRY(target_open(&output->target, path, err));
done:
    return status;
}

/* What a line calls its query, and its number. */
static const char *query_word(const struct output *output)
{
    return output->by_label ? "row" : "query";
}

/* The first line of a csv, not before an answer is there. */
static void add_header(const struct output *output)
{
    if (output->format != OUTPUT_CSV || output->n > 0) return;
    fprintf(output->target.file, output->kind == OUTPUT_COUNTS ? "%s,count\n" : "%s,rank,label,distance\n", query_word(output));
}

static void add_csv(struct output *output, int64_t query, const int64_t *labels, const double *distances, size_t count)
{
    char number[TEXT_BYTES];
    for (size_t j = 0; j < count; j++) {
        fprintf(output->target.file, "%" PRId64 ",%zu,%" PRId64 ",%s\n", query, j + 1, labels[j], text_double(number, distances[j]));
    }
}

static void add_jsonl(struct output *output, int64_t query, const int64_t *labels, const double *distances, size_t count, const double *bound)
{
    char number[TEXT_BYTES];
    FILE *file = output->target.file;
    fprintf(file, "{\"%s\":%" PRId64 ",\"labels\":[", query_word(output), query);
    for (size_t j = 0; j < count; j++) fprintf(file, "%s%" PRId64, j ? "," : "", labels[j]);
    fputs("],\"distances\":[", file);
    for (size_t j = 0; j < count; j++) fprintf(file, "%s%s", j ? "," : "", text_double(number, distances[j]));
    fputs("]", file);
    if (bound) fprintf(file, ",\"bound\":%s", isinf(*bound) ? "null" : text_double(number, *bound));
    fputs("}\n", file);
}

/* Room for `items` items, of which those before `used` are kept; *(void **)out: the first new one. */
static int grow(void *out, struct output_column *column, size_t used, size_t items, size_t item_bytes, struct pcct_error *err)
{
    int status = memory_grow(&column->data, &column->capacity, items, item_bytes, err);
    char *at = status == 0 ? (char *)column->data + used * item_bytes : NULL;
    memcpy(out, &at, sizeof at);
    return status;
}

static int add_npz(struct output *output, int64_t query, const int64_t *labels, const double *distances, int32_t count, const double *bound,
                   struct pcct_error *err)
{
    int status = 0;
    int64_t *to_labels = NULL, *to_row = NULL;
    double *to_distances = NULL, *to_bound = NULL;
    int32_t *to_count = NULL;
    const uint64_t n = output->n, k = output->k < ZIP_LIMIT ? output->k : ZIP_LIMIT;
    const uint64_t bytes_a_query = 2 * sizeof(double) + sizeof count + k * (sizeof *labels + sizeof *distances);
    if ((n + 1) * bytes_a_query > ZIP_LIMIT) {
        TRY(fault(err, PCCT_E_LIMIT, "k %" PRIu64 " for %" PRIu64 " or more queries does not fit into one .npz (4 GiB); write .csv or .jsonl",
                  output->k, n + 1));
    }
    TRY(grow(&to_labels, &output->labels, (size_t)(n * k), (size_t)((n + 1) * k), sizeof *to_labels, err));
    TRY(grow(&to_distances, &output->distances, (size_t)(n * k), (size_t)((n + 1) * k), sizeof *to_distances, err));
    TRY(grow(&to_count, &output->counts, (size_t)n, (size_t)n + 1, sizeof *to_count, err));
    if (output->by_label) {
        TRY(grow(&to_row, &output->rows, (size_t)n, (size_t)n + 1, sizeof *to_row, err));
        *to_row = query;
    }
    if (bound) {
        TRY(grow(&to_bound, &output->bounds, (size_t)n, (size_t)n + 1, sizeof *to_bound, err));
        *to_bound = *bound;
    }
    for (size_t j = 0; j < k; j++) {
        int found = j < (size_t)count;
        to_labels[j] = found ? labels[j] : -1;
        to_distances[j] = found ? distances[j] : INFINITY;
    }
    *to_count = count;
done:
    return status;
}

int output_add(struct output *output, const int64_t *rows, const int64_t *labels, const double *distances, const int32_t *counts,
               const double *bounds, size_t nq, size_t stride, struct pcct_error *err)
{
    int status = 0;
    add_header(output);
    for (size_t i = 0; i < nq; i++) {
        const int64_t query = rows ? rows[i] : (int64_t)output->n, *label = labels + i * stride;
        const double *distance = distances + i * stride, *bound = bounds ? &bounds[i] : NULL;
        if (output->format == OUTPUT_CSV) add_csv(output, query, label, distance, (size_t)counts[i]);
        else if (output->format == OUTPUT_JSONL) add_jsonl(output, query, label, distance, (size_t)counts[i], bound);
        else TRY(add_npz(output, query, label, distance, counts[i], bound, err));
        output->n++;
    }
    TRY(target_flush(&output->target, err));
done:
    return status;
}

/* starts[0] is written with the first query. */
static int add_npz_within(struct output *output, const int64_t *labels, const double *distances, size_t count, struct pcct_error *err)
{
    int status = 0;
    int64_t *to_labels = NULL, *to_starts = NULL;
    double *to_distances = NULL;
    const size_t places = (size_t)output->places, n = (size_t)output->n;
    if ((places + count + n + 2) * (sizeof *labels + sizeof *distances) > ZIP_LIMIT) {
        TRY(fault(err, PCCT_E_LIMIT, "more than %zu neighbours do not fit into one .npz (4 GiB); write .csv or .jsonl, or give a --cap", places));
    }
    TRY(grow(&to_labels, &output->labels, places, places + count, sizeof *to_labels, err));
    TRY(grow(&to_distances, &output->distances, places, places + count, sizeof *to_distances, err));
    TRY(grow(&to_starts, &output->starts, n, n + 2, sizeof *to_starts, err));
    if (count > 0) memcpy(to_labels, labels, count * sizeof *labels);
    if (count > 0) memcpy(to_distances, distances, count * sizeof *distances);
    to_starts[0] = (int64_t)places;
    to_starts[1] = (int64_t)(places + count);
    output->places += count;
done:
    return status;
}

int output_add_within(struct output *output, const struct pcct_answer_rows *answer, struct pcct_error *err)
{
    int status = 0;
    add_header(output);
    for (size_t i = 0; i < answer->nq; i++) {
        const size_t count = (size_t)(answer->starts[i + 1] - answer->starts[i]);
        const int64_t *labels = count > 0 ? answer->labels + answer->starts[i] : NULL;
        const double *distances = count > 0 ? answer->distances + answer->starts[i] : NULL;
        if (output->format == OUTPUT_CSV) add_csv(output, (int64_t)output->n, labels, distances, count);
        else if (output->format == OUTPUT_JSONL) add_jsonl(output, (int64_t)output->n, labels, distances, count, NULL);
        else TRY(add_npz_within(output, labels, distances, count, err));
        output->n++;
    }
    TRY(target_flush(&output->target, err));
done:
    return status;
}

int output_add_counts(struct output *output, const uint64_t *counts, size_t nq, struct pcct_error *err)
{
    int status = 0;
    uint64_t *to_counts = NULL;
    FILE *file = output->target.file;
    add_header(output);
    for (size_t i = 0; i < nq; i++) {
        if (output->format == OUTPUT_CSV) {
            fprintf(file, "%" PRIu64 ",%" PRIu64 "\n", output->n, counts[i]);
        } else if (output->format == OUTPUT_JSONL) {
            fprintf(file, "{\"query\":%" PRIu64 ",\"count\":%" PRIu64 "}\n", output->n, counts[i]);
        } else {
            TRY(grow(&to_counts, &output->counts, (size_t)output->n, (size_t)output->n + 1, sizeof *to_counts, err));
            *to_counts = counts[i];
        }
        output->n++;
    }
    TRY(target_flush(&output->target, err));
done:
    return status;
}

static void write_column(struct zip_writer *writer, const char *name, const char *type, const void *data, uint64_t rows, uint64_t columns)
{
    char header[NPY_HEADER_BYTES];
    size_t item_bytes = (size_t)(type[2] - '0');
    npy_header(header, type, rows, columns);
    zip_write(writer, name, header, sizeof header, data, (size_t)(rows * (columns ? columns : 1)) * item_bytes);
}

static int write_npz(struct output *output, struct pcct_error *err)
{
    static const int64_t none[1] = { 0 };
    struct zip_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return fault(err, PCCT_E_MEMORY, "no memory to write %s", output->target.name);
    writer->out = output->target.file;
    if (output->by_label) write_column(writer, "rows.npy", "<i8", output->rows.data, output->n, 0);
    if (output->kind == OUTPUT_NEAREST) {
        write_column(writer, "labels.npy", "<i8", output->labels.data, output->n, output->k);
        write_column(writer, "distances.npy", "<f8", output->distances.data, output->n, output->k);
        write_column(writer, "counts.npy", "<i4", output->counts.data, output->n, 0);
    } else if (output->kind == OUTPUT_WITHIN) {
        write_column(writer, "starts.npy", "<i8", output->n > 0 ? output->starts.data : none, output->n + 1, 0);
        write_column(writer, "labels.npy", "<i8", output->labels.data, output->places, 0);
        write_column(writer, "distances.npy", "<f8", output->distances.data, output->places, 0);
    } else {
        write_column(writer, "counts.npy", "<i8", output->counts.data, output->n, 0);
    }
    if (output->with_bounds) write_column(writer, "bounds.npy", "<f8", output->bounds.data, output->n, 0);
    if (output->version) write_column(writer, "version.npy", "|u1", output->version, 16, 0);
    if (output->kernel_word) {
        char name[ZIP_NAME_BYTES];
        (void)snprintf(name, sizeof name, "%s.npy", output->kernel_word);
        write_column(writer, name, "|u1", output->kernel, 16, 0);
    }
    zip_write_end(writer);
    free(writer);
    return 0;
}

int output_finish(struct output *output, struct pcct_error *err)
{
    int status = 0;
    add_header(output); /* no query, no line but this */
    if (output->format == OUTPUT_NPZ) TRY(write_npz(output, err));
    TRY(target_finish(&output->target, err));
done:
    return status;
}

void output_abandon(struct output *output)
{
    target_abandon(&output->target);
    free(output->rows.data);
    free(output->labels.data);
    free(output->distances.data);
    free(output->counts.data);
    free(output->starts.data);
    free(output->bounds.data);
    memset(output, 0, sizeof *output);
}
