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
# Zeros are no id, also not on the way from ff..ff on; a delete can be repeated as well.
try pcct insert a.pcct ten.csv --write-id 00000000000000000000000000000000
pcct insert a.pcct ten.csv -b 4 --write-id ffffffffffffffffffffffffffffffff | steady
pcct insert a.pcct ten.csv -b 4 --write-id ffffffffffffffffffffffffffffffff | steady
pcct delete a.pcct --labels 3,4 --write-id aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | steady
pcct delete a.pcct --labels 3,4 --write-id aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | steady
pcct info a.pcct --json | json_get head n_live
