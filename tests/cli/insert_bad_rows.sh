# SPDX-License-Identifier: Apache-2.0
# Rows that cannot be taken are named by their line; nothing is stored.
pcct create a.pcct --dim 2 --metric haversine --quiet
bad() {
    printf "$1" >bad.csv
    try pcct insert a.pcct bad.csv
}
bad 'lat,lng\n1,2\n1,abc\n'
bad 'lat,lng\n1,2\n1,2,3\n'
bad 'lat,lng\n1,2\n1\n'
bad 'lat,lng\n1,2\n\n1,nan\n'
bad 'lat,lng\n1,2\n1,nan\n,3\ninf,1\n'
bad 'lat,lng\n1,2\ninf,2\n'
bad 'lat,lng\n1,2\n90.5,2\n'
bad 'lat,lng\n1,2\n9,200\n'
bad 'lat,lng\n1,2\n"9,20\n1,2\n'
bad 'lat,lng\n1,2\n9 9,20\n1,2\n'
bad 'lat,lng\n'
bad ''
bad 'lat,\033[31mred\n1,2\n1,x\033[1m\n'
try pcct insert a.pcct none.csv
try pcct insert a.pcct .
pcct log a.pcct
printf 'lat,lng\n1,2\n1,nan\n,3\n5,6\n' >skip.csv
pcct insert a.pcct skip.csv --nan skip | steady
pcct insert a.pcct skip.csv --nan skip --json | json_get inserted rows_left_out
