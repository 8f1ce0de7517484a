/* SPDX-License-Identifier: Apache-2.0 */
#include "npy_input.h"
#include "fault.h"
#include "npy.h"

#include <stdlib.h>
#include <string.h>

struct npy_input {
    struct source *source, *label_source;
    struct npy array, label_array;
    uint64_t at;     /* row to come */
    double *columns; /* the whole array when it is in Fortran order */
};

static int load_columns(struct npy_input *npy, struct pcct_error *err)
{
    uint64_t items = npy->array.rows * npy->array.columns;
    npy->columns = items < SIZE_MAX / sizeof *npy->columns ? malloc((size_t)items * sizeof *npy->columns + 1) : NULL;
    if (!npy->columns) return fault(err, PCCT_E_MEMORY, "%s: no memory for an array in Fortran order; save it in C order", source_name(npy->source));
    return npy_read_doubles(npy->columns, (size_t)items, &npy->array, npy->source, err);
}

int npy_input_open(struct npy_input **npy, struct source *source, const struct input_options *options, struct pcct_error *err)
{
    int status = 0;
    struct npy_input *fresh = calloc(1, sizeof *fresh);
    *npy = NULL;
    if (!fresh) return fault(err, PCCT_E_MEMORY, "no memory to read %s", source_name(source));
    fresh->source = source;
    TRY(npy_open(&fresh->array, source, err));
    if (fresh->array.columns != options->dim) {
        TRY(fault(err, PCCT_E_DIMENSION, "%s: %llu column%s, but the store's points have %u", source_name(source),
                  (unsigned long long)fresh->array.columns, fresh->array.columns == 1 ? "" : "s", options->dim));
    }
    if (options->label_column) {
        TRY(source_open_array(&fresh->label_source, options->path, options->label_column, "labels", err));
        TRY(npy_open(&fresh->label_array, fresh->label_source, err));
        if (fresh->label_array.columns != 1 || fresh->label_array.rows != fresh->array.rows) {
            TRY(fault(err, PCCT_E_DIMENSION, "%s: array %s is not one label for each of the %llu points", source_name(source), options->label_column,
                      (unsigned long long)fresh->array.rows));
        }
    }
    if (fresh->array.by_columns && fresh->array.columns > 1) TRY(load_columns(fresh, err));
done:
    if (status != 0) npy_input_close(fresh);
    else *npy = fresh;
    return status;
}

void npy_input_close(struct npy_input *npy)
{
    if (!npy) return;
    source_close(npy->label_source);
    free(npy->columns);
    free(npy);
}

/* The array must end where its header says; looking for the end also checks the sum of an archive. */
static int expect_end(struct source *source, struct pcct_error *err)
{
    const unsigned char *data = NULL;
    size_t bytes = 0;
    int status = source_look(&data, &bytes, source, err);
    if (status == 0 && bytes > 0) status = fault(err, PCCT_E_INVALID, "%s: more bytes than its .npy header says", source_name(source));
    return status;
}

int npy_input_read(struct rows *rows, struct npy_input *npy, size_t most, struct pcct_error *err)
{
    int status = 0;
    size_t first = 0;
    uint64_t left = npy->array.rows - npy->at;
    size_t n = left < most ? (size_t)left : most, dim = (size_t)npy->array.columns;
    TRY(rows_add(&first, rows, n, err));
    double *points = n > 0 ? rows->points + first * dim : NULL;
    if (npy->columns) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < dim; j++) points[i * dim + j] = npy->columns[j * npy->array.rows + npy->at + i];
        }
    } else {
        TRY(npy_read_doubles(points, n * dim, &npy->array, npy->source, err));
    }
    if (npy->label_source && n > 0) TRY(npy_read_int64(rows->labels + first, n, &npy->label_array, npy->label_source, err));
    for (size_t i = 0; i < n; i++) rows->place[first + i] = npy->at + i;
    npy->at += n;
    if (npy->at == npy->array.rows) {
        TRY(expect_end(npy->source, err));
        if (npy->label_source) TRY(expect_end(npy->label_source, err));
    }
done:
    return status;
}
