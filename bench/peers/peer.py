# SPDX-License-Identifier: Apache-2.0
"""What the peers in Python share: the two ways in which a peer is asked, see peer.hpp."""
import os
import sys
import time

NOT_INSTALLED = 77  # exit status: the library is missing, so the peer is left out
USAGE = "--build POINTS.npy N DIM REPEATS | --query FOLDER WORK N DIM NQ SAMPLE K"
PIECE = 32  # queries that a call is given at least


def median(values):
    return sorted(values)[(len(values) - 1) // 2]


def build(kinds):
    import numpy

    points, repeats = numpy.load(sys.argv[2]), int(sys.argv[5])
    if points.shape != (int(sys.argv[3]), int(sys.argv[4])):
        sys.exit("%s has not that many rows and columns" % sys.argv[2])
    for name, leaf, make, _ in kinds:
        took = []
        for _ in range(repeats):
            start = time.perf_counter()
            make(points, leaf)
            took.append(time.perf_counter() - start)
        print("%s 1 %d %.5f" % (name, leaf, median(took)), flush=True)


def rate(ask, queries, k, threads, wanted, state):
    """Queries a second. A call is given as many as take about the time wanted, by the rate of the calls before, at most all."""
    answered, start = 0, time.perf_counter()
    while True:
        count = min(len(queries), max(PIECE * threads, int(state.get("rate", 0) * wanted)))
        first = state.get("next", 0)
        first = first if first + count <= len(queries) else 0
        begin = time.perf_counter()
        ask(queries[first : first + count], k, threads)
        now = time.perf_counter()
        state["rate"], state["next"] = count / (now - begin), first + count
        answered += count
        if now - start >= wanted:
            return answered / (now - start)


def query(kinds):
    import numpy

    folder, work = sys.argv[2:4]
    k = int(sys.argv[8])
    points, queries, sample = (numpy.load(os.path.join(folder, "%s.%s.npy" % (work, what))) for what in ("points", "queries", "sample"))
    asks, states = [], {}
    for name, leaf, make, ask in kinds:
        start = time.perf_counter()
        index = make(points, leaf)
        print("index %s %d %.5f" % (name, leaf, time.perf_counter() - start))
        asks.append(lambda rows, k, threads, index=index, ask=ask: ask(index, rows, k, threads))
    print("ready", flush=True)
    for line in sys.stdin:
        what, place, *rest = line.split()
        ask = asks[int(place)]
        if what == "answer":
            distances, labels = ask(sample, k, 1)
            numpy.ascontiguousarray(labels, dtype="<i8").tofile(os.path.join(folder, "peer.labels"))
            numpy.ascontiguousarray(distances, dtype="<f8").tofile(os.path.join(folder, "peer.distances"))
            print("done", flush=True)
        else:
            state = states.setdefault((place, rest[0]), {})
            print("%.6g" % rate(ask, queries, k, int(rest[0]), float(rest[1]), state), flush=True)


def main(kinds):
    """kinds: (name, leaf, make(points, leaf), ask(index, queries, k, threads) with distances and labels) of each index."""
    if len(sys.argv) == 6 and sys.argv[1] == "--build":
        build(kinds)
    elif len(sys.argv) == 9 and sys.argv[1] == "--query":
        query(kinds)
    else:
        sys.exit("%s %s" % (os.path.basename(sys.argv[0]), USAGE))
