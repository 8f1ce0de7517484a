/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "new_store.h"
#include "npz_array.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row rows[] = {
    OPTION_THREADS,
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

/* All that an export has. */
struct content {
    const char *path;
    struct npz_array labels, points, metric, seed, note, kernel, lengthscale, variance, nugget, jitter, inducing;
    char metric_name[32], kernel_name[32];
};

static void content_free(struct content *c)
{
    struct npz_array *all[] = { &c->labels, &c->points, &c->metric, &c->seed, &c->note, &c->kernel, &c->lengthscale, &c->variance, &c->nugget,
                                &c->jitter, &c->inducing };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->items);
}

static int read_name(char name[32], const struct npz_array *array, const struct content *c, const char *what, struct pcct_error *err)
{
    if (array->columns != 1 || array->rows > 31) return fault(err, PCCT_E_INVALID, "%s: array %s is no name", c->path, what);
    memcpy(name, array->items, (size_t)array->rows);
    name[array->rows] = '\0';
    return 0;
}

static int expect(const struct npz_array *array, uint64_t rows_, uint64_t columns, const struct content *c, const char *what, struct pcct_error *err)
{
    if (array->rows == rows_ && (array->columns == columns || rows_ == 0)) return 0;
    return fault(err, PCCT_E_INVALID, "%s: array %s has %" PRIu64 " rows of %" PRIu64 ", not %" PRIu64 " of %" PRIu64, c->path, what, array->rows,
                 array->columns, rows_, columns);
}

static int content_read(struct content *c, struct pcct_error *err)
{
    int status = 0;
    const char *path = c->path;
    TRY(npz_array_read(&c->labels, path, "labels", 'i', 8, err));
    TRY(npz_array_read(&c->points, path, "points", 'f', 8, err));
    TRY(npz_array_read(&c->metric, path, "metric", 'u', 1, err));
    TRY(npz_array_read(&c->seed, path, "seed", 'u', 8, err));
    TRY(npz_array_read(&c->note, path, "note", 'u', 1, err));
    TRY(npz_array_read(&c->kernel, path, "kernel", 'u', 1, err));
    TRY(npz_array_read(&c->lengthscale, path, "lengthscale", 'f', 8, err));
    TRY(npz_array_read(&c->variance, path, "variance", 'f', 8, err));
    TRY(npz_array_read(&c->nugget, path, "nugget", 'f', 8, err));
    TRY(npz_array_read(&c->jitter, path, "jitter", 'f', 8, err));
    TRY(npz_array_read(&c->inducing, path, "inducing", 'f', 8, err));
    TRY(read_name(c->metric_name, &c->metric, c, "metric", err));
    TRY(read_name(c->kernel_name, &c->kernel, c, "kernel", err));
    TRY(expect(&c->labels, c->points.rows, 1, c, "labels", err));
    TRY(expect(&c->seed, 1, 1, c, "seed", err));
    TRY(expect(&c->variance, 1, 1, c, "variance", err));
    TRY(expect(&c->nugget, 1, 1, c, "nugget", err));
    TRY(expect(&c->jitter, 1, 1, c, "jitter", err));
    if (c->points.columns < 1 || c->points.columns > UINT32_MAX) TRY(fault(err, PCCT_E_INVALID, "%s: points without coordinates", path));
    if (c->kernel_name[0]) {
        TRY(expect(&c->lengthscale, c->points.columns, 1, c, "lengthscale", err));
        TRY(expect(&c->inducing, c->inducing.rows, c->points.columns, c, "inducing", err));
    }
    if (c->note.rows == 0 || c->note.columns != 1 || ((const char *)c->note.items)[c->note.rows - 1] != '\0')
        TRY(fault(err, PCCT_E_INVALID, "%s: array note has no end", path));
done:
    return status;
}

/* message 0 key 0 value 0 ...; it ends in 0. */
static int set_keys(pcct_batch *batch, const struct content *c, struct pcct_error *err)
{
    int status = 0;
    const char *text = c->note.items, *end = text + c->note.rows;
    for (text += strlen(text) + 1; text < end; text += strlen(text) + 1) {
        const char *key = text;
        text += strlen(text) + 1;
        if (text >= end) TRY(fault(err, PCCT_E_INVALID, "%s: array note has a key without a value", c->path));
        TRY(pcct_batch_set(batch, key, text, err));
    }
done:
    return status;
}

static int set_kernel(pcct_batch *batch, const struct content *c, struct pcct_error *err)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    if (!c->kernel_name[0]) return 0;
    kernel.name = c->kernel_name;
    kernel.lengthscale = c->lengthscale.items;
    memcpy(&kernel.variance, c->variance.items, sizeof kernel.variance);
    memcpy(&kernel.nugget, c->nugget.items, sizeof kernel.nugget);
    memcpy(&kernel.jitter, c->jitter.items, sizeof kernel.jitter);
    kernel.inducing = c->inducing.items;
    kernel.m = (size_t)c->inducing.rows;
    return pcct_batch_set_kernel(batch, &kernel, err);
}

static int commit(const char *path, const struct content *c, int threads, struct pcct_error *err)
{
    int status = 0;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    uint64_t version = 0;
    open.threads = threads;
    TRY(pcct_store_open(&store, path, &open, err));
    TRY(pcct_batch_begin(&batch, store, NULL, NULL, err));
    TRY(pcct_batch_insert(batch, c->points.items, (size_t)c->points.rows, c->labels.items, err));
    TRY(set_keys(batch, c, err));
    TRY(set_kernel(batch, c, err));
    TRY(pcct_batch_commit(&version, batch, c->note.items, err));
done:
    pcct_batch_close(batch);
    pcct_store_close(store);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0, threads = 0;
    const char *path = options->operand[0];
    struct content content = { .path = options->operand[1] };
    struct new_store made = { .place = path };
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    char count[TEXT_BYTES];
    TRY(options_threads(&threads, options, err));
    TRY(content_read(&content, err));
    create.dim = (uint32_t)content.points.columns;
    create.metric = content.metric_name;
    memcpy(&create.seed, content.seed.items, sizeof create.seed);
    TRY(new_store_begin(&made, path, err));
    TRY(pcct_store_create(made.path, &create, err));
    TRY(commit(made.path, &content, threads, err));
    TRY(new_store_finish(&made, err));
    if (!options->value[OPT_QUIET]) {
        text_print_escaped(stdout, path);
        printf(": v1, %s, dimension %" PRIu32 ", %s\n", text_count(count, content.points.rows, "point"), create.dim, content.metric_name);
    }
done:
    new_store_end(&made);
    content_free(&content);
    return status;
}

const struct verb verb_import = {
    .name = "import",
    .operands = "NEW FILE.npz",
    .summary = "make a store from what pcct export wrote",
    .detail = "One version with these points, labels, message, keys and kernel, of this metric. It gives the same answers; its tree, and\n"
              "so its identity, follow from all points being inserted at once.\n",
    .rows = rows,
    .operands_least = 2,
    .operands_most = 2,
    .run = run,
};
