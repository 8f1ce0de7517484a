# SPDX-License-Identifier: Apache-2.0
# Header by name, by number, found by itself, and none; quoted fields, blank lines, CR LF, a byte order mark, spaces.
pcct create a.pcct --dim 2 --quiet
printf '\357\273\277lng,"the name",lat\r\n\r\n 10 ,"x, ""y""\nz",  1.5e1\r\n20,q,25\r\n' >a.csv
pcct insert a.pcct a.csv --columns lat,lng | steady
pcct insert a.pcct a.csv --columns 3,1 | steady
printf '1,2\n3,4' >b.csv
pcct insert a.pcct b.csv | steady
printf 'x,y\n5,6\n' >c.csv
pcct insert a.pcct c.csv | steady
printf 'x\ty "is"\n7\t8\n' >d.tsv
pcct insert a.pcct d.tsv | steady
pcct knn a.pcct --labels 0,1,2,3,4,5,6,7 -k 1 --format csv
printf '15,10\n25,20\n1,2\n3,4\n5,6\n7,8\n' >q.csv
pcct knn a.pcct q.csv -k 1
# Words are a header, numbers are data, both in one row are an error; an empty name beside words is a header too.
printf '9,8x\n3,4\n' >mixed.csv
try pcct insert a.pcct mixed.csv
printf ',x,y\n77,3,4\n' >unnamed.csv
pcct insert a.pcct unnamed.csv --columns 2,3 --label-column 1 | steady
