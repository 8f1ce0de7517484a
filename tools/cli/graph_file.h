/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_GRAPH_FILE_H
#define CLI_GRAPH_FILE_H

#include "options.h"

#include <pcct/pcct.h>

/* A graph that pcct graph wrote as an .npz. */
struct graph_file {
    const char *path;
    size_t n, k;
    int64_t *rows, *labels;  /* [n], [n x k] */
    double *distances;
    int32_t *counts;
    uint8_t version[16];     /* identity of the version that it is of */
    uint8_t kernel[16];      /* digest of its kernel; zero without `metric` */
};
/* metric: the word of --metric, by which it was made; NULL: by the store's metric. graph_file_free() in any case.
 * Errors: NOT_FOUND, IO, INVALID (an array that is missing or of another shape), MEMORY. */
int graph_file_read(struct graph_file *file, const char *path, const char *metric, struct pcct_error *err);
void graph_file_free(struct graph_file *file);

/* Its lists, checked against the version that it is of, which must be in the store, and its kernel there, by the options. *neighbours is owned. */
int graph_file_adopt(pcct_neighbours **neighbours, const struct graph_file *file, pcct_store *store, const struct options *options,
                     const struct pcct_neighbours_options *how, struct pcct_error *err);

/* pcct graph --update: brings such a file to the version --at. */
int graph_update(const struct options *options, struct pcct_error *err);

#endif
