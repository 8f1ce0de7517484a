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
