# SPDX-License-Identifier: Apache-2.0
# The same answers as CSV, JSON lines and .npz, on standard output and in files.
grid
printf 'x,y\n0.1,0\n2,1.9\n' >q.csv
pcct knn grid.pcct q.csv -k 3
pcct knn grid.pcct q.csv -k 3 --format jsonl
pcct knn grid.pcct q.csv -k 3 -o a.csv
pcct knn grid.pcct q.csv -k 3 -o a.jsonl
pcct knn grid.pcct q.csv -k 3 -o a.npz
pcct knn grid.pcct q.csv -k 3 --format npz -o - >b.npz
cmp a.npz b.npz
ls -l a.npz | cut -c 1-10
"$PYTHON" - <<'END'
import csv, json
import numpy as np
z = np.load("a.npz")
for name in z.files:
    print(name, z[name].dtype, z[name].shape)
lines = [json.loads(line) for line in open("a.jsonl")]
assert [o["labels"] for o in lines] == z["labels"].tolist()
assert [o["distances"] for o in lines] == z["distances"].tolist()
rows = list(csv.DictReader(open("a.csv")))
assert [int(r["label"]) for r in rows] == z["labels"].ravel().tolist()
assert [float(r["distance"]) for r in rows] == z["distances"].ravel().tolist()
assert [int(r["rank"]) for r in rows] == [1, 2, 3, 1, 2, 3]
END
