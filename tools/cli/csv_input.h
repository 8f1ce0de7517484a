/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CSV_INPUT_H
#define CLI_CSV_INPUT_H

#include "input.h"
#include "source.h"

/*
 * Points from comma- or tab-separated text. The first row is a header when a column is chosen by name, or when a chosen field of it is not a number.
 * A tab-separated file has no quoting. Empty fields read as NaN.
 */
struct csv_input;
/* The source is borrowed until csv_input_close(). options: dim, columns and label_column count; labels says that label_column is wanted or not. */
int csv_input_open(struct csv_input **csv, struct source *source, const struct input_options *options, int tabs, struct pcct_error *err);
void csv_input_close(struct csv_input *csv); /* NULL is fine */
/* Appends rows until there are `most` or more, or the end is reached. */
int csv_input_read(struct rows *rows, struct csv_input *csv, size_t most, struct pcct_error *err);

#endif
