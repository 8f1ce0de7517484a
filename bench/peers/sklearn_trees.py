#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peers: KDTree and BallTree of scikit-learn. With several threads the queries are cut into as many pieces, as its NearestNeighbors does.

See peer.py."""
import concurrent.futures
import sys

import peer

try:
    import numpy
    from sklearn.neighbors import BallTree, KDTree
except ImportError:
    sys.exit(peer.NOT_INSTALLED)


def ask(tree, queries, k, threads):
    if threads == 1:
        return tree.query(queries, k)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda rows: tree.query(rows, k), numpy.array_split(queries, threads)))
    return [numpy.concatenate(part) for part in zip(*parts)]


def maker(kind):
    return lambda points, leaf: kind(points, leaf_size=leaf)


if __name__ == "__main__":
    peer.main([("sklearn-KDTree", 40, maker(KDTree), ask), ("sklearn-BallTree", 40, maker(BallTree), ask)])
