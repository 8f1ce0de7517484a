# SPDX-License-Identifier: Apache-2.0
grid
pcct delete grid.pcct --labels 4 -m "the middle" | steady
printf '0\n8\n' | pcct delete grid.pcct - --set why=corner | steady
printf 'label,name\n1,a\n2,b\n' >gone.csv
pcct delete grid.pcct gone.csv --json | json_get version inserted deleted
printf '1,1\n' >q.csv
pcct knn grid.pcct q.csv -k 9 --at v1
pcct knn grid.pcct q.csv -k 9
try pcct delete grid.pcct --labels 3,4
try pcct delete grid.pcct --labels 77
try pcct delete grid.pcct --labels three
try pcct delete grid.pcct --labels 3,,5
try pcct delete grid.pcct --labels 3 gone.csv
: >empty
try pcct delete grid.pcct empty
pcct delete grid.pcct --labels 3,5,6,7 --quiet
pcct info grid.pcct --json | json_get head n_live root_label
pcct knn grid.pcct q.csv -k 2 --format jsonl
pcct log grid.pcct --json | json_get version n_live inserted deleted message
try pcct delete grid.pcct --labels ""
