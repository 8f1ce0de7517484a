/* SPDX-License-Identifier: Apache-2.0 */
#include "common/workloads.h"

#include "common/images.h"

enum { POINT_SEED = 1, QUERY_SEED = 2 };

const struct bench_workload *bench_workloads(size_t *count)
{
    static const struct bench_workload list[] = {
        { "U2k", BENCH_GAUSSIAN, 2048, 8, 512, 8, 64, 5, 0 }, /* a set used again and again would train the branch predictor */
        { "U8k", BENCH_GAUSSIAN, 8192, 8, 1024, 16, 1, 5.5, 0 },
        { "U32k", BENCH_GAUSSIAN, 32768, 8, 1024, 8, 1, 6, 0 },
        { "G3", BENCH_GAUSSIAN, 32768, 3, 1024, 50, 1, 4.5, 0 },
        { "U262k", BENCH_GAUSSIAN, 262144, 8, 4096, 10, 1, 5, 0 },
        { "S1M", BENCH_UNIFORM, 1000000, 3, 10000, 10, 1, 2.6, 0 },
        { "C10", BENCH_CLUSTERS, 200000, 10, 4000, 10, 1, 3.2, 0 },
        { "M64", BENCH_MANIFOLD, 100000, 64, 2000, 10, 1, 20, 0 },
        { "U784", BENCH_UNIFORM, 60000, BENCH_IMAGE_DIM, 1000, 10, 1, 6, 1 },
    };

    *count = sizeof list / sizeof *list;
    return list;
}

void bench_workload_shrink(struct bench_workload *work)
{
    if (work->images) work->n /= 30;
    else if (work->n > 65536) work->n /= 8;
    if (work->nq > 1024 || work->images) work->nq /= 8;
    if (work->sets > 8) work->sets /= 8;
}

int bench_workload_fill(double *points, double *queries, const struct bench_workload *work)
{
    size_t nq = work->nq * work->sets;

    if (work->images) {
        return bench_images(points, work->n, BENCH_IMAGES_TRAIN) == 0 && bench_images(queries, nq, BENCH_IMAGES_TEST) == 0 ? 0 : -1;
    }
    bench_points(points, work->shape, work->n, work->dim, POINT_SEED);
    bench_points(queries, work->shape, nq, work->dim, QUERY_SEED);
    return 0;
}
