/* SPDX-License-Identifier: Apache-2.0 */
#include "csv_input.h"
#include "csv_columns.h"
#include "fault.h"
#include "text.h"

#include <csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_BYTES_MOST = 1 << 24, NAME_BYTES = 128, FIELD_SHOWN = 40 };

struct csv_input {
    struct source *source;
    struct csv_parser parser;
    int parser_ready, ended;
    struct input_options options;
    struct csv_columns columns;
    int columns_known;
    struct csv_fields fields; /* of the row being read */
    size_t row_bytes;
    uint64_t line, row_line;  /* of the byte to come, and of the row's first byte */
    int row_open;             /* a quoted field goes on beyond the line's end */
    int row_done;             /* a row ended in the piece that was fed */
    struct rows *rows;        /* where rows go; only within csv_input_read() */
    struct pcct_error *err;
    int status;               /* of a callback */
};

static int parse_label(int64_t *label, const struct csv_input *csv, struct pcct_error *err)
{
    char name[NAME_BYTES];
    size_t length = 0;
    const char *field = csv_fields_get(&csv->fields, csv->columns.label, &length);
    if (text_is_int64(label, field, length)) return 0;
    return fault(err, PCCT_E_INVALID, "\"%.*s\" in %s is not a whole number of 64 bits", FIELD_SHOWN, field,
                 csv_columns_name(name, sizeof name, &csv->columns, csv->columns.label));
}

static int parse_row(struct csv_input *csv, struct pcct_error *err)
{
    int status = 0;
    size_t row = 0, length = 0;
    if (csv->fields.n != csv->columns.width) {
        TRY(fault(err, PCCT_E_DIMENSION, "%zu column%s, but the first row has %zu", csv->fields.n, csv->fields.n == 1 ? "" : "s",
                  csv->columns.width));
    }
    TRY(rows_add(&row, csv->rows, 1, err));
    csv->rows->place[row] = csv->row_line;
    double *point = csv->rows->dim ? csv->rows->points + row * csv->rows->dim : NULL; /* a list of labels has no points */
    for (size_t i = 0; i < csv->rows->dim; i++) {
        const char *field = csv_fields_get(&csv->fields, csv->columns.point[i], &length);
        if (length == 0) {
            point[i] = NAN;
        } else if (!text_is_double(&point[i], field, length)) {
            char name[NAME_BYTES];
            TRY(fault(err, PCCT_E_INVALID, "\"%.*s\" in %s is not a number", FIELD_SHOWN, field,
                      csv_columns_name(name, sizeof name, &csv->columns, csv->columns.point[i])));
        }
    }
    if (csv->columns.label != SIZE_MAX) TRY(parse_label(&csv->rows->labels[row], csv, err));
done:
    return status;
}

static void on_field(void *field, size_t bytes, void *context)
{
    struct csv_input *csv = context;
    if (csv->status == 0) csv->status = csv_fields_add(&csv->fields, field, bytes, csv->err);
}

/* After a first row, the fields belong to the columns. */
static int take_row(struct csv_input *csv, struct pcct_error *err)
{
    int status = 0;
    if (csv->columns_known) {
        TRY(parse_row(csv, err));
    } else {
        struct csv_fields copy = { NULL, NULL, 0, 0, 0, 0 };
        size_t length = 0;
        for (size_t i = 0; i < csv->fields.n; i++) {
            const char *field = csv_fields_get(&csv->fields, i, &length);
            TRY(csv_fields_add(&copy, field, length, err));
        }
        csv->columns_known = 1;
        TRY(csv_columns_choose(&csv->columns, &copy, &csv->options, err));
        if (!csv->columns.header) TRY(parse_row(csv, err));
    }
done:
    return status;
}

static void on_row(int end_character, void *context)
{
    struct csv_input *csv = context;
    (void)end_character;
    csv->row_done = 1;
    csv->row_bytes = 0;
    if (csv->status == 0) {
        csv->status = take_row(csv, csv->err);
        if (csv->status != 0 && csv->status != PCCT_E_MEMORY) {
            fault_prefix(csv->err, "%s: line %llu: ", source_name(csv->source), (unsigned long long)csv->row_line);
        }
    }
    csv->fields.n = 0;
    csv->fields.used = 0;
}

