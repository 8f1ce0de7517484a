#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer: cKDTree of SciPy on the points, queries and checked answers that `query --dump FOLDER` wrote.

scipy_ckdtree.py FOLDER [THREADS [REPEATS]] prints the same columns as the nanoflann program; leaf sizes 10, 16 and 32.
scipy_ckdtree.py --build: see peer.py."""
import os
import sys
import time

from peer import NOT_INSTALLED, build_task, measure, median

try:
    import numpy as np
    from scipy.spatial import cKDTree
except ImportError:
    sys.exit(NOT_INSTALLED)


def build():
    points, repeats = build_task("scipy_ckdtree.py")
    measure("scipy-cKDTree", 32, lambda: cKDTree(points, leafsize=32), repeats)


def differences(answers, expected):
    """Queries whose distances, to a few roundings, or labels (as sets) differ from the checked answers."""
    close = np.abs(answers[0] - expected[0]) <= 1e-12 * expected[0]
    same = np.sort(answers[1], axis=1) == np.sort(expected[1], axis=1)
    return int((~(close & same).all(axis=1)).sum())


def rate(tree, sets, k, threads, repeats):
    """Median queries a second, and the answers; a repeat asks often enough to take about 0.2 s."""
    start = time.perf_counter()
    answers = [tree.query(queries, k, workers=threads) for queries in sets]
    rounds = int(0.2 / (time.perf_counter() - start)) + 1
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(rounds):
            for queries in sets:
                tree.query(queries, k, workers=threads)
        rates.append(rounds * sum(map(len, sets)) / (time.perf_counter() - start))
    return median(rates), [np.concatenate(part) for part in zip(*answers)]


def main():
    folder = sys.argv[1]
    most = int(sys.argv[2]) if len(sys.argv) > 2 else len(os.sched_getaffinity(0))
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    print("peer,work,n,d,nq,k,threads,leaf,q/s,build_s,differ")
    with open(os.path.join(folder, "workloads.csv"), encoding="ascii") as lines:
        works = [line.strip().split(",") for line in lines]
    for name, n, dim, nq, sets, k in ([work[0], *map(int, work[1:])] for work in works):
        points, queries, labels, distances = (
            np.load(os.path.join(folder, "%s.%s.npy" % (name, what))) for what in ("points", "queries", "labels", "distances")
        )
        for leaf in (10, 16, 32):
            built = []
            for _ in range(repeats):
                start = time.perf_counter()
                tree = cKDTree(points, leafsize=leaf)
                built.append(time.perf_counter() - start)
            for threads in sorted({1, most}):
                queries_per_second, answers = rate(tree, np.split(queries, sets), k, threads, repeats)
                differ = differences(answers, (distances, labels))
                print("cKDTree,%s,%d,%d,%d,%d,%d,%d,%.0f,%.4f,%d" % (name, n, dim, nq, k, threads, leaf, queries_per_second, median(built), differ), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        build()
    else:
        main()
