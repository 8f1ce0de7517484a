/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CSV_COLUMNS_H
#define CLI_CSV_COLUMNS_H

#include "input.h"

/* The fields of one row: text[at[i]], each ended by a zero byte. */
struct csv_fields {
    char *text;
    size_t *at;
    size_t n, used, at_capacity, text_capacity;
};
int csv_fields_add(struct csv_fields *fields, const char *field, size_t bytes, struct pcct_error *err);
const char *csv_fields_get(const struct csv_fields *fields, size_t i, size_t *length);
void csv_fields_free(struct csv_fields *fields);

/* Which fields of a row are wanted, decided when the first row is known. */
struct csv_columns {
    size_t *point;  /* [dim] */
    size_t label;   /* SIZE_MAX: none */
    size_t width;   /* fields of every row */
    int header;     /* the first row is one */
    struct csv_fields names; /* the first row */
};
/* Takes the fields of the first row over. Errors: INVALID, DIMENSION. */
int csv_columns_choose(struct csv_columns *columns, struct csv_fields *first, const struct input_options *options, struct pcct_error *err);
/* "column lat" or "column 3". Writes into and returns text[bytes]. */
const char *csv_columns_name(char *text, size_t bytes, const struct csv_columns *columns, size_t i);
void csv_columns_free(struct csv_columns *columns);

#endif
