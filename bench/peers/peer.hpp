// SPDX-License-Identifier: Apache-2.0
// What the peers in C++ share. A peer is asked in one of two ways.
//
// PEER --build POINTS.npy N DIM REPEATS prints a line "name threads leaf seconds" for each index it has, seconds being the median of the repeats;
// loading is not in it.
//
// PEER --query FOLDER WORK N DIM NQ SAMPLE K loads FOLDER/WORK.points.npy, .queries.npy and .sample.npy, makes its indices, prints a line
// "index NAME LEAF SECONDS" for each (LEAF 0: it has no leaves), then "ready". From then on it does what lines of its input ask, until they end:
//     answer I                  the neighbours of the sample by the I-th index into FOLDER/peer.labels (int64) and FOLDER/peer.distances (float64),
//                               without a head; prints "done"
//     rate I THREADS SECONDS    answers queries in turn for so long and prints how many there were a second
// Threads take pieces of the queries; none waits for another within a sample.
#ifndef BENCH_PEER_HPP
#define BENCH_PEER_HPP

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

inline double seconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> value)
{
    std::sort(value.begin(), value.end());
    return value[(value.size() - 1) / 2];
}

// The arrays written by the benchmarks have heads of 128 bytes and no gaps.
template <class T> std::vector<T> load(const std::string &path, size_t count)
{
    std::ifstream file(path, std::ios::binary);
    std::vector<T> value(count);

    file.seekg(128);
    file.read(reinterpret_cast<char *>(value.data()), static_cast<std::streamsize>(count * sizeof(T)));
    if (!file) {
        std::fprintf(stderr, "%s cannot be read in full\n", path.c_str());
        std::exit(1);
    }
    return value;
}

struct BuildTask {
    static constexpr const char *usage = "--build POINTS.npy N DIM REPEATS";
    static constexpr size_t leaf = 32; // points: what answers fastest or nearly so on most data
    std::string path;
    size_t n = 0, dim = 0;
    int repeats = 0;

    // Is that what the command line asks for?
    bool read(int argc, char **argv)
    {
        if (argc != 6 || std::strcmp(argv[1], "--build") != 0) return false;
        path = argv[2];
        n = std::strtoull(argv[3], nullptr, 10);
        dim = std::strtoull(argv[4], nullptr, 10);
        repeats = std::atoi(argv[5]);
        return n > 0 && dim > 0 && repeats > 0;
    }

    std::vector<double> load_points() const { return load<double>(path, n * dim); }

    template <class Build> void measure(const char *name, Build build) const
    {
        std::vector<double> took;

        for (int r = 0; r < repeats; r++) {
            double begin = seconds();
            build();
            took.push_back(seconds() - begin);
        }
        std::printf("%s 1 %zu %.5f\n", name, size_t(leaf), median(took));
    }
};

// The k nearest of `count` queries in a row, on the calling thread: labels[count][k] and the squares of their distances, nearest first.
using Search = std::function<void(const double *queries, size_t count, int64_t *labels, double *squares)>;

struct QueryTask {
    static constexpr const char *usage = "--query FOLDER WORK N DIM NQ SAMPLE K";
    std::string folder;
    size_t n = 0, dim = 0, nq = 0, samples = 0, k = 0;
    std::vector<double> points, queries, sample;

    QueryTask() = default;
    QueryTask(const QueryTask &) = delete;
    QueryTask &operator=(const QueryTask &) = delete;

    bool read(int argc, char **argv)
    {
        if (argc != 9 || std::strcmp(argv[1], "--query") != 0) return false;
        folder = argv[2];
        n = std::strtoull(argv[4], nullptr, 10);
        dim = std::strtoull(argv[5], nullptr, 10);
        nq = std::strtoull(argv[6], nullptr, 10);
        samples = std::strtoull(argv[7], nullptr, 10);
        k = std::strtoull(argv[8], nullptr, 10);
        if (n == 0 || dim == 0 || nq == 0 || samples == 0 || k == 0) return false;
        points = load<double>(folder + "/" + argv[3] + ".points.npy", n * dim);
        queries = load<double>(folder + "/" + argv[3] + ".queries.npy", nq * dim);
        sample = load<double>(folder + "/" + argv[3] + ".sample.npy", samples * dim);
        return true;
    }

    // `make` builds the index; `search` asks it; `most` is how many queries a call is given at most.
    void add(const char *name, size_t leaf, size_t most, const std::function<void()> &make, Search search)
    {
        double begin = seconds();
        make();
        std::printf("index %s %zu %.5f\n", name, leaf, seconds() - begin);
        index.push_back({ std::move(search), most });
    }

    int serve()
    {
        std::puts("ready");
        std::fflush(stdout);
        for (std::string line; std::getline(std::cin, line); ) {
            std::istringstream words(line);
            std::string what;
            size_t place = 0;
            words >> what >> place;
            if (place >= index.size()) return 2;
            if (what == "answer") {
                answer(index[place]);
            } else {
                int threads = 1;
                double wanted = 0;
                words >> threads >> wanted;
                std::printf("%.6g\n", rate(index[place], threads, wanted));
            }
            std::fflush(stdout);
        }
        return 0;
    }

private:
    struct Index {
        Search search;
        size_t most;
    };
    std::vector<Index> index;
    size_t turn = 0; // where the next sample begins

    template <class T> void save(const char *name, const std::vector<T> &value) const
    {
        std::ofstream file(folder + "/" + name, std::ios::binary);
        file.write(reinterpret_cast<const char *>(value.data()), static_cast<std::streamsize>(value.size() * sizeof(T)));
    }

    void answer(const Index &asked) const
    {
        std::vector<int64_t> labels(samples * k);
        std::vector<double> distances(samples * k);

        for (size_t q = 0; q < samples; q += asked.most) {
            asked.search(&sample[q * dim], std::min(asked.most, samples - q), &labels[q * k], &distances[q * k]);
        }
        for (double &d : distances) d = std::sqrt(d);
        save("peer.labels", labels);
        save("peer.distances", distances);
        std::puts("done");
    }

    double rate(const Index &asked, int threads, double wanted)
    {
        size_t piece = std::min(asked.most, (nq + size_t(threads) - 1) / size_t(threads)), pieces = (nq + piece - 1) / piece;
        std::atomic<size_t> next(turn), answered(0);
        std::vector<std::thread> helper;
        double begin = seconds();
        auto worker = [&]() {
            std::vector<int64_t> labels(piece * k);
            std::vector<double> squares(piece * k);
            do {
                size_t first = next.fetch_add(1) % pieces * piece, count = std::min(piece, nq - first);
                asked.search(&queries[first * dim], count, labels.data(), squares.data());
                answered += count;
            } while (seconds() - begin < wanted);
        };

        for (int t = 1; t < threads; t++) helper.emplace_back(worker);
        worker();
        for (auto &thread : helper) thread.join();
        turn = next % pieces;
        return static_cast<double>(answered) / (seconds() - begin);
    }
};

#endif
