/* SPDX-License-Identifier: Apache-2.0 */
#include "graph_file.h"
#include "fault.h"
#include "kernels.h"
#include "npy.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Opens an array of the archive and checks its shape; *columns 0: to be told. *source is owned. */
static int open_array(struct source **source, struct npy *npy, const struct graph_file *file, const char *name, uint64_t rows, uint64_t *columns,
                      struct pcct_error *err)
{
    int status = 0;
    TRY(source_open_array(source, file->path, name, name, err));
    TRY(npy_open(npy, *source, err));
    if (*columns == 0 && npy->columns > 0) *columns = npy->columns;
    if (npy->rows != rows || npy->columns != *columns) {
        TRY(fault(err, PCCT_E_INVALID, "%s: the array %s has not the shape that pcct graph gives it", file->path, name));
    }
done:
    return status;
}

static int read_int64(int64_t **items, const struct graph_file *file, const char *name, uint64_t rows, uint64_t *columns, struct pcct_error *err)
{
    int status = 0;
    struct source *source = NULL;
    struct npy npy = { 0, 0, 0, 0, 0 };
    TRY(open_array(&source, &npy, file, name, rows, columns, err));
    *items = malloc((size_t)(rows * *columns + 1) * sizeof **items);
    if (!*items) TRY(fault(err, PCCT_E_MEMORY, "no memory for the array %s of %s", name, file->path));
    TRY(npy_read_int64(*items, (size_t)(rows * *columns), &npy, source, err));
done:
    source_close(source);
    return status;
}

static int read_distances(struct graph_file *file, struct pcct_error *err)
{
    int status = 0;
    uint64_t k = file->k;
    struct source *source = NULL;
    struct npy npy = { 0, 0, 0, 0, 0 };
    TRY(open_array(&source, &npy, file, "distances", file->n, &k, err));
    file->distances = malloc((file->n * file->k + 1) * sizeof *file->distances);
    if (!file->distances) TRY(fault(err, PCCT_E_MEMORY, "no memory for the array distances of %s", file->path));
    TRY(npy_read_doubles(file->distances, file->n * file->k, &npy, source, err));
done:
    source_close(source);
    return status;
}

/* How many rows there are is told by the array rows itself. */
static int read_rows(struct graph_file *file, struct pcct_error *err)
{
    int status = 0;
    uint64_t one = 1;
    struct source *source = NULL;
    struct npy npy = { 0, 0, 0, 0, 0 };
    TRY(source_open_array(&source, file->path, "rows", "rows", err));
    TRY(npy_open(&npy, source, err));
    source_close(source);
    source = NULL;
    TRY(read_int64(&file->rows, file, "rows", npy.rows, &one, err));
    file->n = (size_t)npy.rows;
done:
    source_close(source);
    return status;
}

/* 16 bytes that name something. */
static int read_name(uint8_t name[16], const struct graph_file *file, const char *array, struct pcct_error *err)
{
    int status = 0;
    uint64_t one = 1;
    int64_t *bytes = NULL;
    TRY(read_int64(&bytes, file, array, 16, &one, err));
    for (size_t i = 0; i < 16; i++) name[i] = (uint8_t)bytes[i];
done:
    free(bytes);
    return status;
}

/* The digest of the kernel, if there is to be one: a graph by a kernel is not one by the store's metric, nor by another word of --metric. */
static int read_kernel(struct graph_file *file, const char *metric, struct pcct_error *err)
{
    static const char *const words[] = { "residual", "correlation" };
    struct pcct_error missing = { 0, "" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (read_name(file->kernel, file, words[i], &missing) != 0) continue;
        if (metric && strcmp(metric, words[i]) == 0) return 0;
        return fault(err, PCCT_E_INVALID, "%s: it is a graph by %s; give --metric %s", file->path, words[i], words[i]);
    }
    if (metric) return fault(err, PCCT_E_INVALID, "%s: it is a graph by the store's metric; leave out --metric", file->path);
    return 0;
}

