# SPDX-License-Identifier: Apache-2.0
# Orders by each rule, the neighbours before each point in all formats, lengthscales; what numpy computes from the same points by plain loops.
grid
for order in maxmin coarse hilbert coordinate random; do
    echo "$order" $(pcct order grid.pcct --order $order | tail -n +2)
done
echo axis 2 $(pcct order grid.pcct --order coordinate --axis 2 | tail -n +2)
pcct order grid.pcct --format jsonl | head -n 2
pcct vecchia grid.pcct -m 3 --gpgp -
pcct vecchia grid.pcct -m 2 -o - --lengthscale 3 >v.npz
"$PYTHON" - <<'END'
import numpy as np
v = np.load("v.npz")
for key in v.files:
    print(key, v[key].dtype, v[key].tolist())
END
pcct order grid.pcct --order random --seed 7 -o given.npz
pcct order grid.pcct --order given.npz -o again.csv
pcct order grid.pcct --order again.csv --format npz | cmp - given.npz
pcct graph grid.pcct -k 2 --predecessors=again.csv --format jsonl | head -n 3
pcct vecchia grid.pcct -m 2 --at v0 -o empty.npz --gpgp empty.csv
wc -c <empty.csv

# Real points, fewer of them: the definition by plain loops, in the same arithmetic.
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 200 == 0' >cities.csv
pcct create cities.pcct --dim 2 --quiet
pcct insert cities.pcct cities.csv --columns lat,lng --quiet
pcct insert cities.pcct cities.csv --columns lat,lng --quiet # all of them twice
pcct vecchia cities.pcct -m 12 --lengthscale 3,0.7 -o v.npz --gpgp v.csv --threads 2
"$PYTHON" - <<'END'
import csv
import numpy as np
v = np.load("v.npz")
cities = [(float(row["lat"]), float(row["lng"])) for row in csv.DictReader(open("cities.csv"))]
x = np.array(cities + cities) / np.array([3, 0.7])
n = len(x)
labels = np.arange(n)
total = np.zeros(2)
for row in x:
    total += row
def keys(q):
    d = x - q
    return d[:, 0] * d[:, 0] + d[:, 1] * d[:, 1]
order = [int(np.argmin(keys(total / n)))]
nearest = keys(x[order[0]])
while len(order) < n:
    nearest[order[-1]] = -1
    order.append(int(np.argmax(nearest)))
    nearest = np.minimum(nearest, keys(x[order[-1]]))
print(n, "points; maxmin order as defined:", np.array_equal(labels[order], v["order"]))
starts, wrong = v["starts"], 0
for r in range(n):
    before = np.array(order[:r], dtype=int)
    key = keys(x[order[r]])[before]
    best = np.lexsort((labels[before], key))[:12]
    part = slice(starts[r], starts[r + 1])
    wrong += not (np.array_equal(best, v["positions"][part]) and np.array_equal(np.sqrt(key[best]), v["distances"][part])
                  and np.array_equal(labels[before[best]], v["labels"][part]))
print("rows that differ:", wrong)
nn = np.genfromtxt("v.csv", delimiter=",", filling_values=0, missing_values="NA")
print(nn.shape, all(nn[r, 0] == r + 1 and np.array_equal(nn[r, 1:1 + min(r, 12)] - 1, v["positions"][starts[r]:starts[r + 1]]) for r in range(n)))
END

# By a kernel: lists are those that pcct graph finds in the same order; without inducing points those by distance.
pcct kernel set cities.pcct --kernel matern52 --lengthscale 3,0.7 --nugget 0.01 --inducing 25 -q
for order in maxmin coarse hilbert coordinate "random --seed 5"; do
    pcct order cities.pcct --lengthscale 3,0.7 --order $order -o order.csv
    pcct graph cities.pcct -k 12 --metric residual --predecessors=order.csv -o g.npz
    pcct vecchia cities.pcct -m 12 --metric residual --order $order -o r.npz
    pcct vecchia cities.pcct -m 12 --metric correlation --order $order -o c.npz
    pcct vecchia cities.pcct -m 12 --lengthscale 3,0.7 --order $order -o v.npz
    "$PYTHON" - <<'END'
import numpy as np
g, r, c, v = [np.load(name + ".npz") for name in "grcv"]
found = np.arange(12) < g["counts"][:, None]
print(np.array_equal(r["order"], g["rows"]), np.array_equal(r["labels"], g["labels"][found]), np.array_equal(r["distances"], g["distances"][found]),
      np.array_equal(r["order"][r["positions"]], r["labels"]), len(r["kernel"]), r["lengthscale"], np.array_equal(c["positions"], v["positions"]),
      np.array_equal(r["positions"], v["positions"]))
END
done
pcct vecchia cities.pcct -m 12 --metric residual --kernel matern52 --lengthscale 3,0.7 --nugget 0.01 --inducing 25 --at main --order coarse --gpgp a.csv
pcct vecchia cities.pcct -m 12 --metric residual --order coarse --gpgp b.csv
cmp a.csv b.csv
