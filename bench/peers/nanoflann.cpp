// SPDX-License-Identifier: Apache-2.0
// A peer: nanoflann's kd-tree on the points, queries and checked answers that `query --dump FOLDER` wrote.
// It is handed double precision and leaves of several sizes; the best one counts. Queries are shared out among threads in pieces.
// nanoflann --build: see peer.hpp.
#include "peer.hpp"

#include <nanoflann.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <sstream>
#include <thread>

namespace
{

struct Workload {
    std::string name;
    size_t n = 0, dim = 0, nq = 0, sets = 0, k = 0;
};

struct Points {
    std::vector<double> value;
    size_t n = 0, dim = 0;

    size_t kdtree_get_point_count() const { return n; }
    double kdtree_get_pt(size_t row, size_t column) const { return value[row * dim + column]; }
    template <class Box> bool kdtree_get_bbox(Box &) const { return false; }
};

template <class T> std::vector<T> load_of(const std::string &folder, const Workload &w, const char *what, size_t count)
{
    return load<T>(folder + "/" + w.name + "." + what + ".npy", count);
}

struct Answers {
    std::vector<int64_t> labels;
    std::vector<double> squares;
};

// One set of queries; body(first, last) answers a piece of it.
void in_pieces(size_t nq, int threads, const std::function<void(size_t, size_t)> &body)
{
    const size_t piece = 32;
    std::atomic<size_t> next(0);
    std::vector<std::thread> helper;
    auto worker = [&]() {
        for (;;) {
            size_t first = next.fetch_add(piece);
            if (first >= nq) break;
            body(first, std::min(nq, first + piece));
        }
    };

    for (int t = 1; t < threads; t++) helper.emplace_back(worker);
    worker();
    for (auto &thread : helper) thread.join();
}

// Queries whose distances, to a few roundings, or labels differ from the checked answers. Where distances are that close, labels may change places.
size_t differences(const std::string &folder, const Workload &w, const Answers &answers)
{
    size_t nq = w.nq * w.sets, differ = 0;
    auto labels = load_of<int64_t>(folder, w, "labels", nq * w.k);
    auto distances = load_of<double>(folder, w, "distances", nq * w.k);

    for (size_t q = 0; q < nq; q++) {
        bool bad = false;
        for (size_t i = q * w.k; i < (q + 1) * w.k; i++) {
            bad = bad || std::fabs(std::sqrt(answers.squares[i]) - distances[i]) > 1e-12 * distances[i];
        }
        std::vector<int64_t> ours(answers.labels.begin() + static_cast<long>(q * w.k), answers.labels.begin() + static_cast<long>((q + 1) * w.k));
        std::vector<int64_t> theirs(labels.begin() + static_cast<long>(q * w.k), labels.begin() + static_cast<long>((q + 1) * w.k));
        std::sort(ours.begin(), ours.end());
        std::sort(theirs.begin(), theirs.end());
        differ += bad || ours != theirs;
    }
    return differ;
}

template <int Dim> void measure(const std::string &folder, const Workload &w, const std::vector<int> &threads, int repeats)
{
    using Index = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, Points, double, int64_t>, Points, Dim, int64_t>;
    Points points;
    size_t nq = w.nq * w.sets;
    auto queries = load_of<double>(folder, w, "queries", nq * w.dim);
    Answers answers;

    points.n = w.n;
    points.dim = w.dim;
    points.value = load_of<double>(folder, w, "points", w.n * w.dim);
    answers.labels.resize(nq * w.k);
    answers.squares.resize(nq * w.k);
    for (size_t leaf : { size_t(10), size_t(32), size_t(64) }) {
        Index index(static_cast<int>(w.dim), points, { leaf, nanoflann::KDTreeSingleIndexAdaptorFlags::SkipInitialBuildIndex });
        std::vector<double> built;
        for (int r = 0; r < repeats; r++) {
            double begin = seconds();
            index.buildIndex();
            built.push_back(seconds() - begin);
        }

        for (int t : threads) {
            auto round = [&]() {
                for (size_t set = 0; set < w.sets; set++) {
                    size_t from = set * w.nq;
                    in_pieces(w.nq, t, [&](size_t first, size_t last) {
                        for (size_t q = from + first; q < from + last; q++) {
                            index.knnSearch(&queries[q * w.dim], w.k, &answers.labels[q * w.k], &answers.squares[q * w.k]);
                        }
                    });
                }
            };
            std::vector<double> rate;
            double once = seconds();
            round();
            once = seconds() - once;
            int rounds = once < 0.2 ? static_cast<int>(0.2 / once) + 1 : 1;
            for (int r = 0; r < repeats; r++) {
                double begin = seconds();
                for (int i = 0; i < rounds; i++) round();
                rate.push_back(static_cast<double>(nq) * rounds / (seconds() - begin));
            }
            std::printf("nanoflann,%s,%zu,%zu,%zu,%zu,%d,%zu,%.0f,%.4f,%zu\n", w.name.c_str(), w.n, w.dim, w.nq, w.k, t, leaf, median(rate), median(built),
                        differences(folder, w, answers));
            std::fflush(stdout);
        }
    }
}

template <int Dim> void build(const BuildTask &task)
{
    using Index = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, Points, double, int64_t>, Points, Dim, int64_t>;
    Points points;

    points.n = task.n;
    points.dim = task.dim;
    points.value = task.load_points();
    Index index(static_cast<int>(task.dim), points, { BuildTask::leaf, nanoflann::KDTreeSingleIndexAdaptorFlags::SkipInitialBuildIndex });
    task.measure("nanoflann", [&]() { index.buildIndex(); });
}

int build(const BuildTask &task)
{
    switch (task.dim) { // the number of columns known to the compiler, as its users do where they can
    case 2: build<2>(task); break;
    case 3: build<3>(task); break;
    case 8: build<8>(task); break;
    case 10: build<10>(task); break;
    default: build<-1>(task); break;
    }
    return 0;
}

std::vector<Workload> workloads(const std::string &folder)
{
    std::ifstream file(folder + "/workloads.csv");
    std::vector<Workload> list;

    for (std::string line; std::getline(file, line); ) {
        Workload w;
        std::replace(line.begin(), line.end(), ',', ' ');
        std::istringstream text(line);
        if (text >> w.name >> w.n >> w.dim >> w.nq >> w.sets >> w.k) list.push_back(w);
    }
    return list;
}

} // namespace

int main(int argc, char **argv)
{
    BuildTask task;

    if (task.read(argc, argv)) return build(task);
    if (argc < 2 || argv[1][0] == '-') {
        std::fprintf(stderr, "nanoflann FOLDER [THREADS [REPEATS]]: FOLDER as written by query --dump\nnanoflann %s\n", BuildTask::usage);
        return 2;
    }
    std::vector<int> threads = { 1 };
    int most = argc > 2 ? std::atoi(argv[2]) : static_cast<int>(std::thread::hardware_concurrency());
    int repeats = argc > 3 ? std::atoi(argv[3]) : 5;

    if (most > 1) threads.push_back(most);
    std::printf("peer,work,n,d,nq,k,threads,leaf,q/s,build_s,differ\n");
    for (const Workload &w : workloads(argv[1])) {
        switch (w.dim) { // the number of columns known to the compiler, as its users do where they can
        case 3: measure<3>(argv[1], w, threads, repeats); break;
        case 8: measure<8>(argv[1], w, threads, repeats); break;
        case 10: measure<10>(argv[1], w, threads, repeats); break;
        default: measure<-1>(argv[1], w, threads, repeats); break;
        }
    }
    return 0;
}
