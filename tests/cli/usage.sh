# SPDX-License-Identifier: Apache-2.0
# Every mistake on the command line ends with 2, says what is wrong on one line, and prints nothing on standard output.
try pcct >nothing
try pcct frobnicate
try pcct help frobnicate
try pcct insert
try pcct insert a.pcct
try pcct insert a.pcct b.csv c.csv
try pcct insert a.pcct b.csv --frobnicate
try pcct insert a.pcct b.csv -Z
try pcct insert a.pcct b.csv --batch-size
try pcct insert a.pcct b.csv --batch-size 0
try pcct insert a.pcct b.csv --batch-size ten
try pcct insert a.pcct b.csv --json=1
try pcct insert a.pcct b.csv --nan perhaps
try pcct insert a.pcct b.csv -m one -m two
try pcct insert a.pcct b.csv --on-duplicate skip
try pcct insert a.pcct b.csv --write-id 12 --label-column id
try pcct insert a.pcct b.csv --threads 0
try pcct delete a.pcct
try pcct knn a.pcct b.csv
try pcct knn a.pcct -k 3
try pcct knn a.pcct b.csv -k 0
try pcct knn a.pcct b.csv -k 3 --exclude-self
try pcct create a.pcct
try pcct create a.pcct --dim 0
cat nothing
ls
