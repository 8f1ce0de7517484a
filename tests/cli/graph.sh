# SPDX-License-Identifier: Apache-2.0
# The whole graph; of a net, of a list; predecessors by label, by node and in an order given.
grid
pcct graph grid.pcct -k 2 | head -n 7
pcct graph grid.pcct -k 3 --format jsonl --bounds | head -n 2
pcct graph grid.pcct -k 8 --format jsonl --bounds | tail -n 1 | cut -c -40
pcct graph grid.pcct -k 2 --predecessors --format jsonl
pcct graph grid.pcct -k 2 --only 8,0,4 --format jsonl
pcct graph grid.pcct -k 2 --level 1 --format jsonl
printf '%s\n' 8 0 4 1 7 3 5 2 6 >order
pcct graph grid.pcct -k 2 --predecessors=order --format jsonl
pcct graph grid.pcct -k 2 --predecessors=order --only 0,1,2 --format jsonl
pcct insert grid.pcct grid.csv --labels order --on-duplicate replace --quiet
pcct graph grid.pcct -k 1 --predecessors=node --format jsonl | head -n 3
pcct graph grid.pcct -k 1 --predecessors=node --at v1 --format jsonl | head -n 3
pcct graph grid.pcct -k 3 --at v0 | wc -c
pcct graph grid.pcct -k 2 --predecessors=label --bounds --at v1 -o g.npz
pcct graph grid.pcct -k 20 --at v1 -o wide.npz
pcct graph grid.pcct -k 2 --at v0 -o empty.npz
"$PYTHON" - <<'END'
import numpy as np
for name in "g.npz", "wide.npz", "empty.npz":
    z = np.load(name)
    for key in z.files:
        print(name, key, z[key].dtype, z[key].shape)
z = np.load("g.npz")
print(z["rows"].tolist(), z["counts"].tolist())
print(z["labels"].tolist())
print(z["bounds"].tolist())
END
