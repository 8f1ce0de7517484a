/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"
#include "fault.h"
#include "output.h"
#include "verbs.h"

#include <stdlib.h>

/* Neighbours that a piece may come to: whatever is found, at first; later by what was found before. */
enum { PIECE_QUERIES = 16384, PIECE_PLACES = 1 << 22 };

static const struct option_row rows_of_options[] = {
    { OPT_RADIUS, 'r', "radius", "R", "how far, in the store's unit; what is exactly so far counts (required)" },
    { OPT_CAP, 0, "cap", "C", "at most the C nearest of them" },
    { OPT_COUNT_ONLY, 0, "count", NULL, "only how many there are" },
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write to FILE: .csv, .jsonl or .npz (default: standard output, -)" },
    { OPT_FORMAT, 0, "format", "NAME", "csv (default on standard output), jsonl, npz" },
    OPTIONS_ASKING,
    OPTIONS_FILTERING,
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct within {
    struct asking asking;
    struct output output;
    struct pcct_radius_options ask;
    double radius;
    pcct_answer *answer;
    uint64_t *counts; /* NULL: not only counted */
};

static int prepare(struct within *within, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    if (!options->value[OPT_RADIUS]) TRY(fault(err, PCCT_E_INVALID, "-r is missing: how far, such as -r 2.5"));
    TRY(asking_check(options, err));
    TRY(options_double(&within->radius, options, OPT_RADIUS, err));
    TRY(options_u64(&within->ask.cap, options, OPT_CAP, 0, 1, INT64_MAX, err));
    TRY(asking_open(&within->asking, options, err));
    within->ask.threads = within->asking.threads;
    within->ask.exclude_self = options->value[OPT_EXCLUDE_SELF] != NULL;
    within->ask.filter = within->asking.filter;
    within->output.kind = options->value[OPT_COUNT_ONLY] ? OUTPUT_COUNTS : OUTPUT_WITHIN;
    if (within->output.kind == OUTPUT_COUNTS) {
        within->asking.piece = PIECE_QUERIES;
        within->counts = malloc(PIECE_QUERIES * sizeof *within->counts);
        if (!within->counts) TRY(fault(err, PCCT_E_MEMORY, "no memory for the counts"));
    } else {
        const uint64_t most = within->ask.cap > 0 && within->ask.cap < within->asking.info.n_live ? within->ask.cap : within->asking.info.n_live;
        within->asking.piece = most < PIECE_PLACES / PIECE_QUERIES ? PIECE_QUERIES : (size_t)(PIECE_PLACES / most + 1);
        TRY(pcct_answer_open(&within->answer, within->asking.store, err));
    }
    TRY(output_open(&within->output, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], err));
done:
    return status;
}

/* Twice as many queries next time while that is little, half as many when it is much. */
static void suit_piece(size_t *piece, size_t nq, uint64_t places)
{
    if (places > PIECE_PLACES && *piece > 1) *piece /= 2;
    else if (nq == *piece && places < PIECE_PLACES / 4 && *piece < PIECE_QUERIES) *piece *= 2;
}

static int answer(void *ctx, const double *points, const int64_t *labels, size_t n, struct pcct_error *err)
{
    int status = 0;
    struct within *w = ctx;
    const pcct_view *view = w->asking.view;
    struct pcct_answer_rows rows = { .size = sizeof rows };
    if (w->counts) {
        if (points) TRY(pcct_count(w->counts, view, points, n, w->radius, &w->ask, err));
        else TRY(pcct_count_stored(w->counts, view, labels, n, w->radius, &w->ask, err));
        TRY(output_add_counts(&w->output, w->counts, n, err));
        goto done;
    }
    if (points) TRY(pcct_radius(w->answer, view, points, n, w->radius, &w->ask, err));
    else TRY(pcct_radius_stored(w->answer, view, labels, n, w->radius, &w->ask, err));
    TRY(pcct_answer_read(&rows, w->answer));
    TRY(output_add_within(&w->output, &rows, err));
    suit_piece(&w->asking.piece, n, rows.starts[n]);
done:
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct within within = { .ask = PCCT_RADIUS_OPTIONS_INIT };
    TRY(prepare(&within, options, err));
    TRY(asking_run(&within.asking, answer, &within, err));
    TRY(output_finish(&within.output, err));
done:
    output_abandon(&within.output);
    pcct_answer_close(within.answer);
    free(within.counts);
    asking_close(&within.asking);
    return status;
}

const struct verb verb_radius = {
    .name = "radius",
    .operands = "STORE (FILE | --labels LIST) -r R",
    .summary = "find all points within a radius of each query, exactly",
    .detail =
        "FILE is .npy, .npz or CSV as for pcct insert; - is standard input. A point is within the radius if its distance, as it is printed, is at\n"
        "most R. Neighbours come by distance, equal ones by label.\n"
        "\n"
        "csv    query,rank,label,distance: a line for each neighbour; query counts from 0 in the order asked, rank from 1\n"
        "jsonl  {\"query\":0,\"labels\":[...],\"distances\":[...]}: a line for each query\n"
        "npz    starts int64 [nq+1], labels int64 [n], distances float64 [n]: query i has places starts[i] to starts[i+1] - 1\n"
        "\n"
        "With --count: query,count; {\"query\":0,\"count\":5}; counts int64 [nq].\n"
        "\n"
        "FILE of -o appears when the answer is whole, or not at all.\n",
    .rows = rows_of_options,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
