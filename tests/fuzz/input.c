/* SPDX-License-Identifier: Apache-2.0 */
/* Files of points: text, .npy, .npz and gzip of them, as the tool reads them. The first two bytes choose how; the rest is the file. */
#include "fuzz.h"
#include "input.h"

#include <math.h>

enum { AT_ONCE = 7, MOST_ROWS = 1 << 16 };

static void check_rows(const struct rows *rows, const struct input *input, const struct input_options *options)
{
    MUST(rows->n <= MOST_ROWS && strlen(input_place_word(input)) > 0);
    for (size_t i = 0; i < rows->n * options->dim; i++) MUST(isfinite(rows->points[i]));
}

static void write_file(const char *path, const uint8_t *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    MUST(file && fwrite(data, 1, bytes, file) == bytes);
    MUST(fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const ending[] = { "", ".tsv", ".npz" };
    struct input_options options = { .dim = 2 };
    struct rows rows = { 0 };
    struct pcct_error err = { 0, "" };
    struct input *input = NULL;
    char path[300];
    int status;

    if (bytes < 2) return 0;
    snprintf(path, sizeof path, "%s/input%s", fuzz_folder(), ending[data[1] % 3]);
    write_file(path, data + 2, bytes - 2);
    options.path = path;
    if (data[0] & 1) options.columns = data[0] & 2 ? "2,1" : "x,y";
    if (data[0] & 4) options.label_column = data[0] & 8 ? "1" : "labels";
    if (data[0] & 16) options.skip_rows = 1;
    options.nan_skip = (data[0] & 32) != 0;
    if (data[0] & 64) options.array = "points";
    if (data[0] & 128) options.dim = 1;
    rows.dim = options.dim;
    status = input_open(&input, &options, &err);
    while (status == 0) {
        status = input_read(&rows, input, AT_ONCE, &err);
        if (status != 0 || rows.n == 0) break;
        check_rows(&rows, input, &options);
    }
    if (status != 0) MUST(err.code == status && strlen(err.message) > 8); /* may quote the file; fault_print() escapes what it prints */
    rows_free(&rows);
    input_close(input);
    return 0;
}
