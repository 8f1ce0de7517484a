#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peers: KDTree and BallTree of scikit-learn. See peer.py for the command line."""
import sys

import peer

try:
    from sklearn.neighbors import BallTree, KDTree
except ImportError:
    sys.exit(peer.NOT_INSTALLED)


def main():
    points, repeats = peer.build_task("sklearn_trees.py")
    for name, tree in (("sklearn-KDTree", KDTree), ("sklearn-BallTree", BallTree)):
        peer.measure(name, 40, lambda: tree(points, leaf_size=40), repeats)


if __name__ == "__main__":
    main()
