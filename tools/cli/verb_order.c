/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "npy.h"
#include "ordering.h"
#include "output.h"
#include "verbs.h"
#include "zip.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct option_row rows[] = {
    OPTIONS_ORDERING,
    { OPT_AT, 0, "at", "REV", "the version to order (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE: .csv, .jsonl or .npz (default: standard output, -)" },
    { OPT_FORMAT, 0, "format", "NAME", "csv (default on standard output), jsonl, npz" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static void write_text(FILE *file, enum output_format format, const int64_t *labels, size_t n)
{
    if (format == OUTPUT_CSV) fputs("label\n", file);
    for (size_t i = 0; i < n; i++) {
        if (format == OUTPUT_CSV) fprintf(file, "%" PRId64 "\n", labels[i]);
        else fprintf(file, "{\"rank\":%zu,\"label\":%" PRId64 "}\n", i, labels[i]);
    }
}

static int write_npz(FILE *file, const int64_t *labels, size_t n, struct pcct_error *err)
{
    char header[NPY_HEADER_BYTES];
    if (n > ZIP_LIMIT / sizeof *labels) return fault(err, PCCT_E_LIMIT, "%zu labels do not fit into one .npz (4 GiB); write .csv or .jsonl", n);
    struct zip_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return fault(err, PCCT_E_MEMORY, "no memory for an archive; write .csv or .jsonl");
    writer->out = file;
    npy_header(header, "<i8", n, 0);
    zip_write(writer, "labels.npy", header, sizeof header, labels, n * sizeof *labels);
    zip_write_end(writer);
    free(writer);
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    enum output_format format = OUTPUT_CSV;
    struct target target = { .file = NULL };
    struct ordering ordering = { .store = NULL };
    int64_t *labels = NULL;
    size_t n = 0;
    TRY(output_choose_format(&format, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], err));
    TRY(ordering_open(&ordering, options, err));
    n = (size_t)ordering.info.n_live;
    labels = malloc((n + 1) * sizeof *labels);
    if (!labels) TRY(fault(err, PCCT_E_MEMORY, "no memory for %zu labels", n));
    TRY(target_open(&target, options->value[OPT_OUTPUT], err));
    TRY(pcct_ordering(labels, ordering.view, &ordering.ask, err));
    if (format == OUTPUT_NPZ) TRY(write_npz(target.file, labels, n, err));
    else write_text(target.file, format, labels, n);
    TRY(target_finish(&target, err));
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    target_abandon(&target);
    free(labels);
    ordering_close(&ordering);
    return status;
}

const struct verb verb_order = {
    .name = "order",
    .operands = "STORE",
    .summary = "put the points in an order: maxmin, coarse to fine, Hilbert, ...",
    .detail = ORDERING_DETAIL
        "\n"
        "csv    label: a line for each point, first to last; pcct graph --predecessors=FILE and --order FILE take it\n"
        "jsonl  {\"rank\":0,\"label\":17}\n"
        "npz    labels int64 [n]\n"
        "\n"
        "FILE of -o appears when the order is whole, or not at all.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
