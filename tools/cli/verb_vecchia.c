/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "kernels.h"
#include "npy.h"
#include "ordering.h"
#include "target.h"
#include "text.h"
#include "verbs.h"
#include "zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_BYTES = 16 }; /* a rank and what stands beside it */

static const struct option_row rows_of_options[] = {
    { OPT_M, 'm', "m", "M", "how many neighbours before each point (required)" },
    OPTIONS_ORDERING,
    OPTION_METRIC,
    OPTION_KERNEL,
    OPTIONS_KERNEL_REST,
    OPTION_OVERRIDE,
    { OPT_AT, 0, "at", "REV", "the version to ask (default main)" },
    { OPT_OUTPUT, 'o', "output", "FILE", "write all to FILE, an .npz (-: standard output)" },
    { OPT_GPGP, 0, "gpgp", "FILE", "write the neighbour matrix of the R package GpGp to FILE, a csv (-: standard output)" },
    OPTION_IMMUTABLE,
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

struct writing_npz {
    struct zip_writer writer;
    char header[NPY_HEADER_BYTES];
};

static void add(struct writing_npz *npz, const char *name, const char *type, const void *items, uint64_t n, size_t item_bytes)
{
    npy_header(npz->header, type, n, 0);
    zip_write(&npz->writer, name, npz->header, sizeof npz->header, items, (size_t)n * item_bytes);
}

/* Lengthscales that coordinates were divided by; the kernel's digest. */
static void add_how(struct writing_npz *npz, const struct ordering *ordering)
{
    struct pcct_gp_info kernel = { .size = sizeof kernel };
    const double *lengthscale = ordering->lengthscale;
    if (ordering->ask.gp && pcct_gp_describe(&kernel, ordering->ask.gp) == 0) {
        lengthscale = kernel.lengthscale;
        add(npz, "kernel.npy", "|u1", kernel.digest, sizeof kernel.digest, 1);
    }
    if (lengthscale) add(npz, "lengthscale.npy", "<f8", lengthscale, ordering->info.dim, sizeof *lengthscale);
}

static int write_npz(FILE *file, const struct ordering *ordering, const struct pcct_vecchia_rows *rows, struct pcct_error *err)
{
    int status = 0;
    const uint64_t places = rows->starts[rows->n];
    struct writing_npz *npz = calloc(1, sizeof *npz);
    int64_t *labels = NULL;
    if (places > ZIP_LIMIT / 24 || places * 20 + rows->n * 16 > ZIP_LIMIT) {
        TRY(fault(err, PCCT_E_LIMIT, "%" PRIu64 " neighbours do not fit into one .npz (4 GiB); ask for fewer, or write --gpgp", places));
    }
    labels = malloc((size_t)(places + 1) * sizeof *labels);
    if (!npz || !labels) TRY(fault(err, PCCT_E_MEMORY, "no memory for the labels of %" PRIu64 " neighbours", places));
    for (uint64_t i = 0; i < places; i++) labels[i] = rows->labels[rows->ranks[i]];
    npz->writer.out = file;
    add(npz, "order.npy", "<i8", rows->labels, rows->n, sizeof *rows->labels);
    add(npz, "starts.npy", "<i8", rows->starts, rows->n + 1, sizeof *rows->starts);
    add(npz, "positions.npy", "<i4", rows->ranks, places, sizeof *rows->ranks);
    add(npz, "labels.npy", "<i8", labels, places, sizeof *labels);
    add(npz, "distances.npy", "<f8", rows->distances, places, sizeof *rows->distances);
    add_how(npz, ordering);
    zip_write_end(&npz->writer);
done:
    free(labels);
    free(npz);
    return status;
}

/* Writes digits and the character after them; returns where they end. */
static char *put_number(char *at, uint64_t number, char after)
{
    char digits[NUMBER_BYTES];
    unsigned n = 0;
    do digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (n > 0) *at++ = digits[--n];
    *at++ = after;
    return at;
}

/* m + 1 columns: the row's own number, then its neighbours', nearest first, counted from 1; NA where there is none. */
static int write_gpgp(struct target *target, const struct pcct_vecchia_rows *rows, struct pcct_error *err)
{
    int status = 0;
    char *line = malloc((rows->m + 2) * NUMBER_BYTES);
    if (!line) TRY(fault(err, PCCT_E_MEMORY, "no memory for lines of %zu columns", rows->m + 1));
    for (size_t i = 0; i < rows->n; i++) {
        const uint64_t count = rows->starts[i + 1] - rows->starts[i];
        char *at = put_number(line, i + 1, ',');
        for (uint64_t j = 0; j < count; j++) at = put_number(at, (uint64_t)rows->ranks[rows->starts[i] + j] + 1, ',');
        for (uint64_t j = count; j < rows->m; j++, at += 3) memcpy(at, "NA,", 3);
        at[-1] = '\n';
        (void)fwrite(line, 1, (size_t)(at - line), target->file); /* target_flush() sees what went wrong */
        if (i % 65536 == 65535) TRY(target_flush(target, err));
        if (i % 65536 == 65535) TRY(interrupt_check(err));
    }
done:
    free(line);
    return status;
}

static int is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static int check(uint64_t *m, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    const char *npz = options->value[OPT_OUTPUT], *gpgp = options->value[OPT_GPGP];
    if (!options->value[OPT_M]) TRY(fault(err, PCCT_E_INVALID, "-m is missing: how many neighbours before each point"));
    TRY(options_u64(m, options, OPT_M, 0, 1, INT32_MAX, err));
    if (!npz && !gpgp) TRY(fault(err, PCCT_E_INVALID, "nothing is to be written; name a file with -o (.npz) or --gpgp (.csv)"));
    if (npz && !is_stdout(npz) && !text_ends_in(npz, ".npz")) TRY(fault(err, PCCT_E_INVALID, "%s: -o writes npz; end it in .npz", npz));
    if (is_stdout(npz) && is_stdout(gpgp)) TRY(fault(err, PCCT_E_INVALID, "-o and --gpgp cannot both be standard output"));
    if (is_stdout(npz) && isatty(STDOUT_FILENO)) TRY(fault(err, PCCT_E_INVALID, "npz is not for a terminal; name a file with -o"));
done:
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    uint64_t m = 0;
    struct target npz = { .file = NULL }, gpgp = { .file = NULL };
    struct ordering ordering = { .store = NULL };
    struct pcct_vecchia_rows rows = { .size = sizeof rows };
    pcct_vecchia *vecchia = NULL;
    pcct_gp *gp = NULL;
    TRY(check(&m, options, err));
    TRY(ordering_open(&ordering, options, err));
    TRY(correlating_open(&gp, ordering.view, options, ordering.ask.threads, err));
    correlating_warn(gp, options);
    ordering.ask.gp = gp;
    if (options->value[OPT_OUTPUT]) TRY(target_open(&npz, options->value[OPT_OUTPUT], err));
    if (options->value[OPT_GPGP]) TRY(target_open(&gpgp, options->value[OPT_GPGP], err));
    TRY(pcct_vecchia_open(&vecchia, ordering.view, (size_t)m, &ordering.ask, err));
    TRY(pcct_vecchia_read(&rows, vecchia));
    if (npz.file) TRY(write_npz(npz.file, &ordering, &rows, err));
    if (gpgp.file) TRY(write_gpgp(&gpgp, &rows, err));
    if (npz.file) TRY(target_finish(&npz, err));
    if (gpgp.file) TRY(target_finish(&gpgp, err));
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    target_abandon(&npz);
    target_abandon(&gpgp);
    pcct_vecchia_close(vecchia);
    pcct_gp_close(gp);
    ordering_close(&ordering);
    return status;
}

const struct verb verb_vecchia = {
    .name = "vecchia",
    .operands = "STORE -m M",
    .summary = "order the points and find the nearest before each, for Gaussian processes",
    .detail =
        "For each point the M nearest of those before it in the order, exactly min(M, rank) of them, by distance and, where distances\n"
        "are equal, by label: what Vecchia's approximation of a Gaussian process conditions on.\n"
        "\n" ORDERING_DETAIL
        "\n"
        "With --lengthscale all distances are between points divided by it, as in a kernel with these lengthscales.\n"
        "\n"
        "With --metric the points are ordered after division by the kernel's lengthscales, and neighbours are the nearest by\n"
        "sqrt(1 - |rho|) under the kernel (pcct kernel --help); --lengthscale then goes with --kernel. --seed is that of --order random\n"
        "and of --inducing-by random.\n"
        "\n"
        "npz    order int64 [n]: the labels, first to last; for rank r the places starts[r] to starts[r+1]-1 of\n"
        "       positions int32 (ranks of the neighbours, from 0), labels int64 and distances float64; starts int64 [n+1];\n"
        "       lengthscale float64 [dim], where one was given; with --metric kernel uint8 [16], the digest of the kernel\n"
        "gpgp   a line for each point in order, M+1 columns, no header: its own number, then those of its neighbours, nearest\n"
        "       first, counted from 1; NA where there are fewer. In R: as.matrix(read.csv(FILE, header = FALSE))\n"
        "\n"
        "Files appear when they are whole, or not at all.\n",
    .rows = rows_of_options,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