int graph_file_read(struct graph_file *file, const char *path, const char *metric, struct pcct_error *err)
{
    int status = 0;
    uint64_t one = 1, k = 0;
    int64_t *counts = NULL;
    memset(file, 0, sizeof *file);
    file->path = path;
    TRY(read_name(file->version, file, "version", err));
    TRY(read_kernel(file, metric, err));
    TRY(read_rows(file, err));
    TRY(read_int64(&file->labels, file, "labels", file->n, &k, err));
    file->k = (size_t)k;
    TRY(read_distances(file, err));
    TRY(read_int64(&counts, file, "counts", file->n, &one, err));
    file->counts = malloc((file->n + 1) * sizeof *file->counts);
    if (!file->counts) TRY(fault(err, PCCT_E_MEMORY, "no memory for the array counts of %s", path));
    for (size_t i = 0; i < file->n; i++) file->counts[i] = (int32_t)counts[i];
done:
    free(counts);
    return status;
}

void graph_file_free(struct graph_file *file)
{
    free(file->rows);
    free(file->labels);
    free(file->distances);
    free(file->counts);
    memset(file, 0, sizeof *file);
}

/* A graph of all points has a row for each, by label. */
static int check_rows(const pcct_neighbours *neighbours, const struct graph_file *file, struct pcct_error *err)
{
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    (void)pcct_neighbours_read(&rows, neighbours);
    if (memcmp(rows.rows, file->rows, file->n * sizeof *file->rows) == 0) return 0;
    return fault(err, PCCT_E_INVALID, "%s: its rows are not the points of its version by label; only a graph of all points can be updated",
                 file->path);
}

static int check_kernel(const pcct_gp *gp, const struct graph_file *file, const char *hex, struct pcct_error *err)
{
    struct pcct_gp_info info = { .size = sizeof info };
    char ours[TEXT_BYTES], theirs[TEXT_BYTES];
    (void)pcct_gp_describe(&info, gp);
    if (memcmp(info.digest, file->kernel, sizeof file->kernel) == 0) return 0;
    return fault(err, PCCT_E_CONFLICT, "%s: it is by a kernel of digest %s, and that of its version %s has %s; make it anew with -k", file->path,
                 text_hex(theirs, file->kernel), hex, text_hex(ours, info.digest));
}

static int open_version(pcct_view **view, const struct graph_file *file, pcct_store *store, const char *hex, struct pcct_error *err)
{
    int status = 0;
    static const uint8_t empty[sizeof file->version]; /* the version that every store starts from */
    struct pcct_view_info info = { .size = sizeof info };
    status = pcct_view_open(view, store, memcmp(file->version, empty, sizeof empty) == 0 ? "v0" : hex, err);
    if (status == PCCT_E_NOT_FOUND) {
        TRY(fault(err, PCCT_E_NOT_FOUND, "%s: it is of version %s, which this store does not have; make it anew with -k", file->path, hex));
    }
    TRY(status);
    TRY(pcct_view_describe(&info, *view));
    if (info.n_live != file->n) {
        TRY(fault(err, PCCT_E_INVALID, "%s: it has %zu rows and its version %zu points; only a graph of all points can be updated", file->path,
                  file->n, (size_t)info.n_live));
    }
done:
    return status;
}

int graph_file_adopt(pcct_neighbours **neighbours, const struct graph_file *file, pcct_store *store, const struct options *options,
                     const struct pcct_neighbours_options *how, struct pcct_error *err)
{
    int status = 0;
    char hex[TEXT_BYTES];
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    struct pcct_neighbours_options ours = *how;
    *neighbours = NULL;
    text_hex(hex, file->version);
    TRY(open_version(&view, file, store, hex, err));
    TRY(correlating_open(&gp, view, options, how->threads, err));
    if (gp) TRY(check_kernel(gp, file, hex, err));
    ours.gp = gp;
    status = pcct_neighbours_adopt(neighbours, view, file->k, file->labels, file->distances, file->counts, &ours, err);
    if (status == PCCT_E_INVALID) fault_prefix(err, "%s: ", file->path);
    TRY(status);
    TRY(check_rows(*neighbours, file, err));
done:
    pcct_gp_close(gp);
    pcct_view_close(view);
    return status;
}
