# SPDX-License-Identifier: Apache-2.0
pcct create a.pcct --dim 1 --quiet
printf 'id,x\n1,10\n2,20\n' >a.csv
printf 'id,x\n2,21\n3,31\n' >b.csv
printf 'id,x\n4,40\n4,41\n' >c.csv
pcct insert a.pcct a.csv --label-column id --quiet
try pcct insert a.pcct b.csv --label-column id
try pcct insert a.pcct c.csv --label-column id
pcct insert a.pcct b.csv --label-column id --on-duplicate skip | steady
pcct insert a.pcct b.csv --label-column id --on-duplicate replace | steady
pcct insert a.pcct c.csv --label-column id --on-duplicate replace --json | json_get inserted deleted skipped replaced
printf '20\n21\n31\n41\n' >q.csv
pcct knn a.pcct q.csv -k 1 --at v2
pcct knn a.pcct q.csv -k 1
# With replace the last row of a label wins, and the summary says what became of the others.
printf 'id,x,y\n901,1,2\n902,3,4\n901,5,6\n' >twice.csv
pcct create twice.pcct --dim 2 --quiet
pcct insert twice.pcct twice.csv --columns x,y --label-column id --on-duplicate replace | steady
pcct knn twice.pcct --labels 901 -k 2
