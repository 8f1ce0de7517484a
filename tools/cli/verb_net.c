/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "npy.h"
#include "output.h"
#include "reading.h"
#include "text.h"
#include "verbs.h"
#include "zip.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>

enum { PIECE = 4096 }; /* points of a text that are held at once */

static const struct option_row rows[] = {
    { OPT_LEVEL, 0, "level", "I", "the level, a whole number that may be negative (required)" },
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE: .csv, .jsonl or .npz (default: standard output, -)" },
    { OPT_FORMAT, 0, "format", "NAME", "csv (default on standard output), jsonl, npz" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct net {
    pcct_store *store;
    pcct_view *view;
    uint32_t dim;
    struct target target;
    size_t n;
    int64_t *labels;
    double *points; /* [piece][dim] */
};

static void print_csv(const struct net *net, size_t first, size_t n)
{
    char number[TEXT_BYTES];
    FILE *file = net->target.file;
    for (size_t i = 0; i < n; i++) {
        fprintf(file, "%" PRId64, net->labels[first + i]);
        for (uint32_t j = 0; j < net->dim; j++) fprintf(file, ",%s", text_double(number, net->points[i * net->dim + j]));
        fputc('\n', file);
    }
}

static void print_jsonl(const struct net *net, size_t first, size_t n)
{
    char number[TEXT_BYTES];
    FILE *file = net->target.file;
    for (size_t i = 0; i < n; i++) {
        fprintf(file, "{\"label\":%" PRId64 ",\"point\":[", net->labels[first + i]);
        for (uint32_t j = 0; j < net->dim; j++) fprintf(file, "%s%s", j ? "," : "", text_double(number, net->points[i * net->dim + j]));
        fputs("]}\n", file);
    }
}

static int write_text(struct net *net, enum output_format format, struct pcct_error *err)
{
    int status = 0;
    net->points = malloc(PIECE * net->dim * sizeof *net->points);
    if (!net->points) TRY(fault(err, PCCT_E_MEMORY, "no memory for the points"));
    if (format == OUTPUT_CSV) {
        fputs("label", net->target.file);
        for (uint32_t j = 1; j <= net->dim; j++) fprintf(net->target.file, ",x%u", j);
        fputc('\n', net->target.file);
    }
    for (size_t at = 0, part = 0; at < net->n; at += part) {
        part = net->n - at < PIECE ? net->n - at : PIECE;
        TRY(interrupt_check(err));
        TRY(pcct_view_find(net->points, net->view, net->labels + at, part, err));
        if (format == OUTPUT_CSV) print_csv(net, at, part);
        else print_jsonl(net, at, part);
        TRY(target_flush(&net->target, err));
    }
done:
    return status;
}

static int write_npz(struct net *net, struct pcct_error *err)
{
    int status = 0;
    char header[NPY_HEADER_BYTES];
    struct zip_writer *writer = NULL;
    if (net->n > ZIP_LIMIT / (sizeof *net->labels + net->dim * sizeof *net->points)) {
        TRY(fault(err, PCCT_E_LIMIT, "%zu points do not fit into one .npz (4 GiB); write .csv or .jsonl, or ask for a greater level", net->n));
    }
    writer = calloc(1, sizeof *writer);
    net->points = malloc((net->n + 1) * net->dim * sizeof *net->points);
    if (!writer || !net->points) TRY(fault(err, PCCT_E_MEMORY, "no memory for the points; write .csv or .jsonl, or ask for a greater level"));
    TRY(pcct_view_find(net->points, net->view, net->labels, net->n, err));
    writer->out = net->target.file;
    npy_header(header, "<i8", net->n, 0);
    zip_write(writer, "labels.npy", header, sizeof header, net->labels, net->n * sizeof *net->labels);
    npy_header(header, "<f8", net->n, net->dim);
    zip_write(writer, "points.npy", header, sizeof header, net->points, net->n * net->dim * sizeof *net->points);
    zip_write_end(writer);
done:
    free(writer);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    int64_t level = 0;
    enum output_format format = OUTPUT_CSV;
    struct net net = { .store = NULL };
    struct pcct_view_info info = { .size = sizeof info };
    if (!options->value[OPT_LEVEL]) {
        TRY(fault(err, PCCT_E_INVALID, "--level is missing: an exponent of two; pcct info --levels shows which there are"));
    }
    TRY(options_i64(&level, options, OPT_LEVEL, PCCT_LEVEL_MIN, PCCT_LEVEL_MAX, err));
    TRY(output_choose_format(&format, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], err));
    TRY(reading_open(&net.store, options, err));
    TRY(reading_view(&net.view, net.store, options, err));
    TRY(pcct_view_describe(&info, net.view));
    net.dim = info.dim;
    TRY(pcct_net(NULL, &net.n, net.view, (int)level, err));
    net.labels = malloc((net.n + 1) * sizeof *net.labels);
    if (!net.labels) TRY(fault(err, PCCT_E_MEMORY, "no memory for %zu labels", net.n));
    TRY(pcct_net(net.labels, &net.n, net.view, (int)level, err));
    TRY(target_open(&net.target, options->value[OPT_OUTPUT], err));
    if (format == OUTPUT_NPZ) TRY(write_npz(&net, err));
    else TRY(write_text(&net, format, err));
    TRY(target_finish(&net.target, err));
done:
    target_abandon(&net.target);
    free(net.labels);
    free(net.points);
    pcct_view_close(net.view);
    pcct_store_close(net.store);
    return status;
}

const struct verb verb_net = {
    .name = "net",
    .operands = "STORE --level I",
    .summary = "write a net: points that are far apart and near to all others",
    .detail =
        "The net of level I are the nodes of the tree of this level and above: more than 2^I apart, and no live point is 2^(I+1)\n"
        "or more from the nearest. Greater levels give smaller nets, one within the other, down to the root alone.\n"
        "2^I is in the tree's own unit: the distance itself, but the chord between unit vectors for haversine, cosine, angular.\n"
        "\n"
        "csv    label,x1,x2,...: a line for each point, ascending by label; pcct insert --label-column label takes it\n"
        "jsonl  {\"label\":17,\"point\":[...]}\n"
        "npz    labels int64 [n], points float64 [n,dim]\n"
        "\n"
        "FILE of -o appears when the net is whole, or not at all.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
