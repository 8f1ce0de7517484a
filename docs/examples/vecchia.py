#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Vecchia's approximation of a Gaussian process, over real places, by way of `pcct vecchia`.

    vecchia.py CITIES.csv[.gz] [POINTS]

CITIES: a CSV with the columns lat and lng in degrees, such as tests/data/cities.csv.gz. Needs numpy, and pcct on the PATH or named by PCCT.

The density of a field y = (y_1, ..., y_n) is the product of those of y_i given all y_j before it. Vecchia conditions on the m nearest of these alone,
which takes n small linear systems in the place of one large one. Here a field with known parameters is drawn at places of Europe; then
  - the log-likelihood with all n - 1 predecessors is that of the dense covariance matrix, up to rounding;
  - the Kullback-Leibler divergence from the true density falls as m grows, and is less for the maxmin order than for one by coordinate;
  - the likelihood over a grid of lengthscales, each with neighbours of its own, finds those that the field was drawn with.
"""
import csv
import gzip
import os
import subprocess
import sys
import tempfile

import numpy as np

PCCT = os.environ.get("PCCT", "pcct")
LENGTHSCALE = (2.0, 0.7)  # of the field, east and north, in units of 100 km
NUGGET = 0.01


def places(path, n):
    """n places of Europe, evenly taken from the file, on a plane: 100 km east and north."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        degrees = np.array([(float(row["lat"]), float(row["lng"])) for row in csv.DictReader(file)])
    lat, lng = degrees.T
    europe = degrees[(lat > 45) & (lat < 52) & (lng > 2) & (lng < 14)]
    europe = europe[np.linspace(0, len(europe) - 1, n).astype(int)]
    return np.column_stack((europe[:, 1] * np.cos(np.radians(48.5)), europe[:, 0])) * 1.112


def covariance(a, b, lengthscale):
    """Matern 3/2, variance 1."""
    r = np.sqrt((((a[:, None, :] - b[None, :, :]) / lengthscale) ** 2).sum(axis=2)) * np.sqrt(3)
    return (1 + r) * np.exp(-r)


def pcct(*words):
    subprocess.run([PCCT, *map(str, words)], check=True)


def neighbours(store, m, *words):
    """The order, and for each rank the ranks of its m nearest predecessors."""
    path = store + ".npz"
    pcct("vecchia", store, "-m", m, "-o", path, *words)
    with np.load(path) as z:
        return z["order"], [z["positions"][a:b] for a, b in zip(z["starts"], z["starts"][1:])]


def conditionals(x, y, lists, lengthscale):
    """Of each y_i given those on its list: how far it is from its mean, and its variance."""
    off, variance = np.empty(len(y)), np.empty(len(y))
    for i, near in enumerate(lists):
        k = covariance(x[near], x[i:i + 1], lengthscale)[:, 0]
        weight = np.linalg.solve(covariance(x[near], x[near], lengthscale) + NUGGET * np.eye(len(near)), k)
        off[i] = y[i] - weight @ y[near]
        variance[i] = 1 + NUGGET - weight @ k
    return off, variance


def log_likelihood(off, variance):
    return -0.5 * np.sum(off ** 2 / variance + np.log(2 * np.pi * variance))


def main(path, n):
    x = places(path, n)
    factor = np.linalg.cholesky(covariance(x, x, LENGTHSCALE) + NUGGET * np.eye(n))
    y = factor @ np.random.default_rng(1).standard_normal(n)
    log_det = 2 * np.log(np.diag(factor)).sum()
    dense = -0.5 * (np.sum(np.linalg.solve(factor, y) ** 2) + log_det + n * np.log(2 * np.pi))
    scale = ",".join(map(str, LENGTHSCALE))

    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "places.pcct")
        np.save(os.path.join(folder, "places.npy"), x)
        pcct("create", store, "--dim", 2, "--quiet")
        pcct("insert", store, os.path.join(folder, "places.npy"), "--quiet")  # labels 0 to n - 1, the rows of x

        order, lists = neighbours(store, n - 1, "--lengthscale", scale)
        whole = log_likelihood(*conditionals(x[order], y[order], lists, LENGTHSCALE))
        print("log-likelihood, dense and with all predecessors: %.6f %.6f" % (dense, whole))
        print("equal to 1e-10 of it:", abs(whole - dense) < 1e-10 * abs(dense))

        divergence = {}
        for kind in "maxmin", "coordinate":
            for m in 1, 2, 4, 8, 16, 32:
                order, lists = neighbours(store, m, "--lengthscale", scale, "--order", kind)
                variance = conditionals(x[order], y[order], lists, LENGTHSCALE)[1]
                divergence[kind, m] = 0.5 * (np.log(variance).sum() - log_det)  # the quadratic terms are n on either side, in the mean
                print("order %-10s m %2d: KL divergence %9.4f" % (kind, m, divergence[kind, m]))
        for kind in "maxmin", "coordinate":
            falls = [divergence[kind, m] for m in (1, 2, 4, 8, 16, 32)]
            print("falls with m, order %s: %s" % (kind, all(a > b > 0 for a, b in zip(falls, falls[1:]))))
        print("less for maxmin at m = 8:", divergence["maxmin", 8] < divergence["coordinate", 8])

        best = None
        for east in 1.0, 1.4, 2.0, 2.8, 4.0:
            for north in 0.35, 0.5, 0.7, 1.0, 1.4:
                order, lists = neighbours(store, 10, "--lengthscale", "%g,%g" % (east, north))
                value = log_likelihood(*conditionals(x[order], y[order], lists, (east, north)))
                if best is None or value > best[0]:
                    best = value, east, north
        print("lengthscales found: %g %g (the field's: %g %g)" % (best[1:] + LENGTHSCALE))


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 800)
