# SPDX-License-Identifier: Apache-2.0
# What cannot be asked for; files asked for do not appear.
grid
places
try pcct vecchia grid.pcct -o v.npz
try pcct vecchia grid.pcct -m 0 -o v.npz
try pcct vecchia grid.pcct -m 2
try pcct vecchia grid.pcct -m 2 -o v.csv
try pcct vecchia grid.pcct -m 2 -o - --gpgp - >nothing
try pcct vecchia grid.pcct -m 2 -o v.npz --order nearest
try pcct vecchia grid.pcct -m 2 -o v.npz --lengthscale 1,2,3
try pcct vecchia grid.pcct -m 2 -o v.npz --lengthscale 1,x
try pcct vecchia grid.pcct -m 2 -o v.npz --lengthscale 1,-1
try pcct vecchia grid.pcct -m 2 -o v.npz --lengthscale 1e-300
try pcct vecchia places.pcct -m 2 -o v.npz --lengthscale 1,1
try pcct order grid.pcct --axis 1
try pcct order grid.pcct --order coordinate --axis 3
try pcct order grid.pcct --seed 4
printf '%s\n' 8 0 4 1 7 3 5 2 8 >twice
try pcct order grid.pcct --order twice -o o.csv
try pcct order grid.pcct -o o.txt
try pcct order none.pcct
try pcct vecchia grid.pcct -m 2 -o v.npz --metric residual
try pcct vecchia grid.pcct -m 2 -o v.npz --kernel rbf
try pcct vecchia grid.pcct -m 2 -o v.npz --metric residual --lengthscale 2
try pcct vecchia grid.pcct -m 2 -o v.npz --nugget 2
try pcct vecchia grid.pcct -m 2 -o v.npz --metric manhattan
ls
