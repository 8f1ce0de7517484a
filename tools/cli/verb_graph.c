/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"
#include "fault.h"
#include "graph_file.h"
#include "interrupt.h"
#include "kernels.h"
#include "output.h"
#include "telemetry.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PIECE_BYTES = 1 << 25 };

static const struct option_row rows_of_options[] = {
    { OPT_K, 'k', "k", "K", "how many neighbours (required, but with --update)" },
    { OPT_UPDATE, 0, "update", "FILE", "bring a graph of any version, an .npz that this verb wrote, to this version:\n"
                                       "rows that differ alone are looked for, with the same result" },
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE: .csv, .jsonl or .npz (default: standard output, -)" },
    { OPT_FORMAT, 0, "format", "NAME", "csv (default on standard output), jsonl, npz" },
    OPTIONS_FILTERING,
    OPTIONS_CORRELATING,
    { OPT_TELEMETRY, 0, "telemetry", "FILE", "with --metric: append a line of JSON to FILE that tells how the search went" },
    { OPT_BOUNDS, 0, "bounds", NULL, "also the distance of the nearest point that is not in the answer" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct graph {
    struct asking asking;
    struct output output;
    struct pcct_knn_options ask;
    int64_t *rows; /* the points that ask */
    size_t n_rows, stride, piece;
    int64_t *labels;
    double *distances, *bounds;
    int32_t *counts;
    pcct_gp *gp;   /* the kernel of --metric; NULL: none */
    struct telemetry telemetry;
    double features_seconds;
};

static int read_rows(struct graph *graph, struct pcct_error *err)
{
    int status = 0;
    const struct asking *asking = &graph->asking;
    graph->n_rows = (size_t)asking->info.n_live;
    if (asking->filter) TRY(pcct_filter_read(NULL, &graph->n_rows, asking->filter, err));
    graph->rows = malloc((graph->n_rows + 1) * sizeof *graph->rows);
    if (!graph->rows) TRY(fault(err, PCCT_E_MEMORY, "no memory for %zu labels", graph->n_rows));
    if (asking->filter) TRY(pcct_filter_read(graph->rows, &graph->n_rows, asking->filter, err));
    else TRY(pcct_view_read(graph->rows, NULL, asking->view, err));
done:
    return status;
}

static int prepare(struct graph *graph, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    uint64_t k = 0;
    if (!options->value[OPT_K]) TRY(fault(err, PCCT_E_INVALID, "-k is missing: how many neighbours, such as -k 5"));
    TRY(options_u64(&k, options, OPT_K, 0, 1, INT32_MAX, err));
    TRY(asking_open(&graph->asking, options, err));
    if (options->value[OPT_TELEMETRY] && !options->value[OPT_METRIC]) TRY(fault(err, PCCT_E_INVALID, "--telemetry goes with --metric"));
    TRY(telemetry_open(&graph->telemetry, options, err));
    graph->features_seconds = -telemetry_now();
    TRY(correlating_open(&graph->gp, graph->asking.view, options, graph->asking.threads, err));
    graph->features_seconds += telemetry_now();
    correlating_warn(graph->gp, options);
    TRY(read_rows(graph, err));
    graph->stride = k < graph->n_rows ? (size_t)k : graph->n_rows;
    if (graph->stride == 0) graph->stride = 1;
    graph->piece = PIECE_BYTES / (sizeof *graph->labels + sizeof *graph->distances) / graph->stride + 1;
    if (graph->piece > graph->n_rows || graph->gp) graph->piece = graph->n_rows;
    graph->labels = malloc((graph->piece * graph->stride + 1) * sizeof *graph->labels);
    graph->distances = malloc((graph->piece * graph->stride + 1) * sizeof *graph->distances);
    graph->counts = malloc((graph->piece + 1) * sizeof *graph->counts);
    graph->bounds = malloc((graph->piece + 1) * sizeof *graph->bounds);
    if (!graph->labels || !graph->distances || !graph->counts || !graph->bounds) {
        TRY(fault(err, PCCT_E_MEMORY, "no memory for k %" PRIu64 "; ask for fewer neighbours", k));
    }
    graph->output = (struct output){ .kind = OUTPUT_NEAREST, .by_label = 1, .with_bounds = options->value[OPT_BOUNDS] != NULL, .k = k,
                                    .version = graph->asking.info.identity };
    if (graph->gp) correlating_tell(&graph->output, graph->gp, options);
    graph->ask.threads = graph->asking.threads;
    graph->ask.exclude_self = 1;
    graph->ask.counts = graph->counts;
    graph->ask.filter = graph->asking.filter;
    graph->ask.bounds = graph->output.with_bounds ? graph->bounds : NULL;
    TRY(output_open(&graph->output, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], err));
done:
    return status;
}

static int on_progress(void *context, double done)
{
    progress_show(context, done, "answering");
    return interrupt_asked();
}

/* All rows by the correlation of a kernel. */
static int correlate(struct graph *graph, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_store_info store = { .size = sizeof store };
    struct telemetry_question told = { .gp = graph->gp, .version = graph->asking.info.version, .rows = graph->n_rows, .k = graph->output.k,
                                       .work = { .size = sizeof told.work }, .features_seconds = graph->features_seconds };
    ask.work = &told.work;
    ask.threads = graph->asking.threads;
    ask.brute = options->value[OPT_BRUTE] != NULL;
    ask.counts = graph->counts;
    ask.filter = graph->asking.filter;
    ask.progress = on_progress;
    ask.progress_ctx = &graph->asking.progress;
    told.search_seconds = -telemetry_now();
    TRY(pcct_gp_graph(graph->labels, graph->distances, graph->gp, graph->stride, &ask, err));
    told.search_seconds += telemetry_now();
    if (graph->telemetry.path) TRY(pcct_store_describe(&store, graph->asking.store, err));
    TRY(telemetry_write_question(&graph->telemetry, &told, &store, options, err));
    if (graph->n_rows == 0) goto done;
    TRY(output_add(&graph->output, graph->rows, graph->labels, graph->distances, graph->counts, NULL, graph->n_rows, graph->stride, err));
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct graph graph = { .ask = PCCT_KNN_OPTIONS_INIT };
    if (options->value[OPT_UPDATE]) return graph_update(options, err);
    TRY(prepare(&graph, options, err));
    if (graph.gp) TRY(correlate(&graph, options, err));
    for (size_t at = 0, part = 0; at < graph.n_rows && !graph.gp; at += part) {
        const int64_t *rows = graph.rows + at;
        part = graph.n_rows - at < graph.piece ? graph.n_rows - at : graph.piece;
        TRY(interrupt_check(err));
        TRY(pcct_knn_stored(graph.labels, graph.distances, graph.asking.view, rows, part, graph.stride, &graph.ask, err));
        TRY(output_add(&graph.output, rows, graph.labels, graph.distances, graph.counts, graph.ask.bounds, part, graph.stride, err));
        progress_show(&graph.asking.progress, (double)(at + part) / (double)graph.n_rows, "answering");
    }
    TRY(output_finish(&graph.output, err));
done:
    output_abandon(&graph.output);
    free(graph.rows);
    free(graph.labels);
    free(graph.distances);
    free(graph.counts);
    free(graph.bounds);
    pcct_gp_close(graph.gp);
    telemetry_close(&graph.telemetry);
    asking_close(&graph.asking);
    return status;
}

const struct verb verb_graph = {
    .name = "graph",
    .operands = "STORE -k K",
    .summary = "find the k nearest points of every point, exactly",
    .detail =
        "A row for every point, itself left out; with --only or --level a row for each of those points alone. Rows ascend by label, or\n"
        "follow the order of --predecessors: then a point's neighbours are among the points before it, min(k, rank) of them.\n"
        "Neighbours come by distance, equal ones by label.\n"
        "\n"
        "csv    row,rank,label,distance: a line for each neighbour; row is a label, rank counts from 1\n"
        "jsonl  {\"row\":17,\"labels\":[...],\"distances\":[...]}: a line for each row\n"
        "npz    rows int64 [n], labels int64 [n,k], distances float64 [n,k], counts int32 [n]; -1 and inf where fewer than k were found;\n"
        "       version uint8 [16], the identity of the version; with --metric also residual or correlation uint8 [16], the digest of\n"
        "       the kernel\n"
        "\n"
        "--bounds adds \"bound\" to jsonl, null where no point is left out, and bounds float64 [n] to npz.\n"
        "--metric residual and correlation: distances are sqrt(1 - |rho|) under a kernel (pcct kernel --help); without inducing points\n"
        "neighbours come by scaled distance. --update takes such a graph with the same --metric; where the kernel is another one by\n"
        "then, all rows are looked for anew.\n"
        "FILE of -o appears when the graph is whole, or not at all.\n",
    .rows = rows_of_options,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
