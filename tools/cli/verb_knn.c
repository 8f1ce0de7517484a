/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "input.h"
#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>

/* Queries are answered in pieces, so that a stream needs little memory and Ctrl-C is heard. */
enum { PIECE_QUERIES = 16384, PIECE_BYTES = 1 << 26 };

static const struct option_row rows_of_options[] = {
    { OPT_K, 'k', "k", "K", "how many neighbours (required)" },
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE: .csv, .jsonl or .npz (default: standard output, -)" },
    { OPT_FORMAT, 0, "format", "NAME", "csv (default on standard output), jsonl, npz" },
    { OPT_COLUMNS, 'c', "columns", "LIST", "columns of the coordinates, by name or by number from 1" },
    { OPT_ARRAY, 0, "array", "NAME", "array of an .npz (default: points, or the only one, or arr_0)" },
    { OPT_LABELS, 'l', "labels", "LIST", "ask for stored points by label: 17,18,400; or a file of labels" },
    { OPT_EXCLUDE_SELF, 0, "exclude-self", NULL, "with --labels: leave the point itself out of its neighbours" },
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct knn {
    const struct options *options;
    pcct_store *store;
    pcct_view *view;
    struct pcct_view_info info;
    struct progress progress;
    struct output output;
    struct pcct_knn_options ask;
    uint64_t k;
    size_t stride, piece; /* places of an answer; queries of a piece */
    int64_t *labels;
    double *distances;
    int32_t *counts;
};

static int check_options(const struct options *options, struct pcct_error *err)
{
    int from_file = options->operand[1] != NULL, from_labels = options->value[OPT_LABELS] != NULL;
    if (!options->value[OPT_K]) return fault(err, PCCT_E_INVALID, "-k is missing: how many neighbours, such as -k 5");
    if (from_file == from_labels) return fault(err, PCCT_E_INVALID, "give a file of queries, or --labels of stored points (one of the two)");
    if (options->value[OPT_EXCLUDE_SELF] && !from_labels) return fault(err, PCCT_E_INVALID, "--exclude-self goes with --labels");
    if (from_labels && (options->value[OPT_COLUMNS] || options->value[OPT_ARRAY])) {
        return fault(err, PCCT_E_INVALID, "--columns and --array go with a file of queries, not with --labels");
    }
    return 0;
}

static int prepare(struct knn *knn, struct pcct_error *err)
{
    int status = 0;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    const struct options *options = knn->options;
    TRY(check_options(options, err));
    TRY(options_u64(&knn->k, options, OPT_K, 0, 1, INT32_MAX, err));
    TRY(options_threads(&open.threads, options, err));
    TRY(pcct_store_open(&knn->store, options->operand[0], &open, err));
    TRY(pcct_view_open(&knn->view, knn->store, options->value[OPT_AT] ? options->value[OPT_AT] : "main", err));
    TRY(pcct_view_describe(&knn->info, knn->view));
    /* More than all points cannot be found, and room for them would be wasted; an .npz is padded to k by the output. */
    knn->stride = knn->k < knn->info.n_live ? (size_t)knn->k : (size_t)knn->info.n_live;
    if (knn->stride == 0) knn->stride = 1;
    knn->piece = PIECE_BYTES / (sizeof *knn->labels + sizeof *knn->distances) / knn->stride;
    if (knn->piece > PIECE_QUERIES) knn->piece = PIECE_QUERIES;
    if (knn->piece == 0) knn->piece = 1;
    knn->labels = malloc(knn->piece * knn->stride * sizeof *knn->labels);
    knn->distances = malloc(knn->piece * knn->stride * sizeof *knn->distances);
    knn->counts = malloc(knn->piece * sizeof *knn->counts);
    if (!knn->labels || !knn->distances || !knn->counts) {
        TRY(fault(err, PCCT_E_MEMORY, "no memory for k %" PRIu64 "; ask for fewer neighbours", knn->k));
    }
    knn->ask.threads = open.threads;
    knn->ask.exclude_self = options->value[OPT_EXCLUDE_SELF] != NULL;
    knn->ask.counts = knn->counts;
    TRY(output_open(&knn->output, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], knn->k, err));
done:
    return status;
}

