# SPDX-License-Identifier: Apache-2.0
# A kernel of a version: set, shown, exported; neighbours by residual correlation against numpy, which has only the exported parameters.
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 120 == 0' >cities.csv
pcct create cities.pcct --dim 2 --quiet
pcct insert cities.pcct cities.csv --columns lat,lng --quiet
pcct kernel set cities.pcct --kernel matern52 --lengthscale 9,13 --variance 2 --nugget 0.001 --inducing 25 --set epoch=12
pcct kernel show cities.pcct
pcct kernel show cities.pcct --json
pcct kernel export cities.pcct -o k.npz
pcct log cities.pcct -n 1 | sed 's/.*live//'
pcct graph cities.pcct -k 7 --metric residual -o graph.npz
pcct graph cities.pcct -k 7 --metric residual --brute -o brute.npz
cmp graph.npz brute.npz
pcct graph cities.pcct -k 7 --metric residual --predecessors -o before.npz
pcct graph cities.pcct -k 7 --metric correlation -o plain.npz
pcct kernel set cities.pcct --kernel matern52 --lengthscale 9,13 --variance 2 --nugget 0.001 -m "no inducing points" -q
pcct graph cities.pcct -k 7 --metric correlation --at main~1 -o plain.csv
pcct graph cities.pcct -k 7 --metric residual -o none.csv
cmp plain.csv none.csv
pcct graph cities.pcct -k 7 --metric residual --at main~1 -o again.npz
cmp graph.npz again.npz
awk -F, 'NR == 1 || NR % 50 == 0' cities.csv >asked.csv
pcct knn cities.pcct asked.csv --columns lat,lng -k 7 --metric residual --at main~1 -o outside.npz
pcct knn cities.pcct --labels 3,5 -k 7 --exclude-self --metric residual --at main~1 -o stored.npz
"$PYTHON" - <<'END'
import csv
import numpy as np
k = np.load("k.npz")
print({key: (str(k[key].dtype), k[key].shape) for key in k.files})
x = np.array([(float(row["lat"]), float(row["lng"])) for row in csv.DictReader(open("cities.csv"))]) / k["lengthscale"]
z, s2, nugget = k["inducing"] / k["lengthscale"], k["variance"][0], k["nugget"][0]
def K(a, b):
    r = np.sqrt(((a[:, None, :] - b[None]) ** 2).sum(-1))
    s = np.sqrt(5) * r
    return s2 * (1 + s + s * s / 3) * np.exp(-s)
L = np.linalg.cholesky(K(z, z) + k["jitter"][0] * s2 * np.eye(len(z)))
v = np.linalg.solve(L, K(z, x))
p = np.maximum(s2 - (v * v).sum(0) + nugget, 1e-9 * s2)
rho = np.abs((K(x, x) - v.T @ v) / np.sqrt(p[:, None] * p))
plain = K(x, x) / (s2 + nugget)
def worst(name, rho, rows, before=False, self=False):
    got, off = np.load(name), 0.0
    for i, row in enumerate(rows):
        key = 1 - np.minimum(rho[row], 1)
        if not self:
            key[row] = np.inf
        if before:
            key[row:] = np.inf
        n = min(7, row) if before else 7
        assert got["counts"][i] == n and len(set(got["labels"][i, :n])) == n
        if n:
            off = max(off, np.abs(np.sort(key)[:n] - got["distances"][i, :n] ** 2).max(), np.abs(key[got["labels"][i, :n]] - np.sort(key)[:n]).max())
    return off < 1e-9
n = len(x)
print(n, "points; as numpy has it:", worst("graph.npz", rho, range(n)), worst("before.npz", rho, range(n), before=True), worst("plain.npz", plain, range(n)),
      worst("outside.npz", rho, range(48, n, 50), self=True), worst("stored.npz", rho, [3, 5]))
END
