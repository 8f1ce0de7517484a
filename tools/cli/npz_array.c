/* SPDX-License-Identifier: Apache-2.0 */
#include "npz_array.h"

#include "fault.h"
#include "npy.h"

#include <stdlib.h>

void npz_array_add(struct zip_writer *writer, const char *name, const char *type, const void *items, uint64_t n, uint64_t columns, size_t item_bytes)
{
    char header[NPY_HEADER_BYTES];
    npy_header(header, type, n, columns);
    zip_write(writer, name, header, sizeof header, items, (size_t)(n * (columns ? columns : 1)) * item_bytes);
}

/* Nothing may stand behind it; looking for the end also checks the sum of the archive. */
static int expect_end(struct source *source, const char *name, struct pcct_error *err)
{
    const unsigned char *data = NULL;
    size_t bytes = 0;
    int status = source_look(&data, &bytes, source, err);
    if (status == 0 && bytes > 0) status = fault(err, PCCT_E_INVALID, "%s: array %s goes on behind its end", source_name(source), name);
    return status;
}

int npz_array_read(struct npz_array *array, const char *path, const char *name, char kind, unsigned item_bytes, struct pcct_error *err)
{
    int status = 0;
    struct source *source = NULL;
    struct npy npy;
    *array = (struct npz_array){ NULL, 0, 0 };
    TRY(source_open_array(&source, path, name, name, err));
    TRY(npy_open(&npy, source, err));
    if (npy.kind != kind || npy.item_bytes != item_bytes || (npy.by_columns && npy.columns > 1 && npy.rows > 1)) {
        TRY(fault(err, PCCT_E_INVALID, "%s: array %s must be of type %c%u in C order; write it as pcct export does", path, name, kind, item_bytes));
    }
    if (npy.rows > SIZE_MAX / 16 / (npy.columns ? npy.columns : 1)) TRY(fault(err, PCCT_E_INVALID, "%s: array %s is impossibly long", path, name));
    const size_t bytes = (size_t)(npy.rows * npy.columns) * item_bytes;
    array->items = malloc(bytes + 1);
    if (!array->items) TRY(fault(err, PCCT_E_MEMORY, "no memory to read %s", path));
    TRY(source_read(array->items, bytes, source, err));
    TRY(expect_end(source, name, err));
    array->rows = npy.rows;
    array->columns = npy.columns;
done:
    source_close(source);
    if (status != 0) {
        free(array->items);
        array->items = NULL;
    }
    return status;
}
