/* SPDX-License-Identifier: Apache-2.0 */
#include "common/npy.h"

#include "common/machine.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_BYTES = 128, MAGIC_BYTES = 10 };

void bench_npy_doubles(const char *folder, const char *name, const char *what, const double *value, size_t rows, size_t columns)
{
    char head[HEAD_BYTES] = "\x93NUMPY\x01", path[4096];
    FILE *file = NULL;
    int bytes;

    head[8] = (char)(HEAD_BYTES - MAGIC_BYTES);
    bytes = snprintf(head + MAGIC_BYTES, HEAD_BYTES - MAGIC_BYTES, "{'descr': '<f8', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    memset(head + MAGIC_BYTES + bytes, ' ', (size_t)(HEAD_BYTES - MAGIC_BYTES - bytes));
    head[HEAD_BYTES - 1] = '\n';
    if ((size_t)snprintf(path, sizeof path, "%s/%s.%s.npy", folder, name, what) >= sizeof path) bench_die("%s: too long a path", folder);
    file = fopen(path, "wb");
    if (!file) bench_die("%s cannot be written", path);
    if (fwrite(head, sizeof head, 1, file) != 1 || fwrite(value, 8, rows * columns, file) != rows * columns || fclose(file) != 0) {
        bench_die("%s could not be written in full", path);
    }
}