int csv_input_open(struct csv_input **csv, struct source *source, const struct input_options *options, int tabs, struct pcct_error *err)
{
    int status = 0;
    const unsigned char *start = NULL;
    size_t bytes = 0;
    struct csv_input *fresh = calloc(1, sizeof *fresh);
    *csv = NULL;
    if (!fresh) return fault(err, PCCT_E_MEMORY, "no memory to read %s", source_name(source));
    fresh->source = source;
    fresh->options = *options;
    fresh->line = fresh->row_line = 1;
    if (csv_init(&fresh->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) TRY(fault(err, PCCT_E_MEMORY, "no memory to read %s", source_name(source)));
    fresh->parser_ready = 1;
    if (tabs) {
        csv_set_delim(&fresh->parser, CSV_TAB);
        csv_set_quote(&fresh->parser, 0);
    }
    TRY(source_peek(&start, &bytes, source, 3, err));
    if (bytes == 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) source_take(source, 3); /* a byte order mark */
done:
    if (status != 0) csv_input_close(fresh);
    else *csv = fresh;
    return status;
}

void csv_input_close(struct csv_input *csv)
{
    if (!csv) return;
    if (csv->parser_ready) csv_free(&csv->parser);
    csv_columns_free(&csv->columns);
    csv_fields_free(&csv->fields);
    free(csv);
}

static int parser_fault(struct csv_input *csv, struct pcct_error *err)
{
    if (csv->status != 0) return csv->status;
    int code = csv_error(&csv->parser);
    if (code == CSV_EPARSE) {
        return fault(err, PCCT_E_INVALID, "%s: line %llu: a quote that is not closed, or text beside a quoted field", source_name(csv->source),
                     (unsigned long long)csv->row_line);
    }
    return fault(err, PCCT_E_MEMORY, "%s: line %llu: no memory for the row", source_name(csv->source), (unsigned long long)csv->row_line);
}

static int is_blank(const unsigned char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] != ' ' && data[i] != '\t' && data[i] != '\r' && data[i] != '\n') return 0;
    }
    return 1;
}

/* Hands the parser one line, or what is at hand of it, so that the line of each row is known. */
static int feed(struct csv_input *csv, const unsigned char *data, size_t bytes, struct pcct_error *err)
{
    const unsigned char *end = memchr(data, '\n', bytes);
    size_t part = end ? (size_t)(end - data) + 1 : bytes;
    if (!csv->row_open) csv->row_line = csv->line;
    csv->row_done = 0;
    csv->row_bytes += part;
    if (csv->row_bytes > ROW_BYTES_MOST) {
        return fault(err, PCCT_E_INVALID, "%s: line %llu: longer than 16 MiB; is this a text file?", source_name(csv->source),
                     (unsigned long long)csv->row_line);
    }
    if (csv_parse(&csv->parser, data, part, on_field, on_row, csv) != part || csv->status != 0) return parser_fault(csv, err);
    csv->row_open = !csv->row_done && (csv->row_open || !is_blank(data, part));
    if (!csv->row_open) csv->row_bytes = 0;
    if (end) csv->line++;
    source_take(csv->source, part);
    return 0;
}

int csv_input_read(struct rows *rows, struct csv_input *csv, size_t most, struct pcct_error *err)
{
    int status = 0;
    csv->rows = rows;
    csv->err = err;
    while (rows->n < most && !csv->ended) {
        const unsigned char *data = NULL;
        size_t bytes = 0;
        TRY(source_look(&data, &bytes, csv->source, err));
        if (bytes == 0) {
            csv->ended = 1;
            if (csv_fini(&csv->parser, on_field, on_row, csv) != 0 || csv->status != 0) TRY(parser_fault(csv, err));
        } else {
            TRY(feed(csv, data, bytes, err));
        }
    }
done:
    csv->rows = NULL;
    csv->err = NULL;
    return status;
}
