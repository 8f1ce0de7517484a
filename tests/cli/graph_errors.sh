# SPDX-License-Identifier: Apache-2.0
# Orders that are none, and what else cannot be asked for; a file asked for with -o does not appear.
grid
printf '%s\n' 8 0 4 1 7 3 5 2 >short
printf '%s\n' 8 0 4 1 7 3 5 2 8 >twice
printf '%s\n' 8 0 4 1 7 3 5 2 9 >unknown
for order in short twice unknown none; do
    try pcct graph grid.pcct -k 2 --predecessors=$order -o g.csv
done
try pcct graph grid.pcct
try pcct graph grid.pcct -k 0
try pcct graph grid.pcct -k 2 --bounds
try pcct graph grid.pcct -k 2 --level x
try pcct graph grid.pcct -k 2 --only ''
try pcct graph grid.pcct -k 2 --only 3,9
try pcct graph grid.pcct q.csv -k 2
try pcct graph none.pcct -k 2
ls
