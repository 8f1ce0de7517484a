/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <pcct/error.h>

#include <stddef.h>
#include <stdint.h>

/* Rows of points as they were read, with where each came from. A zeroed structure with dim set is empty; rows_free(). */
struct rows {
    uint32_t dim;         /* 0: labels only */
    size_t n;
    double *points;       /* [n x dim] */
    int64_t *labels;      /* [n]; meaningful only when the input has labels */
    uint64_t *place;      /* [n]: line of a text file from 1, row of an array from 0 */
    size_t points_capacity, labels_capacity, place_capacity;
};
/* Appends n rows, not filled, and returns the number of the first of them in *first. */
int rows_add(size_t *first, struct rows *rows, size_t n, struct pcct_error *err);
void rows_free(struct rows *rows);

/* What to read and how; strings are borrowed and may be NULL. */
struct input_options {
    const char *path;         /* "-": standard input */
    const char *columns;      /* "lat,lng" or "3,4" */
    const char *label_column; /* a column of a text file by name or number, or an array of an .npz file */
    const char *labels;       /* a list or a file, see label_list_read() */
    const char *array;        /* of an .npz file */
    uint32_t dim;
    uint64_t skip_rows;       /* leave out the first ones */
    int nan_skip;             /* leave out rows with a coordinate that is not a finite number; 0: an error */
    const char *nan_hint;     /* the way out that such an error names, or NULL */
};

/* A file of points, read in pieces. */
struct input;
int input_open(struct input **input, const struct input_options *options, struct pcct_error *err);
void input_close(struct input *input); /* NULL is fine */

/* Replaces the contents of rows by at most `most` next rows; none: the end was reached (all checks of the whole file are done then).
 * Errors: POINT, INVALID and DIMENSION naming the file and line, IO, CANCELLED, MEMORY. */
int input_read(struct rows *rows, struct input *input, size_t most, struct pcct_error *err);

int input_has_labels(const struct input *input);
const char *input_name(const struct input *input);
/* "line" or "row": what the numbers in rows.place count. */
const char *input_place_word(const struct input *input);
/* The library names rows by number ("row 17: latitude 95 ...", "rows 3 and 5 have ..."): names their places in the file instead, and the file.
 * place[n]: where each of the rows came from. */
void input_name_rows(struct pcct_error *err, const struct input *input, const uint64_t *place, uint64_t n);
uint64_t input_rows_read(const struct input *input); /* those left out included */
uint64_t input_rows_skipped(const struct input *input); /* for their coordinates */
double input_share(const struct input *input);

/*
 * Labels from text such as "17,18,400", or, when it is not that, from the file of this name: text or CSV (first column, one label a line), .npy, or
 * .npz (array "labels" or the only one); "-": standard input. *labels is owned: free().
 */
int label_list_read(int64_t **labels, size_t *n, const char *text, struct pcct_error *err);

#endif
