/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_NPY_INPUT_H
#define CLI_NPY_INPUT_H

#include "input.h"
#include "source.h"

/* Points from an .npy array of rows, or an array of an .npz archive. An array in Fortran order is held in memory as a whole. */
struct npy_input;
/* The source is borrowed until npy_input_close(). options: path, dim and label_column (the name of an array of the same archive) count. */
int npy_input_open(struct npy_input **npy, struct source *source, const struct input_options *options, struct pcct_error *err);
void npy_input_close(struct npy_input *npy); /* NULL is fine */
/* Appends at most `most` rows, none at the end. */
int npy_input_read(struct rows *rows, struct npy_input *npy, size_t most, struct pcct_error *err);

#endif
