# SPDX-License-Identifier: Apache-2.0
# Answers in several pieces are those of one: real places, more of them than a piece holds, against a comparison with every one.
zcat "$DATA/cities.csv.gz" | head -n 20001 >cities.csv
pcct create cities.pcct --dim 2 --metric haversine --quiet
pcct insert cities.pcct cities.csv -c lat,lng -b 9000 --quiet
pcct radius cities.pcct cities.csv -c lat,lng -r 20000 --count -o counts.npz
pcct radius cities.pcct cities.csv -c lat,lng -r 20000 --threads 1 -o all.npz
pcct radius cities.pcct cities.csv -c lat,lng -r 20000 --cap 7 -o cap.npz
"$PYTHON" - <<'END'
import csv
import numpy as np
counts, all, cap = np.load("counts.npz")["counts"], dict(np.load("all.npz")), dict(np.load("cap.npz"))
starts = all["starts"]
assert (np.diff(starts) == counts).all() and (np.diff(cap["starts"]) == np.minimum(counts, 7)).all()
for i in range(20000):
    a, b = slice(starts[i], starts[i] + min(counts[i], 7)), slice(cap["starts"][i], cap["starts"][i + 1])
    assert (all["labels"][a] == cap["labels"][b]).all() and (all["distances"][a] == cap["distances"][b]).all()
assert (all["distances"] <= 20000).all() and counts.min() >= 1 and len(counts) == 20000
rows = np.radians([[float(row["lat"]), float(row["lng"])] for row in csv.DictReader(open("cities.csv"))])
for i in range(0, 20000, 500):
    h = np.sin((rows[:, 0] - rows[i, 0]) / 2) ** 2 + np.cos(rows[:, 0]) * np.cos(rows[i, 0]) * np.sin((rows[:, 1] - rows[i, 1]) / 2) ** 2
    d = 2 * 6371008.8 * np.arcsin(np.sqrt(h))
    near, sure = set(np.flatnonzero(d < 20000.01)), set(np.flatnonzero(d < 19999.99))
    found = set(all["labels"][starts[i]:starts[i + 1]].tolist())
    assert sure <= found <= near, i
print("right")
END
