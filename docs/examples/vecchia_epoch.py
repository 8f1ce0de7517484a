#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training the lengthscales of a Gaussian process by way of `pcct`, with every epoch a version of the store.

    vecchia_epoch.py CITIES.csv[.gz] | TERRAIN.npz [POINTS [EPOCHS]]

CITIES: a CSV with the columns lat and lng in degrees, such as tests/data/cities.csv.gz; the field is drawn there with known lengthscales. TERRAIN: a
real field, heights on a grid, such as /usr/share/matplotlib/mpl-data/sample_data/jacksboro_fault_dem.npz of Debian's python-matplotlib-data. Needs
numpy, and pcct on the PATH or named by PCCT. vecchia_epoch.c does the same by the library.

The model: values at inducing points carry the coarse part of the field, V'V; what is left, R = K - V'V and noise, is approximated by Vecchia's product
of conditional densities with the M nearest before each point by residual correlation. An epoch is
    pcct kernel set      a version with the new lengthscales and what was found under them
    pcct kernel export   the parameters, from which V is computed here
    pcct vecchia         the order and the neighbours before each point
    pcct diff            which neighbour sets are not those of the best epoch so far
    pcct reset           back to that one, where the likelihood fell
"""
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

PCCT = os.environ.get("PCCT", "pcct")
LENGTHSCALE = np.array([2.0, 0.7])  # of the field, east and north, in units of 100 km
NUGGET = 0.01
M, INDUCING = 12, 20


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


def terrain(path, n):
    """n points of a grid of heights, drawn at random: km east and north, and heights with mean 0 and variance 1."""
    with np.load(path) as z:
        height, dx, dy, south = z["elevation"].astype(float), float(z["dx"]), float(z["dy"]), float(z["ymin"])
    at = np.random.default_rng(1).choice(height.size, n, replace=False)
    row, column = np.divmod(at, height.shape[1])
    x = np.column_stack((column * dx * 111.2 * np.cos(np.radians(south)), (height.shape[0] - row) * dy * 111.2))
    y = height.ravel()[at]
    return x, (y - y.mean()) / y.std()


class Training:
    def __init__(self, folder, x, y):
        self.store, self.npz, self.x, self.y = os.path.join(folder, "epochs.pcct"), os.path.join(folder, "a.npz"), x, y
        np.save(os.path.join(folder, "x.npy"), x)
        self.pcct("create", self.store, "--dim", 2, "-q")
        self.pcct("insert", self.store, os.path.join(folder, "x.npy"), "-q")  # labels 0 to n - 1, the rows of x

    def pcct(self, *words):
        return subprocess.run([PCCT, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def load(self, *words):
        self.pcct(*words, "-o", self.npz)
        with np.load(self.npz) as z:
            return {name: z[name] for name in z.files}

    def features(self, kernel):
        """V, a column for each point, and the covariance of what is left, with its noise."""
        z, scale = kernel["inducing"], kernel["lengthscale"]
        factor = np.linalg.cholesky(covariance(z, z, scale) + kernel["jitter"] * np.eye(len(z)))
        v = np.linalg.solve(factor, covariance(z, self.x, scale))
        return v, covariance(self.x, self.x, scale) - v.T @ v + kernel["nugget"] * np.eye(len(self.x))

    def log_likelihood(self):
        """Of main's kernel: Vecchia's product for the residual process, the coarse part by Woodbury's identity."""
        kernel = self.load("kernel", "export", self.store)
        lists = self.load("vecchia", self.store, "-m", M, "--metric", "residual")
        v, r = self.features(kernel)
        left, off, variance = np.empty((len(self.x), len(v))), np.empty(len(self.x)), np.empty(len(self.x))
        for rank, i in enumerate(lists["order"]):
            near = lists["labels"][lists["starts"][rank]:lists["starts"][rank + 1]]
            weight = np.linalg.solve(r[np.ix_(near, near)], r[near, i])
            off[rank] = self.y[i] - weight @ self.y[near]
            left[rank] = v[:, i] - v[:, near] @ weight
            variance[rank] = r[i, i] - weight @ r[near, i]
        coarse = np.eye(len(v)) + (left.T / variance) @ left
        g = np.linalg.solve(np.linalg.cholesky(coarse), left.T @ (off / variance))
        square = np.sum(off ** 2 / variance) - g @ g
        return -0.5 * (square + np.log(variance).sum() + np.linalg.slogdet(coarse)[1] + len(self.x) * np.log(2 * np.pi))

    def epoch(self, number, scale, best):
        """Commits the lengthscales; returns the log-likelihood and how many sets are not those of the version `best`."""
        self.pcct("kernel", "set", self.store, "--kernel", "matern32", "--lengthscale", "%r,%r" % tuple(scale), "--nugget", NUGGET, "--inducing",
                  INDUCING, "--set", "epoch=%d" % number, "-q")
        value = self.log_likelihood()
        changed = 0
        if best:
            changed = json.loads(self.pcct("diff", self.store, best, "main", "--neighbours", "-k", M, "--metric", "residual", "--json"))["changed"]
            changed = sum(row["jaccard"] < 1 for row in changed)
        return value, changed

    def head(self):
        return "v%d" % json.loads(self.pcct("show", self.store, "main", "--json"))["version"]


def train(training, epochs):
    """A lengthscale is tried larger, then smaller; where neither helps for any, by less."""
    scale, step, way, failed = np.array([1.0, 1.0]), 2.0, 0, 0
    value, _ = training.epoch(1, scale, None)
    best = training.head()
    print("epoch  1: lengthscales %.3f %.3f, log-likelihood %.3f" % (*scale, value))
    for number in range(2, epochs + 1):
        tried = scale.copy()
        tried[way // 2] *= 1 / step if way % 2 else step
        found, changed = training.epoch(number, tried, best)
        line = "epoch %2d: lengthscales %.3f %.3f, log-likelihood %.3f, %3d sets of neighbours changed: " % (number, *tried, found, changed)
        if found > value:
            print(line + "better")
            scale, value, best, failed = tried, found, training.head(), 0
            continue
        training.pcct("reset", training.store, best)
        print(line + "back to " + best)
        way, failed = (way + 1) % 4, failed + 1
        if failed == 4:
            step, failed = np.sqrt(step), 0
    return best, value


def main(path, n, epochs):
    real = path.endswith(".npz")
    if real:
        x, y = terrain(path, n)
    else:
        x = places(path, n)
        y = np.linalg.cholesky(covariance(x, x, LENGTHSCALE) + NUGGET * np.eye(n)) @ np.random.default_rng(1).standard_normal(n)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(folder, x, y)
        best, value = train(training, epochs)
        kernel = json.loads(training.pcct("kernel", "show", training.store, "--json"))
        known = "" if real else " (the field's: %.3f %.3f)" % tuple(LENGTHSCALE)
        print("main is %s: lengthscales %.3f %.3f%s" % (training.head(), *kernel["lengthscale"], known))
        print("the kernel is the best epoch's:", "v%d" % kernel["version"] == best and training.log_likelihood() == value)
        print("epochs kept as versions:", sum("epoch" in json.loads(training.pcct("show", training.store, "epoch:%d" % i, "--json"))["keys"]
                                              for i in range(1, epochs + 1)))


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 400, int(sys.argv[3]) if len(sys.argv) > 3 else 24)
