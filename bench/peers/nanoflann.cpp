// SPDX-License-Identifier: Apache-2.0
// A peer: nanoflann's kd-tree, double precision. See peer.hpp.
#include "peer.hpp"

#include <nanoflann.hpp>

#include <memory>

namespace
{

struct Points {
    std::vector<double> value;
    size_t n = 0, dim = 0;

    size_t kdtree_get_point_count() const { return n; }
    double kdtree_get_pt(size_t row, size_t column) const { return value[row * dim + column]; }
    template <class Box> bool kdtree_get_bbox(Box &) const { return false; }
};

template <int Dim, class Metric> using Tree = nanoflann::KDTreeSingleIndexAdaptor<Metric, Points, Dim, int64_t>;
using Simple = nanoflann::L2_Simple_Adaptor<double, Points, double, int64_t>;  // suits few columns
using Unrolled = nanoflann::L2_Adaptor<double, Points, double, int64_t>;       // stops at the greatest distance that still counts

template <class Index> struct Asked {
    static int build(const BuildTask &task)
    {
        Points points;

        points.n = task.n;
        points.dim = task.dim;
        points.value = task.load_points();
        Index index(static_cast<int>(task.dim), points, { BuildTask::leaf, nanoflann::KDTreeSingleIndexAdaptorFlags::SkipInitialBuildIndex });
        task.measure("nanoflann", [&]() { index.buildIndex(); });
        return 0;
    }

    static int query(QueryTask &task)
    {
        Points points;
        std::unique_ptr<Index> index[2];
        const size_t leaf[2] = { 10, 32 };

        points.n = task.n;
        points.dim = task.dim;
        points.value.swap(task.points);
        for (int i = 0; i < 2; i++) {
            std::unique_ptr<Index> &made = index[i];
            task.add(
                "nanoflann", leaf[i], 32,
                [&]() {
                    made.reset(new Index(static_cast<int>(task.dim), points,
                                         { leaf[i], nanoflann::KDTreeSingleIndexAdaptorFlags::SkipInitialBuildIndex }));
                    made->buildIndex();
                },
                [&](const double *queries, size_t count, int64_t *labels, double *squares) {
                    for (size_t q = 0; q < count; q++) made->knnSearch(queries + q * task.dim, task.k, labels + q * task.k, squares + q * task.k);
                });
        }
        return task.serve();
    }
};

template <class Task> int run(Task &task, int (*few[4])(Task &), int (*many)(Task &))
{
    switch (task.dim) { // the number of columns known to the compiler, as its users do where they can
    case 2: return few[0](task);
    case 3: return few[1](task);
    case 8: return few[2](task);
    case 10: return few[3](task);
    default: return many(task);
    }
}

} // namespace

int main(int argc, char **argv)
{
    BuildTask task;
    QueryTask asked;

    if (task.read(argc, argv)) {
        int (*few[])(const BuildTask &) = { Asked<Tree<2, Simple>>::build, Asked<Tree<3, Simple>>::build, Asked<Tree<8, Simple>>::build,
                                            Asked<Tree<10, Simple>>::build };
        return run<const BuildTask>(task, few, Asked<Tree<-1, Simple>>::build);
    }
    if (asked.read(argc, argv)) {
        int (*few[])(QueryTask &) = { Asked<Tree<2, Simple>>::query, Asked<Tree<3, Simple>>::query, Asked<Tree<8, Simple>>::query,
                                      Asked<Tree<10, Simple>>::query };
        return run<QueryTask>(asked, few, Asked<Tree<-1, Unrolled>>::query);
    }
    std::fprintf(stderr, "nanoflann %s\nnanoflann %s\n", BuildTask::usage, QueryTask::usage);
    return 2;
}
