# SPDX-License-Identifier: Apache-2.0
# Nets as CSV, JSON lines and .npz; what is written can be inserted again.
grid
echo 1,1 >twin.csv
pcct insert grid.pcct twin.csv --quiet
for level in -1023 -1 0 1 2 1023; do
    echo "level $level: $(pcct net grid.pcct --level $level | sed 1d | cut -d , -f 1 | tr '\n' ' ')"
done
pcct net grid.pcct --level 0
pcct net grid.pcct --level 0 --format jsonl
pcct net grid.pcct --level 0 --at v0
pcct net grid.pcct --level 0 --at v0 --format jsonl
pcct net grid.pcct --level -1 -o a.csv
pcct net grid.pcct --level=-1 -o a.jsonl
pcct net grid.pcct --level -1 -o a.npz
pcct net grid.pcct --level -1 --at v0 -o none.npz
"$PYTHON" - <<'END'
import csv, json
import numpy as np
z = np.load("a.npz")
for name in z.files:
    print(name, z[name].dtype, z[name].shape)
rows = list(csv.DictReader(open("a.csv")))
assert [int(r["label"]) for r in rows] == z["labels"].tolist() == list(range(9))
assert [[float(r["x1"]), float(r["x2"])] for r in rows] == z["points"].tolist()
lines = [json.loads(line) for line in open("a.jsonl")]
assert [o["label"] for o in lines] == z["labels"].tolist() and [o["point"] for o in lines] == z["points"].tolist()
print({name: array.shape for name, array in np.load("none.npz").items()})
END
pcct create again.pcct --dim 2 --quiet
pcct insert again.pcct a.csv --label-column label --quiet
pcct insert again.pcct a.npz --label-column labels --on-duplicate skip | steady
pcct net again.pcct --level -1023 | cmp - a.csv
try pcct net grid.pcct
try pcct net grid.pcct --level 1024
try pcct net grid.pcct --level -1024
try pcct net grid.pcct --level 99999999999999999999
try pcct net grid.pcct --level 0.5
try pcct net grid.pcct --level ''
try pcct net grid.pcct --level 0 -o b.dat
try pcct net grid.pcct --level 0 -o none/b.csv
try pcct net grid.pcct --level 0 --format xml
try pcct net grid.pcct --level 0 --at v9
try pcct net none.pcct --level 0
ls
