# SPDX-License-Identifier: Apache-2.0
# What cannot be asked for; a file asked for with -o does not appear.
grid
echo 0,0 >q.csv
printf '0,0\nnan,2\n' >nan.csv
echo 1,2,3 >wide.csv
for radius in nan -1 -0.5 ten ''; do
    try pcct radius grid.pcct q.csv -r "$radius" -o a.csv
done
try pcct radius grid.pcct q.csv
try pcct radius grid.pcct -r 1
try pcct radius grid.pcct nan.csv -r 1 -o a.csv
try pcct radius grid.pcct wide.csv -r 1 -o a.csv
try pcct radius grid.pcct q.csv -r 1 --cap 0
try pcct radius grid.pcct q.csv -r 1 --predecessors
try pcct radius grid.pcct q.csv -r 1 --exclude-self
try pcct radius grid.pcct --labels 4,9 -r 1
try pcct radius grid.pcct --labels 4 -r 1 --only 4,9
try pcct radius grid.pcct --labels 4 -r 1 --level 2000
try pcct radius grid.pcct --labels 4 -r 1 --at v7
ls
