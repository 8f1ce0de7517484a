/* SPDX-License-Identifier: Apache-2.0 */
#include "common/images.h"

#include "common/machine.h"

#include <string.h>
#include <zlib.h>

int bench_images(double *points, size_t n, const char *path)
{
    static const unsigned char start[4] = { 0, 0, 8, 3 }, side[8] = { 0, 0, 0, 28, 0, 0, 0, 28 }; /* bytes; three dimensions, n x 28 x 28 */
    unsigned char head[16], row[BENCH_IMAGE_DIM];
    gzFile file = gzopen(path, "rb");

    if (!file) return -1;
    if (gzread(file, head, sizeof head) != sizeof head || memcmp(head, start, sizeof start) != 0 || memcmp(head + 8, side, sizeof side) != 0) {
        bench_die("%s: not a file of pictures of 28 x 28 bytes", path);
    }
    for (size_t i = 0; i < n; i++) {
        if (gzread(file, row, sizeof row) != sizeof row) bench_die("%s: there are fewer than %zu pictures", path, n);
        for (size_t j = 0; j < BENCH_IMAGE_DIM; j++) points[i * BENCH_IMAGE_DIM + j] = row[j];
    }
    gzclose(file);
    return 0;
}
