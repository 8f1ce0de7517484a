# SPDX-License-Identifier: Apache-2.0
# k-NN among some of the points only, and the distance of the nearest that was left out.
grid
printf '0.1,0\n2,1.9\n' >q.csv
printf '8\n4\n0\n' >some
pcct knn grid.pcct q.csv -k 2 --only some --format jsonl --bounds
pcct knn grid.pcct q.csv -k 3 --only some --format jsonl --bounds
pcct knn grid.pcct q.csv -k 2 --level 5 --format jsonl
pcct knn grid.pcct --labels 8,1,0 -k 3 --predecessors --format jsonl
pcct knn grid.pcct --labels 8,1,0 -k 3 --predecessors --only some --format jsonl
pcct knn grid.pcct q.csv -k 2 --bounds -o a.npz
"$PYTHON" -c 'import numpy as np
print(np.load("a.npz")["bounds"] ** 2)'
try pcct knn grid.pcct q.csv -k 2 --predecessors
try pcct knn grid.pcct q.csv -k 2 --bounds -o a.csv
try pcct knn grid.pcct q.csv -k 2 --only 1,17
try pcct knn grid.pcct q.csv -k 2 --level 4000
