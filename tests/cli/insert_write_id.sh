# SPDX-License-Identifier: Apache-2.0
# A run repeated with its write id adds nothing; the id with other rows is a conflict.
seq 1 10 | sed 's/.*/&,&/' >ten.csv
pcct create a.pcct --dim 2 --quiet
id=0123456789abcdef0123456789ABCDEF
pcct insert a.pcct ten.csv -b 4 --write-id $id --quiet
pcct insert a.pcct ten.csv -b 4 --write-id 01234567-89ab-cdef-0123-456789abcdef --quiet
pcct info a.pcct --json | json_get head n_live
sed 's/^1,1$/1,2/' ten.csv >other.csv
try pcct insert a.pcct other.csv -b 4 --write-id $id
pcct info a.pcct --json | json_get head n_live
