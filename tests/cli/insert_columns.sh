# SPDX-License-Identifier: Apache-2.0
# What can be wrong with columns; nothing is stored.
pcct create a.pcct --dim 2 --quiet
printf 'name,lat,lng,lat\na,1,2,3\n' >a.csv
try pcct insert a.pcct a.csv
try pcct insert a.pcct a.csv --columns lat,lng
try pcct insert a.pcct a.csv --columns latitude,lng
try pcct insert a.pcct a.csv --columns 2
try pcct insert a.pcct a.csv --columns 2,3,4
try pcct insert a.pcct a.csv --columns 2,2
try pcct insert a.pcct a.csv --columns 2,5
try pcct insert a.pcct a.csv --columns 0,2
try pcct insert a.pcct a.csv --columns name,lng
try pcct insert a.pcct a.csv --columns 2,3 --label-column id
try pcct insert a.pcct a.csv --columns 2,3 --label-column name
pcct log a.pcct
