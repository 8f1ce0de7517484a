/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"
#include "fault.h"
#include "kernels.h"
#include "output.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PIECE_QUERIES = 16384, PIECE_BYTES = 1 << 26 };

static const struct option_row rows_of_options[] = {
    { OPT_K, 'k', "k", "K", "how many neighbours (required)" },
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE: .csv, .jsonl or .npz (default: standard output, -)" },
    { OPT_FORMAT, 0, "format", "NAME", "csv (default on standard output), jsonl, npz" },
    OPTIONS_ASKING,
    OPTIONS_FILTERING,
    OPTIONS_CORRELATING,
    { OPT_BOUNDS, 0, "bounds", NULL, "also the distance of the nearest point that is not in the answer" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct knn {
    struct asking asking;
    struct output output;
    struct pcct_knn_options ask;
    size_t stride; /* places of an answer */
    int64_t *labels;
    double *distances, *bounds;
    int32_t *counts;
    pcct_gp *gp;   /* the kernel of --metric; NULL: none */
    struct pcct_gp_ask_options ask_gp;
};

static int prepare(struct knn *knn, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    uint64_t k = 0;
    if (!options->value[OPT_K]) TRY(fault(err, PCCT_E_INVALID, "-k is missing: how many neighbours, such as -k 5"));
    TRY(asking_check(options, err));
    TRY(options_u64(&k, options, OPT_K, 0, 1, INT32_MAX, err));
    TRY(asking_open(&knn->asking, options, err));
    TRY(correlating_open(&knn->gp, knn->asking.view, options, knn->asking.threads, err));
    correlating_warn(knn->gp, options);
    /* More than all points cannot be found, and room for them would be wasted; an .npz is padded to k by the output. */
    knn->stride = k < knn->asking.info.n_live ? (size_t)k : (size_t)knn->asking.info.n_live;
    if (knn->stride == 0) knn->stride = 1;
    size_t piece = PIECE_BYTES / (sizeof *knn->labels + sizeof *knn->distances) / knn->stride;
    if (piece > PIECE_QUERIES) piece = PIECE_QUERIES;
    if (piece == 0) piece = 1;
    knn->asking.piece = piece;
    knn->labels = malloc(piece * knn->stride * sizeof *knn->labels);
    knn->distances = malloc(piece * knn->stride * sizeof *knn->distances);
    knn->counts = malloc(piece * sizeof *knn->counts);
    knn->bounds = malloc(piece * sizeof *knn->bounds);
    if (!knn->labels || !knn->distances || !knn->counts || !knn->bounds) {
        TRY(fault(err, PCCT_E_MEMORY, "no memory for k %" PRIu64 "; ask for fewer neighbours", k));
    }
    knn->output.kind = OUTPUT_NEAREST;
    knn->output.k = k;
    knn->output.with_bounds = options->value[OPT_BOUNDS] != NULL;
    knn->ask.threads = knn->asking.threads;
    knn->ask.exclude_self = options->value[OPT_EXCLUDE_SELF] != NULL;
    knn->ask.counts = knn->counts;
    knn->ask.filter = knn->asking.filter;
    knn->ask.bounds = knn->output.with_bounds ? knn->bounds : NULL;
    knn->ask_gp.threads = knn->asking.threads;
    knn->ask_gp.exclude_self = knn->ask.exclude_self;
    knn->ask_gp.brute = options->value[OPT_BRUTE] != NULL;
    knn->ask_gp.counts = knn->counts;
    knn->ask_gp.filter = knn->asking.filter;
    TRY(output_open(&knn->output, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], err));
done:
    return status;
}

static int answer(void *ctx, const double *points, const int64_t *labels, size_t n, struct pcct_error *err)
{
    int status = 0;
    struct knn *knn = ctx;
    const pcct_view *view = knn->asking.view;
    if (knn->gp && points) TRY(pcct_gp_knn(knn->labels, knn->distances, knn->gp, points, n, knn->stride, &knn->ask_gp, err));
    else if (knn->gp) TRY(pcct_gp_knn_stored(knn->labels, knn->distances, knn->gp, labels, n, knn->stride, &knn->ask_gp, err));
    else if (points) TRY(pcct_knn(knn->labels, knn->distances, view, points, n, knn->stride, &knn->ask, err));
    else TRY(pcct_knn_stored(knn->labels, knn->distances, view, labels, n, knn->stride, &knn->ask, err));
    TRY(output_add(&knn->output, NULL, knn->labels, knn->distances, knn->counts, knn->ask.bounds, n, knn->stride, err));
done:
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct knn knn = { .ask = PCCT_KNN_OPTIONS_INIT, .ask_gp = PCCT_GP_ASK_OPTIONS_INIT };
    TRY(prepare(&knn, options, err));
    TRY(asking_run(&knn.asking, answer, &knn, err));
    TRY(output_finish(&knn.output, err));
done:
    output_abandon(&knn.output);
    free(knn.labels);
    free(knn.distances);
    free(knn.counts);
    free(knn.bounds);
    pcct_gp_close(knn.gp);
    asking_close(&knn.asking);
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
        "--bounds adds \"bound\" to jsonl, null where no point is left out, and bounds float64 [nq] to npz.\n"
        "--metric residual and correlation: distances are sqrt(1 - |rho|) under a kernel (pcct kernel --help); without inducing points\n"
        "neighbours come by scaled distance.\n"
        "FILE of -o appears when the answer is whole, or not at all.\n",
    .rows = rows_of_options,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