static int ask_points(struct knn *knn, struct pcct_error *err)
{
    int status = 0;
    struct input *input = NULL;
    struct rows rows = { .dim = knn->info.dim };
    const struct input_options options = {
        .path = knn->options->operand[1],
        .columns = knn->options->value[OPT_COLUMNS],
        .array = knn->options->value[OPT_ARRAY],
        .dim = knn->info.dim,
    };
    TRY(input_open(&input, &options, err));
    for (;;) {
        TRY(input_read(&rows, input, knn->piece, err));
        if (rows.n == 0) break;
        for (size_t at = 0, part = 0; at < rows.n; at += part) {
            part = rows.n - at < knn->piece ? rows.n - at : knn->piece;
            TRY(interrupt_check(err));
            status = pcct_knn(knn->labels, knn->distances, knn->view, rows.points + at * rows.dim, part, knn->stride, &knn->ask, err);
            if (status == PCCT_E_POINT) input_name_rows(err, input, rows.place + at, part);
            TRY(status);
            TRY(output_add(&knn->output, knn->labels, knn->distances, knn->counts, part, knn->stride, err));
        }
        progress_show(&knn->progress, input_share(input), "answering");
    }
done:
    input_close(input);
    rows_free(&rows);
    return status;
}

static int ask_labels(struct knn *knn, struct pcct_error *err)
{
    int status = 0;
    int64_t *asked = NULL;
    size_t n = 0;
    TRY(label_list_read(&asked, &n, knn->options->value[OPT_LABELS], err));
    for (size_t at = 0, part = 0; at < n; at += part) {
        part = n - at < knn->piece ? n - at : knn->piece;
        TRY(interrupt_check(err));
        TRY(pcct_knn_stored(knn->labels, knn->distances, knn->view, asked + at, part, knn->stride, &knn->ask, err));
        TRY(output_add(&knn->output, knn->labels, knn->distances, knn->counts, part, knn->stride, err));
        progress_show(&knn->progress, (double)at / (double)n, "answering");
    }
done:
    free(asked);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct knn knn = { .options = options, .info = { .size = sizeof knn.info }, .ask = PCCT_KNN_OPTIONS_INIT };
    progress_begin(&knn.progress, options->verb->name, options->value[OPT_QUIET] != NULL);
    TRY(prepare(&knn, err));
    if (options->value[OPT_LABELS]) TRY(ask_labels(&knn, err));
    else TRY(ask_points(&knn, err));
    TRY(output_finish(&knn.output, err));
done:
    progress_end(&knn.progress);
    output_abandon(&knn.output);
    free(knn.labels);
    free(knn.distances);
    free(knn.counts);
    pcct_view_close(knn.view);
    pcct_store_close(knn.store);
    return status;
}

const struct verb verb_knn = {
    .name = "knn",
    .operands = "STORE (FILE | --labels LIST) -k K",
    .summary = "find the k nearest points of each query, exactly",
    .detail =
        "FILE is .npy, .npz or CSV as for pcct insert; - is standard input. Neighbours come by distance, equal ones by label.\n"
        "\n"
        "csv    query,rank,label,distance: a line for each neighbour; query counts from 0 in the order asked, rank from 1\n"
        "jsonl  {\"query\":0,\"labels\":[...],\"distances\":[...]}: a line for each query\n"
        "npz    labels int64 [nq,k], distances float64 [nq,k], counts int32 [nq]; -1 and inf where fewer than k were found\n"
        "\n"
        "FILE of -o appears when the answer is whole, or not at all.\n",
    .rows = rows_of_options,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
