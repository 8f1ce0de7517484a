// SPDX-License-Identifier: Apache-2.0
// A peer: FLANN's exact single kd-tree (KDTreeSingleIndex), double precision, rows put into the tree's order. See peer.hpp.
#include "peer.hpp"

#include <flann/flann.hpp>

int main(int argc, char **argv)
{
    BuildTask task;

    if (!task.read(argc, argv)) {
        std::fprintf(stderr, "flann %s\n", BuildTask::usage);
        return 2;
    }
    std::vector<double> points = task.load_points();
    flann::Matrix<double> rows(points.data(), task.n, task.dim);

    task.measure("flann", [&]() {
        flann::KDTreeSingleIndex<flann::L2_Simple<double>> index(rows, flann::KDTreeSingleIndexParams(BuildTask::leaf, true));
        index.buildIndex();
    });
    return 0;
}
