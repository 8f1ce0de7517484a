/* SPDX-License-Identifier: Apache-2.0 */
#include "csv_columns.h"
#include "fault.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int csv_fields_add(struct csv_fields *fields, const char *field, size_t bytes, struct pcct_error *err)
{
    int status = 0;
    TRY(memory_grow(&fields->at, &fields->at_capacity, fields->n + 1, sizeof *fields->at, err));
    TRY(memory_grow(&fields->text, &fields->text_capacity, fields->used + bytes + 1, 1, err));
    if (bytes > 0) memcpy(fields->text + fields->used, field, bytes);
    fields->at[fields->n++] = fields->used;
    fields->used += bytes;
    fields->text[fields->used++] = '\0';
done:
    return status;
}

const char *csv_fields_get(const struct csv_fields *fields, size_t i, size_t *length)
{
    size_t end = i + 1 < fields->n ? fields->at[i + 1] : fields->used;
    *length = end - fields->at[i] - 1;
    return fields->text + fields->at[i];
}

void csv_fields_free(struct csv_fields *fields)
{
    free(fields->at);
    free(fields->text);
    memset(fields, 0, sizeof *fields);
}

void csv_columns_free(struct csv_columns *columns)
{
    free(columns->point);
    csv_fields_free(&columns->names);
}

const char *csv_columns_name(char *text, size_t bytes, const struct csv_columns *columns, size_t i)
{
    size_t length = 0;
    if (columns->header) (void)snprintf(text, bytes, "column %s", csv_fields_get(&columns->names, i, &length));
    else (void)snprintf(text, bytes, "column %zu", i + 1);
    return text;
}

static int is_number(const struct csv_fields *fields, size_t i)
{
    size_t length = 0;
    double value = 0;
    const char *field = csv_fields_get(fields, i, &length);
    return length == 0 || text_is_double(&value, field, length);
}

static void list_names(struct pcct_error *err, const struct csv_fields *names)
{
    size_t length = 0;
    for (size_t i = 0; i < names->n; i++) {
        if (i == 12) {
            fault_suffix(err, ", ... (%zu columns)", names->n);
            return;
        }
        fault_suffix(err, "%s%s", i ? ", " : "", csv_fields_get(names, i, &length));
    }
}

/* One word of --columns: a column's name, or its number from 1. */
static int find_column(size_t *column, int *by_name, const struct csv_fields *names, const char *word, struct pcct_error *err)
{
    size_t length = 0, found = SIZE_MAX;
    int64_t number = 0;
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(csv_fields_get(names, i, &length), word) != 0) continue;
        if (found != SIZE_MAX) {
            return fault(err, PCCT_E_INVALID, "two columns are called \"%s\" (%zu and %zu); choose by number", word, found + 1, i + 1);
        }
        found = i;
    }
    /* digits are a number first: a row of data has "names" of that kind */
    if (text_is_int64(&number, word, strlen(word))) {
        if (number < 1 || (uint64_t)number > names->n) {
            return fault(err, PCCT_E_INVALID, "there is no column %s; the rows have %zu", word, names->n);
        }
        *column = (size_t)number - 1;
        return 0;
    }
    if (found == SIZE_MAX) {
        (void)fault(err, PCCT_E_INVALID, "no column is called \"%s\"; the first row is: ", word);
        list_names(err, names);
        return err->code;
    }
    *column = found;
    *by_name = 1;
    return 0;
}

static int choose_listed(struct csv_columns *columns, const struct input_options *options, int *by_name, struct pcct_error *err)
{
    int status = 0;
    size_t n = 0;
    char *list = strdup(options->columns), *rest = list, *word = NULL;
    if (!list) return fault(err, PCCT_E_MEMORY, "no memory for --columns");
    while ((word = strsep(&rest, ",")) != NULL) {
        size_t column = 0;
        TRY(find_column(&column, by_name, &columns->names, word, err));
        for (size_t i = 0; i < n && i < options->dim; i++) {
            if (columns->point[i] == column) TRY(fault(err, PCCT_E_INVALID, "--columns names column %s twice", word));
        }
        if (n < options->dim) columns->point[n] = column;
        n++;
    }
    if (n != options->dim) {
        TRY(fault(err, PCCT_E_DIMENSION, "--columns names %zu column%s, but the store's points have %u", n, n == 1 ? "" : "s", options->dim));
    }
done:
    free(list);
    return status;
}

/* Without --columns: all of them, apart from the label's, when that is as many as the store's points have. */
static int choose_all(struct csv_columns *columns, const struct input_options *options, struct pcct_error *err)
{
    size_t n = 0, free_columns = columns->width - (columns->label != SIZE_MAX);
    if (free_columns != options->dim) {
        (void)fault(err, PCCT_E_DIMENSION, "%zu column%s, but the store's points have %u; choose with --columns from: ", free_columns,
                    free_columns == 1 ? "" : "s", options->dim);
        list_names(err, &columns->names);
        return err->code;
    }
    for (size_t i = 0; i < columns->width; i++) {
        if (i != columns->label) columns->point[n++] = i;
    }
    return 0;
}

/* A first row is a header when its columns in use are words, data when they are numbers (an empty field is neither). Numbers and words together
 * are an error: taking such a row for a header would lose a point. */
static int tell_header(struct csv_columns *columns, size_t dim, struct pcct_error *err)
{
    size_t words = 0, numbers = 0, word = 0, length = 0;
    for (size_t i = 0; i <= dim; i++) {
        size_t column = i < dim ? columns->point[i] : columns->label;
        if (column == SIZE_MAX) continue;
        (void)csv_fields_get(&columns->names, column, &length);
        if (!is_number(&columns->names, column)) {
            word = column;
            words++;
        } else if (length > 0) {
            numbers++;
        }
    }
    columns->header = words > 0;
    if (words == 0 || numbers == 0) return 0;
    return fault(err, PCCT_E_INVALID, "\"%.40s\" in column %zu is not a number, and numbers beside it show that this is no header",
                 csv_fields_get(&columns->names, word, &length), word + 1);
}

int csv_columns_choose(struct csv_columns *columns, struct csv_fields *first, const struct input_options *options, struct pcct_error *err)
{
    int status = 0, by_name = 0;
    columns->names = *first;
    memset(first, 0, sizeof *first);
    columns->width = columns->names.n;
    columns->label = SIZE_MAX;
    columns->point = calloc((size_t)options->dim + 1, sizeof *columns->point);
    if (!columns->point) TRY(fault(err, PCCT_E_MEMORY, "no memory for %u columns", options->dim));
    if (options->label_column) TRY(find_column(&columns->label, &by_name, &columns->names, options->label_column, err));
    if (options->dim > 0 && options->columns) TRY(choose_listed(columns, options, &by_name, err));
    if (options->dim > 0 && !options->columns) TRY(choose_all(columns, options, err));
    columns->header = by_name;
    if (!by_name) TRY(tell_header(columns, options->dim, err));
done:
    return status;
}
