/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "npz_array.h"
#include "reading.h"
#include "target.h"
#include "text.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row rows[] = {
    { OPT_OUTPUT, 'o', "output", "FILE.npz", "write to FILE.npz (required)" },
    { OPT_AT, 0, "at", "REV", "the version to export (default main)" },
    OPTION_THREADS,
    OPTION_IMMUTABLE,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

/* The note of a version: message, 0, key, 0, value, 0, ...; without the library's own keys, which stand for the kernel. */
struct note {
    char *text; /* owned */
    size_t bytes, capacity;
};

static int add_text(struct note *note, const char *text, struct pcct_error *err)
{
    const size_t bytes = strlen(text) + 1;
    int status = memory_grow(&note->text, &note->capacity, note->bytes + bytes, 1, err);
    if (status != 0) return status;
    memcpy(note->text + note->bytes, text, bytes);
    note->bytes += bytes;
    return 0;
}

static int read_note(struct note *note, pcct_store *store, uint64_t version, struct pcct_error *err)
{
    int status = 0;
    struct pcct_version about;
    pcct_log *log = NULL;
    char revision[32];
    if (version == 0) return add_text(note, "", err);
    (void)snprintf(revision, sizeof revision, "v%" PRIu64, version);
    TRY(pcct_log_open(&log, store, revision, err));
    status = pcct_log_next(&about, log, err);
    if (status < 0) goto done;
    TRY(add_text(note, about.message, err));
    for (size_t i = 0; i < about.n_keys; i++) {
        if (strncmp(about.keys[i].key, "pcct.", strlen("pcct.")) == 0) continue;
        TRY(add_text(note, about.keys[i].key, err));
        TRY(add_text(note, about.keys[i].value, err));
    }
done:
    pcct_log_close(log);
    return status;
}

/* A kernel of that version or before; name "": none. */
static int read_kernel(pcct_gp **gp, struct pcct_gp_info *kernel, const pcct_view *view, struct pcct_error *err)
{
    struct pcct_error cause = { 0, "" };
    int status = pcct_gp_parameters(gp, view, &cause);
    if (status == 0) return pcct_gp_describe(kernel, *gp);
    if (status == PCCT_E_NOT_FOUND || status == PCCT_E_INVALID) return 0;
    return fault(err, status, "%s", cause.message);
}

struct content {
    const struct pcct_store_info *store;
    const struct pcct_view_info *view;
    const struct pcct_gp_info *kernel;
    const struct note *note;
    const int64_t *labels;
    const double *points;
};

static int write_content(const char *path, const struct content *c, struct pcct_error *err)
{
    int status = 0;
    struct target target = { .file = NULL };
    struct zip_writer *writer = calloc(1, sizeof *writer);
    const uint64_t n = c->view->n_live, dim = c->store->dim;
    if (!writer) TRY(fault(err, PCCT_E_MEMORY, "no memory to write %s", path));
    if (n > (ZIP_LIMIT - (16 << 20)) / (8 * (dim + 1))) {
        TRY(fault(err, PCCT_E_LIMIT, "%" PRIu64 " points of %" PRIu64 " coordinates are more than the 4 GiB of an .npz; use pcct backup --at", n,
                  dim));
    }
    TRY(target_open(&target, path, err));
    writer->out = target.file;
    npz_array_add(writer, "labels.npy", "<i8", c->labels, n, 0, sizeof *c->labels);
    npz_array_add(writer, "points.npy", "<f8", c->points, n, dim, sizeof *c->points);
    npz_array_add(writer, "metric.npy", "|u1", c->store->metric, strlen(c->store->metric), 0, 1);
    npz_array_add(writer, "seed.npy", "<u8", &c->store->seed, 1, 0, sizeof c->store->seed);
    npz_array_add(writer, "note.npy", "|u1", c->note->text, c->note->bytes, 0, 1);
    npz_array_add(writer, "kernel.npy", "|u1", c->kernel->name, strlen(c->kernel->name), 0, 1);
    npz_array_add(writer, "lengthscale.npy", "<f8", c->kernel->lengthscale, c->kernel->name[0] ? c->kernel->dim : 0, 0, sizeof(double));
    npz_array_add(writer, "variance.npy", "<f8", &c->kernel->variance, 1, 0, sizeof(double));
    npz_array_add(writer, "nugget.npy", "<f8", &c->kernel->nugget, 1, 0, sizeof(double));
    npz_array_add(writer, "jitter.npy", "<f8", &c->kernel->jitter, 1, 0, sizeof(double));
    npz_array_add(writer, "inducing.npy", "<f8", c->kernel->inducing, c->kernel->m, dim, sizeof(double));
    npz_array_add(writer, "version.npy", "<u8", &c->view->version, 1, 0, sizeof c->view->version);
    npz_array_add(writer, "identity.npy", "|u1", c->view->identity, sizeof c->view->identity, 0, 1);
    zip_write_end(writer);
    TRY(target_finish(&target, err));
done:
    target_abandon(&target);
    free(writer);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    const char *path = options->value[OPT_OUTPUT];
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    struct pcct_store_info about = { .size = sizeof about };
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_gp_info kernel = { .size = sizeof kernel };
    struct note note = { NULL, 0, 0 };
    int64_t *labels = NULL;
    double *points = NULL;
    char count[TEXT_BYTES];
    if (!path) TRY(fault(err, PCCT_E_INVALID, "-o is missing: the .npz to write"));
    TRY(reading_open(&store, options, err));
    TRY(reading_view(&view, store, options, err));
    TRY(pcct_store_describe(&about, store, err));
    TRY(pcct_view_describe(&info, view));
    TRY(read_note(&note, store, info.version, err));
    TRY(read_kernel(&gp, &kernel, view, err));
    labels = malloc(info.n_live * sizeof *labels + 1);
    points = malloc(info.n_live * sizeof *points * about.dim + 1);
    if (!labels || !points) TRY(fault(err, PCCT_E_MEMORY, "no memory for %" PRIu64 " points", info.n_live));
    TRY(pcct_view_read(labels, points, view, err));
    TRY(write_content(path, &(struct content){ &about, &info, &kernel, &note, labels, points }, err));
    if (!options->value[OPT_QUIET] && strcmp(path, "-") != 0) {
        text_print_escaped(stdout, path);
        printf(": v%" PRIu64 ", %s\n", info.version, text_count(count, info.n_live, "point"));
    }
done:
    free(labels);
    free(points);
    free(note.text);
    pcct_gp_close(gp);
    pcct_view_close(view);
    pcct_store_close(store);
    return status;
}

const struct verb verb_export = {
    .name = "export",
    .operands = "STORE -o FILE.npz",
    .summary = "write the points of a version and all about them as .npz",
    .detail = "labels int64 [n], points float64 [n,d]; as bytes (uint8): metric, kernel (empty: none), note (message, 0, key, 0,\n"
              "value, 0, ...); seed; lengthscale [d], variance, nugget, jitter, inducing [m,d]; version, identity. No tree and no\n"
              "history: pcct import makes a store that gives the same answers.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
