# SPDX-License-Identifier: Apache-2.0
# A summary that cannot be written does not hide what was committed; and a run that broke off does not say that nothing was changed.
pcct create a.pcct --dim 2 --quiet
printf '1,1\n2,2\n3,3\n' >three.csv
pcct insert a.pcct three.csv >&-
echo "exit $?"
pcct insert a.pcct three.csv --json >/dev/full
echo "exit $?"
pcct insert a.pcct three.csv -b 2 >/dev/full
pcct delete a.pcct --labels 1 >/dev/full
echo "exit $?"
printf '50,5,5\n51,6,6\n2,7,7\n' >labelled.csv
printf 'label,x,y\n' | cat - labelled.csv >with.csv
try pcct insert a.pcct with.csv --label-column label -b 2
pcct info a.pcct --json | json_get head
