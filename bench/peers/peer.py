# SPDX-License-Identifier: Apache-2.0
"""What the peers in Python share. Each can be asked by `build` how long its index takes: PEER --build POINTS.npy N DIM REPEATS prints a line
"name threads leaf seconds" for each index it has, seconds being the median of the repeats; loading is not in it."""
import sys
import time

NOT_INSTALLED = 77  # exit status: the library is missing, so the peer is left out
USAGE = "--build POINTS.npy N DIM REPEATS"


def median(values):
    return sorted(values)[(len(values) - 1) // 2]


def build_task(name):
    """Points and repeats of the command line; ends the program if it is not --build."""
    import numpy

    if len(sys.argv) != 6 or sys.argv[1] != "--build":
        sys.exit("%s %s" % (name, USAGE))
    points = numpy.load(sys.argv[2])
    if points.shape != (int(sys.argv[3]), int(sys.argv[4])):
        sys.exit("%s has not that many rows and columns" % sys.argv[2])
    return points, int(sys.argv[5])


def measure(name, leaf, build, repeats):
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        build()
        took.append(time.perf_counter() - start)
    print("%s 1 %d %.5f" % (name, leaf, median(took)), flush=True)
