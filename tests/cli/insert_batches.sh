# SPDX-License-Identifier: Apache-2.0
# Each batch is a version; those before a bad row stay, the broken one leaves no trace, and --skip-rows goes on after them.
seq 1 10 | sed 's/.*/&,&/' >ten.csv
pcct create a.pcct --dim 2 --quiet
pcct insert a.pcct ten.csv --batch-size 4 -m "in parts" --set part=x --set epoch=12 | steady
pcct log a.pcct --json | json_get version parent n_live inserted deleted message epoch
sed '8s/.*/8,oops/' ten.csv >bad.csv
try pcct insert a.pcct bad.csv -b 3
pcct log a.pcct --json -n 3 | json_get version n_live
pcct insert a.pcct ten.csv -b 3 --skip-rows 6 | steady
pcct info a.pcct --json | json_get head n_live
pcct insert a.pcct ten.csv --skip-rows 10
pcct knn a.pcct ten.csv -k 1 --at v1 | tail -n 1
