# SPDX-License-Identifier: Apache-2.0
# Keys of a version; in the log they stand at the top, and all of them in "keys".
pcct create a.pcct --dim 1 --quiet
echo 1 >x.csv
pcct insert a.pcct x.csv --set epoch=12 --set loss=0.5=half --set time=noon --set keys=many --quiet -m "$(printf 'two\nlines \033[1m')"
pcct log a.pcct --json | json_get epoch loss message keys
pcct log a.pcct | steady | sed -E 's/ [0-9a-f]{10} / IDENTITY /'
try pcct insert a.pcct x.csv --set epoch
try pcct insert a.pcct x.csv --set =12
try pcct insert a.pcct x.csv --set a=1 --set b=1 --set a=1
try pcct insert a.pcct x.csv --set 'a key=12'
pcct info a.pcct --json | json_get head
