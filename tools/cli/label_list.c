/* SPDX-License-Identifier: Apache-2.0 */
#include "csv_input.h"
#include "fault.h"
#include "input.h"
#include "npy.h"
#include "source.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Text of nothing but numbers and commas is a list; a file of such a name is given as ./17. */
static int is_list(const char *text)
{
    return *text != '\0' && strcmp(text, "-") != 0 && strspn(text, "0123456789,-") == strlen(text);
}

static int read_list(struct rows *rows, const char *text, struct pcct_error *err)
{
    int status = 0;
    char *copy = strdup(text), *rest = copy, *word = NULL;
    if (!copy) return fault(err, PCCT_E_MEMORY, "no memory for the labels");
    while ((word = strsep(&rest, ",")) != NULL) {
        size_t row = 0;
        TRY(rows_add(&row, rows, 1, err));
        if (!text_is_int64(&rows->labels[row], word, strlen(word))) TRY(fault(err, PCCT_E_INVALID, "\"%s\" is not a label", word));
    }
done:
    free(copy);
    return status;
}

static int read_array(struct rows *rows, struct source *source, struct pcct_error *err)
{
    int status = 0;
    struct npy npy = { 0, 0, 0, 0, 0 };
    TRY(npy_open(&npy, source, err));
    if (npy.columns != 1) TRY(fault(err, PCCT_E_DIMENSION, "%s: labels are an array of one dimension", source_name(source)));
    while (rows->n < npy.rows) {
        uint64_t left = npy.rows - rows->n;
        size_t first = 0, part = left < 65536 ? (size_t)left : 65536; /* in pieces: the shape may promise more than there is */
        TRY(rows_add(&first, rows, part, err));
        TRY(npy_read_int64(rows->labels + first, part, &npy, source, err));
    }
done:
    return status;
}

static int read_file(struct rows *rows, const char *path, struct pcct_error *err)
{
    int status = 0;
    struct source *source = NULL;
    struct csv_input *csv = NULL;
    const unsigned char *start = NULL;
    size_t bytes = 0;
    const struct input_options first_column = { .path = path, .label_column = "1" };
    if (text_ends_in(path, ".npz")) TRY(source_open_array(&source, path, NULL, "labels", err));
    else TRY(source_open(&source, path, err));
    TRY(source_peek(&start, &bytes, source, NPY_MAGIC_BYTES, err));
    if (npy_is_magic(start, bytes)) {
        TRY(read_array(rows, source, err));
    } else {
        TRY(csv_input_open(&csv, source, &first_column, text_ends_in(path, ".tsv"), err));
        TRY(csv_input_read(rows, csv, SIZE_MAX, err));
    }
    if (rows->n == 0) TRY(fault(err, PCCT_E_INVALID, "%s: no labels in it", source_name(source)));
done:
    csv_input_close(csv);
    source_close(source);
    return status;
}

int label_list_read(int64_t **labels, size_t *n, const char *text, struct pcct_error *err)
{
    struct rows rows = { .dim = 0 };
    int status = 0;
    *labels = NULL;
    *n = 0;
    if (*text == '\0') return fault(err, PCCT_E_INVALID, "no labels are given; write them as 17,18,400 or name a file of labels");
    status = is_list(text) ? read_list(&rows, text, err) : read_file(&rows, text, err);
    if (status == PCCT_E_NOT_FOUND) fault_suffix(err, "; labels are whole numbers with commas between them, or a file of labels");
    if (status == 0) {
        *labels = rows.labels;
        *n = rows.n;
        rows.labels = NULL;
    }
    rows_free(&rows);
    return status;
}
