# SPDX-License-Identifier: Apache-2.0
# All within a radius: the boundary, a cap, counts, stored points; the same as CSV, JSON lines and .npz.
grid
printf '0,0\n9,9\n1,1\n' >q.csv
pcct radius grid.pcct q.csv -r 1
pcct radius grid.pcct q.csv -r 0.9999999999999999 --format jsonl
pcct radius grid.pcct q.csv -r 1 --cap 2 --format jsonl
pcct radius grid.pcct q.csv -r 1.5 --count
pcct radius grid.pcct q.csv -r 1.5 --count --cap 4 --format jsonl
pcct radius grid.pcct q.csv -r inf --count | tail -n 1
pcct radius grid.pcct q.csv -r 0 --at v0 --format jsonl
pcct radius grid.pcct --labels 4,0 -r 1 --exclude-self --format jsonl
pcct radius grid.pcct --labels 4,0 -r 1 --predecessors --format jsonl
pcct radius grid.pcct --labels 4,0 -r 1 --only 4,5,8 --format jsonl
pcct radius grid.pcct q.csv -r 1 -o a.npz
pcct radius grid.pcct q.csv -r 1 -o a.jsonl
pcct radius grid.pcct q.csv -r 1 --count -o c.npz
pcct radius grid.pcct q.csv -r 1 --at v0 -o b.npz
"$PYTHON" - <<'END'
import json
import numpy as np
for name in "a.npz", "b.npz", "c.npz":
    z = np.load(name)
    for key in z.files:
        print(name, key, z[key].dtype, z[key].tolist())
z = np.load("a.npz")
for i, line in enumerate(open("a.jsonl")):
    o, part = json.loads(line), slice(z["starts"][i], z["starts"][i + 1])
    assert o["labels"] == z["labels"][part].tolist() and o["distances"] == z["distances"][part].tolist()
END
