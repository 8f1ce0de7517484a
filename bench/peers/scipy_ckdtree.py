#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer: cKDTree of SciPy. See peer.py."""
import sys

import peer

try:
    from scipy.spatial import cKDTree
except ImportError:
    sys.exit(peer.NOT_INSTALLED)


def make(points, leaf):
    return cKDTree(points, leafsize=leaf)


def ask(tree, queries, k, threads):
    return tree.query(queries, k, workers=threads)


if __name__ == "__main__":
    peer.main([("scipy-cKDTree", 32, make, ask)])
