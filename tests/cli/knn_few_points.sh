# SPDX-License-Identifier: Apache-2.0
# k beyond the number of points is answered, with counts; so is the empty version.
grid
echo 0,0 >q.csv
pcct knn grid.pcct q.csv -k 20 --format jsonl
pcct knn grid.pcct q.csv -k 20 | tail -n 1
pcct knn grid.pcct q.csv -k 11 -o a.npz
pcct knn grid.pcct q.csv -k 2 --at v0 -o b.npz
pcct knn grid.pcct q.csv -k 2000000000 | wc -l
pcct knn grid.pcct q.csv -k 2 --at v0 --format jsonl
try pcct knn grid.pcct q.csv -k 2000000000 -o c.npz
try pcct knn grid.pcct q.csv -k 20000000000
"$PYTHON" - <<'END'
import numpy as np
for name in "a.npz", "b.npz":
    z = np.load(name)
    print(z["labels"], z["distances"], z["counts"])
END
ls
