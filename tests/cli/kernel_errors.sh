# SPDX-License-Identifier: Apache-2.0
# What cannot be asked of a kernel; one that is not the version's is refused, with both digests.
grid
places
try pcct kernel show grid.pcct
try pcct graph grid.pcct -k 2 --metric residual
try pcct kernel set grid.pcct
try pcct kernel set grid.pcct --kernel matern72
try pcct kernel set grid.pcct --kernel rbf --lengthscale 1,2,3
try pcct kernel set grid.pcct --kernel rbf --lengthscale 0
try pcct kernel set grid.pcct --kernel rbf --variance -1
try pcct kernel set grid.pcct --kernel rbf --nugget -1
try pcct kernel set grid.pcct --kernel rbf --inducing 2 --jitter 0
try pcct kernel set grid.pcct --kernel rbf --inducing 2 --inducing-by luck
try pcct kernel set grid.pcct --kernel rbf --inducing 77,78
try pcct kernel forget grid.pcct
try pcct kernel set places.pcct --kernel rbf
pcct kernel set grid.pcct --kernel rbf --lengthscale 2 --inducing-by net --inducing 3
try pcct kernel export grid.pcct
try pcct graph grid.pcct -k 2 --metric residual --kernel rbf --lengthscale 3
try pcct graph grid.pcct -k 2 --metric residual --lengthscale 3
try pcct graph grid.pcct -k 2 --kernel rbf
try pcct graph grid.pcct -k 2 --metric residual --bounds
try pcct graph grid.pcct -k 2 --metric manhattan
try pcct knn grid.pcct --labels 3 -k 2 --metric correlation --predecessors
pcct graph grid.pcct -k 1 --metric correlation --kernel rbf --lengthscale 3 --override | head -n 3
# a kernel that leaves nothing: a warning names points
pcct kernel set grid.pcct --kernel rbf --lengthscale 1000 --inducing 4 --jitter 1e-13 -q
pcct graph grid.pcct -k 1 --metric residual -o noise.npz
# such a graph is updated by its metric only
try pcct graph grid.pcct --update noise.npz -o again.npz
try pcct graph grid.pcct --update noise.npz --metric residual -o again.npz
# keys of the library's own
try pcct kernel set grid.pcct --kernel rbf --set pcct.kernel=none
# inducing points: none, or fewer than asked for; words that go with a choice only; a label twice
pcct create empty.pcct --dim 2 --quiet
try pcct kernel set empty.pcct --kernel rbf --inducing 5
try pcct kernel set empty.pcct --kernel rbf --inducing 0 -q
try pcct kernel set grid.pcct --kernel rbf --inducing 99
try pcct kernel set grid.pcct --kernel rbf --inducing 3 --inducing-by net
try pcct kernel set grid.pcct --kernel rbf --inducing 99 --inducing-by random --seed 3 -q
try pcct kernel set grid.pcct --kernel rbf --inducing 3 --seed 3
try pcct kernel set grid.pcct --kernel rbf --inducing 3 --inducing-by net --seed 3
try pcct kernel set grid.pcct --kernel rbf --seed 3
try pcct kernel set grid.pcct --kernel rbf --inducing-by net
try pcct kernel set grid.pcct --kernel rbf --inducing 1,2 --inducing-by net
try pcct kernel set grid.pcct --kernel rbf --inducing 4,1,3,1,2
pcct log grid.pcct -n 1 --json | json_get version
# more jitter than was given
pcct kernel set grid.pcct --kernel rbf --lengthscale 1e8 --inducing 9 --jitter 1e-17 -q
pcct graph grid.pcct -k 1 --metric residual -o jitter.npz 2>&1 | head -n 1
pcct kernel export grid.pcct -o k.npz
"$PYTHON" -c 'import numpy; print(numpy.load("k.npz")["jitter"])'
