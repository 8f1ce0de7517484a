// SPDX-License-Identifier: Apache-2.0
// A peer: the flat index of faiss, which compares each query with each point by a product of matrices (OpenBLAS), in single precision: its labels and
// distances may differ from the right ones. Each thread multiplies on its own: faster than to share one product. See peer.hpp.
#include "peer.hpp"

#include <faiss/IndexFlat.h>

#include <memory>
#include <omp.h>

int main(int argc, char **argv)
{
    QueryTask task;
    std::unique_ptr<faiss::IndexFlatL2> index;

    if (argc == 6) return 77; // --build: there is nothing to build
    if (!task.read(argc, argv)) {
        std::fprintf(stderr, "faiss %s\n", QueryTask::usage);
        return 2;
    }
    task.add(
        "faiss-flat-f32", 0, 512,
        [&]() {
            std::vector<float> points(task.points.begin(), task.points.end());
            index.reset(new faiss::IndexFlatL2(static_cast<int64_t>(task.dim)));
            index->add(static_cast<int64_t>(task.n), points.data());
        },
        [&](const double *queries, size_t count, int64_t *labels, double *squares) {
            std::vector<float> asked(queries, queries + count * task.dim), found(count * task.k);
            omp_set_num_threads(1); // of this thread's own parallel regions
            index->search(static_cast<int64_t>(count), asked.data(), static_cast<int64_t>(task.k), found.data(), labels);
            std::copy(found.begin(), found.end(), squares);
        });
    return task.serve();
}
