// SPDX-License-Identifier: Apache-2.0
// What the peers in C++ share. Each can be asked by `build` how long its index takes: PEER --build POINTS.npy N DIM REPEATS prints a line
// "name threads leaf seconds" for each index it has, seconds being the median of the repeats; loading is not in it.
#ifndef BENCH_PEER_HPP
#define BENCH_PEER_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
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

#endif
