# SPDX-License-Identifier: Apache-2.0
# Whose nearest changed from version to version: by hand on a grid, by comparing whole graphs on real points.
grid
pcct delete grid.pcct --labels 8 --quiet
echo "0.5,0.5" >row.csv
pcct insert grid.pcct row.csv --quiet
printf '%s\n' 2 >two
echo "0,2.25" >row.csv
pcct insert grid.pcct row.csv --labels two --on-duplicate replace --quiet
pcct diff grid.pcct v1 v2 --neighbours -k 2
pcct diff grid.pcct v2..v3 --neighbours -k 1
pcct diff grid.pcct v3 main --neighbours -k 1 --json
pcct diff grid.pcct main v0 --neighbours -k 1 --json | json_get schema from to k came gone rows
pcct diff grid.pcct v1 v1 --neighbours -k 3
try pcct diff grid.pcct v1 v2 --neighbours
try pcct diff grid.pcct v1 v2 -k 3
try pcct diff grid.pcct v1 v9 --neighbours -k 3

gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 150 == 0' >cities.csv
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 1500 == 7' >more.csv
pcct create c.pcct --dim 2 --metric haversine --quiet
pcct insert c.pcct cities.csv --columns lat,lng --quiet
pcct insert c.pcct more.csv --columns lat,lng --quiet
pcct delete c.pcct --labels 3,5,700,1100,1150 --quiet
pcct graph c.pcct -k 8 --at v1 -o a.npz
pcct graph c.pcct -k 8 --at v3 -o b.npz
pcct diff c.pcct v1 v3 --neighbours -k 8 >diff.csv
"$PYTHON" - <<'END'
import numpy as np
a, b = np.load("a.npz"), np.load("b.npz")
before = dict(zip(a["rows"].tolist(), a["labels"].tolist()))
after = dict(zip(b["rows"].tolist(), b["labels"].tolist()))
due = []
for row in sorted(before.keys() | after.keys()):
    x, y = before.get(row, []), after.get(row, [])
    if x != y:
        due.append((row, len(set(x) & set(y)) / len(set(x) | set(y)), x, y))
told = []
for line in open("diff.csv").read().splitlines()[1:]:
    row, share, x, y = line.split(",")
    told.append((int(row), float(share), list(map(int, x.split())), list(map(int, y.split()))))
print(len(told), told == due)
END
