# SPDX-License-Identifier: Apache-2.0
# Labels from a column, a file, a list; the counter goes on beyond the greatest that was given, or where it stood.
pcct create a.pcct --dim 1 --quiet
printf 'id,x\n100,1\n-5,2\n' >a.csv
pcct insert a.pcct a.csv --label-column id | steady
printf '3\n4\n' >b.csv
printf 'label\n7\n8\n' >b.labels
pcct insert a.pcct b.csv --labels b.labels | steady
pcct insert a.pcct b.csv --labels 9,11 | steady
printf '1\n2\n3\n4\n' >q.csv
pcct knn a.pcct q.csv -k 2
try pcct insert a.pcct b.csv --labels 1
try pcct insert a.pcct b.csv --labels 1,2,3
try pcct insert a.pcct b.csv --labels none.txt
try pcct insert a.pcct b.csv --labels -1,5
printf 'id,x\n1.5,1\n' >c.csv
try pcct insert a.pcct c.csv --label-column id
try pcct insert a.pcct a.csv --label-column id --labels 1,2
pcct info a.pcct --json | json_get head n_live
try pcct insert a.pcct - --labels - <b.csv
