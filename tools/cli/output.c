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

int output_open(struct output *output, const char *path, const char *format_word, uint64_t k, struct pcct_error *err)
{
    int status = 0;
    memset(output, 0, sizeof *output);
    output->k = k;
    TRY(output_choose_format(&output->format, path, format_word, err));
    TRY(target_open(&output->target, path, err));
done:
    return status;
}

static void add_csv(struct output *output, const int64_t *labels, const double *distances, size_t count)
{
    char number[TEXT_BYTES];
    for (size_t j = 0; j < count; j++) {
        fprintf(output->target.file, "%" PRIu64 ",%zu,%" PRId64 ",%s\n", output->n, j + 1, labels[j], text_double(number, distances[j]));
    }
}

static void add_jsonl(struct output *output, const int64_t *labels, const double *distances, size_t count)
{
    char number[TEXT_BYTES];
    FILE *file = output->target.file;
    fprintf(file, "{\"query\":%" PRIu64 ",\"labels\":[", output->n);
    for (size_t j = 0; j < count; j++) fprintf(file, "%s%" PRId64, j ? "," : "", labels[j]);
    fputs("],\"distances\":[", file);
    for (size_t j = 0; j < count; j++) fprintf(file, "%s%s", j ? "," : "", text_double(number, distances[j]));
    fputs("]}\n", file);
}

static int add_npz(struct output *output, const int64_t *labels, const double *distances, int32_t count, struct pcct_error *err)
{
    int status = 0;
    uint64_t bytes_a_query = sizeof(int32_t) + (output->k < ZIP_LIMIT ? output->k : ZIP_LIMIT) * (sizeof *labels + sizeof *distances);
    if ((output->n + 1) * bytes_a_query > ZIP_LIMIT) {
        TRY(fault(err, PCCT_E_LIMIT, "k %" PRIu64 " for %" PRIu64 " or more queries does not fit into one .npz (4 GiB); write .csv or .jsonl",
                  output->k, output->n + 1));
    }
    size_t at = (size_t)(output->n * output->k), end = at + (size_t)output->k;
    TRY(memory_grow(&output->labels, &output->labels_capacity, end, sizeof *labels, err));
    TRY(memory_grow(&output->distances, &output->distances_capacity, end, sizeof *distances, err));
    TRY(memory_grow(&output->counts, &output->counts_capacity, (size_t)output->n + 1, sizeof *output->counts, err));
    for (size_t j = 0; j < output->k; j++) {
        int found = j < (size_t)count;
        output->labels[at + j] = found ? labels[j] : -1;
        output->distances[at + j] = found ? distances[j] : INFINITY;
    }
    output->counts[output->n] = count;
done:
    return status;
}

int output_add(struct output *output, const int64_t *labels, const double *distances, const int32_t *counts, size_t nq, size_t stride,
               struct pcct_error *err)
{
    int status = 0;
    if (output->format == OUTPUT_CSV && output->n == 0) fputs("query,rank,label,distance\n", output->target.file); /* not before an answer is there */
    for (size_t i = 0; i < nq; i++) {
        size_t count = (size_t)counts[i];
        if (output->format == OUTPUT_CSV) add_csv(output, labels + i * stride, distances + i * stride, count);
        else if (output->format == OUTPUT_JSONL) add_jsonl(output, labels + i * stride, distances + i * stride, count);
        else TRY(add_npz(output, labels + i * stride, distances + i * stride, counts[i], err));
        output->n++;
    }
    TRY(target_flush(&output->target, err));
done:
    return status;
}

static int write_npz(struct output *output, struct pcct_error *err)
{
    char header[NPY_HEADER_BYTES];
    struct zip_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return fault(err, PCCT_E_MEMORY, "no memory to write %s", output->target.name);
    writer->out = output->target.file;
    size_t items = (size_t)(output->n * output->k);
    npy_header(header, "<i8", output->n, output->k);
    zip_write(writer, "labels.npy", header, sizeof header, output->labels, items * sizeof *output->labels);
    npy_header(header, "<f8", output->n, output->k);
    zip_write(writer, "distances.npy", header, sizeof header, output->distances, items * sizeof *output->distances);
    npy_header(header, "<i4", output->n, 0);
    zip_write(writer, "counts.npy", header, sizeof header, output->counts, (size_t)output->n * sizeof *output->counts);
    zip_write_end(writer);
    free(writer);
    return 0;
}

int output_finish(struct output *output, struct pcct_error *err)
{
    int status = 0;
    if (output->format == OUTPUT_NPZ) TRY(write_npz(output, err));
    TRY(target_finish(&output->target, err));
done:
    return status;
}

void output_abandon(struct output *output)
{
    target_abandon(&output->target);
    free(output->labels);
    free(output->distances);
    free(output->counts);
    memset(output, 0, sizeof *output);
}
