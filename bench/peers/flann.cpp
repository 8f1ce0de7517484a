// SPDX-License-Identifier: Apache-2.0
// A peer: FLANN's exact single kd-tree (KDTreeSingleIndex), double precision, rows put into the tree's order. See peer.hpp.
#include "peer.hpp"

#include <flann/flann.hpp>

#include <memory>

namespace
{

using Rows = flann::Matrix<double>;

int build(const BuildTask &task)
{
    std::vector<double> points = task.load_points();
    Rows rows(points.data(), task.n, task.dim);

    task.measure("flann", [&]() {
        flann::KDTreeSingleIndex<flann::L2_Simple<double>> index(rows, flann::KDTreeSingleIndexParams(BuildTask::leaf, true));
        index.buildIndex();
    });
    return 0;
}

template <class Distance> int query(QueryTask &task)
{
    using Index = flann::KDTreeSingleIndex<Distance>;
    Rows rows(task.points.data(), task.n, task.dim);
    flann::SearchParams exact(flann::FLANN_CHECKS_UNLIMITED, 0, true);
    std::unique_ptr<Index> index[2];
    const int leaf[2] = { 10, 32 };

    for (int i = 0; i < 2; i++) {
        std::unique_ptr<Index> &made = index[i];
        task.add(
            "flann", size_t(leaf[i]), 32,
            [&]() {
                made.reset(new Index(rows, flann::KDTreeSingleIndexParams(leaf[i], true)));
                made->buildIndex();
            },
            [&](const double *queries, size_t count, int64_t *labels, double *squares) {
                flann::Matrix<size_t> places(reinterpret_cast<size_t *>(labels), count, task.k);
                Rows asked(const_cast<double *>(queries), count, task.dim), found(squares, count, task.k);
                made->knnSearch(asked, places, found, task.k, exact);
            });
    }
    return task.serve();
}

} // namespace

int main(int argc, char **argv)
{
    BuildTask task;
    QueryTask asked;

    if (task.read(argc, argv)) return build(task);
    // The plain distance suits few columns, the unrolled one, which stops at the greatest distance that still counts, many.
    if (asked.read(argc, argv)) return asked.dim > 16 ? query<flann::L2<double>>(asked) : query<flann::L2_Simple<double>>(asked);
    std::fprintf(stderr, "flann %s\nflann %s\n", BuildTask::usage, QueryTask::usage);
    return 2;
}
