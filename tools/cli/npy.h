/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include "source.h"

#include <stdint.h>

/* The .npy format, versions 1 to 3: arrays of one or two dimensions of little-endian integers or float32/float64. */
struct npy {
    char kind;          /* 'f', 'i' or 'u' */
    unsigned item_bytes;
    int by_columns;     /* Fortran order */
    uint64_t rows, columns; /* columns: 1 for one dimension */
};

enum { NPY_MAGIC_BYTES = 6, NPY_HEADER_BYTES = 128 };
int npy_is_magic(const unsigned char *data, size_t bytes);

/* Reads the header; the items follow in the source. Errors: INVALID, naming the file and what is read here. */
int npy_open(struct npy *npy, struct source *source, struct pcct_error *err);
/* The next n items. */
int npy_read_doubles(double *values, size_t n, const struct npy *npy, struct source *source, struct pcct_error *err);
/* The next n items, which must be integers. */
int npy_read_int64(int64_t *values, size_t n, const struct npy *npy, struct source *source, struct pcct_error *err);

/* The header of a C-order array. type: such as "<i8"; columns 0: one dimension. */
void npy_header(char header[NPY_HEADER_BYTES], const char *type, uint64_t rows, uint64_t columns);

#endif
