# SPDX-License-Identifier: Apache-2.0
# A graph is brought from version to version, forwards and back, and is byte for byte that which is made anew.
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 150 == 0' >cities.csv
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 1500 == 7' >more.csv
pcct create c.pcct --dim 2 --metric haversine --quiet
pcct insert c.pcct cities.csv --columns lat,lng --quiet
pcct insert c.pcct more.csv --columns lat,lng --quiet
pcct delete c.pcct --labels 3,5,700,1100,1150 --quiet
printf '%s\n' 7 8 9 >three
head -n 4 more.csv >moved.csv
pcct insert c.pcct moved.csv --columns lat,lng --labels three --on-duplicate replace --quiet
for version in v0 v1 v2 v3 v4; do
    pcct graph c.pcct -k 6 --at $version -o $version.npz
done
for pair in v1:v2 v2:v3 v3:v4 v1:v4 v4:v1 v4:v0 v0:v3; do
    pcct graph c.pcct --update ${pair%:*}.npz --at ${pair#*:} -o updated.npz
    cmp updated.npz ${pair#*:}.npz && echo $pair is the same
done
cp v1.npz g.npz
pcct graph c.pcct --update g.npz -k 6 -o g.npz && cmp g.npz v4.npz
pcct graph c.pcct --update v3.npz >a.csv
pcct graph c.pcct -k 6 >b.csv
cmp a.csv b.csv

# what is none
grid
try pcct graph c.pcct --update v1.npz -k 7 -o x.npz
try pcct graph c.pcct --update v1.npz --level 3 -o x.npz
try pcct graph c.pcct --update none.npz -o x.npz
try pcct graph c.pcct --update cities.csv -o x.npz
try pcct graph grid.pcct --update v1.npz -o x.npz
pcct graph c.pcct -k 6 --predecessors -o p.npz
try pcct graph c.pcct --update p.npz -o x.npz
pcct graph c.pcct -k 6 --only 1,2,4 -o o.npz
try pcct graph c.pcct --update o.npz -o x.npz
"$PYTHON" - <<'END'
import numpy as np
z = dict(np.load("v4.npz"))
z["labels"][17, 2] = 4
np.savez("wrong.npz", **z)
z["labels"] = z["labels"][:, :5]
np.savez("shape.npz", **z)
del z["version"]
np.savez("part.npz", **z)
END
for name in wrong shape part; do
    try pcct graph c.pcct --update $name.npz -o x.npz
done
ls x.npz
