# SPDX-License-Identifier: Apache-2.0
# Standard input, gzip, and both; every road gives the same version.
identity() {
    pcct info $1 --json | json_get identity n_live
}
for store in a b c d e; do pcct create $store --dim 2 --metric haversine --quiet; done
zcat "$DATA/cities.csv.gz" | head -n 2001 >cities.csv
gzip -k cities.csv
pcct insert a cities.csv -c lat,lng -m x | steady
pcct insert b cities.csv.gz -c lat,lng -m x | steady
pcct insert c - -c lat,lng -m x <cities.csv | steady
cat cities.csv.gz | pcct insert d - -c lat,lng -m x | steady
pcct insert e cities.csv -c lat,lng -m x --threads 1 | steady
identity a >expected
for store in b c d e; do identity $store | cmp - expected; done
pcct knn a - -k 2 -c lat,lng --format jsonl <cities.csv | head -n 2 | json_get query labels
head -c 9000 cities.csv.gz >cut.csv.gz
try pcct insert b cut.csv.gz -c lat,lng
head -c 5000 cut.csv.gz >flipped.csv.gz
printf 'garbage garbage garbage' >>flipped.csv.gz
pcct insert b flipped.csv.gz -c lat,lng 2>err
echo "exit $?"
grep -c 'flipped.csv.gz: .*gzip' err
pcct info b --json | json_get head
