# SPDX-License-Identifier: Apache-2.0
# A graph by residual correlation, or by correlation, is brought from version to version, and is byte for byte that which is made anew; so, too, where
# the kernel changes between them. What differs is told by diff.
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 150 == 0' >cities.csv
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 1500 == 7' >more.csv
pcct create c.pcct --dim 2 --quiet
pcct insert c.pcct cities.csv --columns lat,lng --quiet
pcct kernel set c.pcct --kernel matern32 --lengthscale 8,12 --nugget 0.01 --inducing 20 -q
pcct insert c.pcct more.csv --columns lat,lng --quiet
pcct delete c.pcct --labels 3,5,700,1100,1150 --quiet
pcct kernel set c.pcct --kernel matern32 --lengthscale 8,9 --nugget 0.01 --inducing 20 -q
for metric in residual correlation; do
    for version in v2 v3 v4 v5; do
        pcct graph c.pcct -k 6 --metric $metric --at $version -o $version.npz
    done
    for pair in v2:v3 v3:v4 v4:v5 v5:v2 v4:v2; do
        pcct graph c.pcct --update ${pair%:*}.npz --metric $metric --at ${pair#*:} -o updated.npz
        cmp updated.npz ${pair#*:}.npz && echo $metric: $pair is the same
    done
    pcct graph c.pcct -k 6 --metric $metric --predecessors -o p.npz
    try pcct graph c.pcct --update p.npz --metric $metric -o x.npz
done
pcct graph c.pcct -k 6 --metric residual --kernel rbf --lengthscale 5 --override --at v2 -o rbf.npz
try pcct graph c.pcct --update rbf.npz --metric residual -o x.npz
pcct graph c.pcct --update rbf.npz --metric residual --kernel rbf --lengthscale 5 --override --at v4 -o updated.npz
pcct graph c.pcct -k 6 --metric residual --kernel rbf --lengthscale 5 --override --at v4 -o anew.npz
cmp updated.npz anew.npz
try pcct graph c.pcct --update v2.npz -o x.npz
try pcct graph c.pcct --update v2.npz --metric residual -o x.npz
try pcct graph c.pcct --update v2.npz --metric correlation --brute -o x.npz
pcct graph c.pcct -k 6 -o plain.npz
try pcct graph c.pcct --update plain.npz --metric residual -o x.npz
ls x.npz

for version in v3 v4 v5; do
    pcct graph c.pcct -k 6 --metric residual --at $version -o $version.npz
done
pcct diff c.pcct v3 v4 --neighbours -k 6 --metric residual >a.csv
pcct diff c.pcct v4 v5 --neighbours -k 6 --metric residual >b.csv
pcct diff c.pcct v4 v5 --neighbours -k 6 | wc -l
try pcct diff c.pcct v4 v5 --metric residual
"$PYTHON" - <<'END'
import numpy as np
for old, new, told in ("v3", "v4", "a.csv"), ("v4", "v5", "b.csv"):
    a, b = np.load(old + ".npz"), np.load(new + ".npz")
    before, after = dict(zip(a["rows"].tolist(), a["labels"].tolist())), dict(zip(b["rows"].tolist(), b["labels"].tolist()))
    due = [row for row in sorted(before.keys() | after.keys()) if before.get(row) != after.get(row)]
    got = [int(line.split(",")[0]) for line in open(told).read().splitlines()[1:]]
    print(len(due), got == due)
END
