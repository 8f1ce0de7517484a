# SPDX-License-Identifier: Apache-2.0
# Queries that cannot be answered; a file asked for with -o does not appear.
places
printf 'lat,lng\n1,2\n91,2\n' >outside.csv
printf 'lat,lng\n1,2\nnan,2\n' >nan.csv
printf '1,2,3\n' >wide.csv
: >empty.csv
for file in outside.csv nan.csv wide.csv empty.csv none.csv; do
    try pcct knn places.pcct $file -k 1 -o answer.csv
done
echo old >answer.csv
try pcct knn places.pcct nan.csv -k 1 -o answer.csv
cat answer.csv
try pcct knn places.pcct places.csv --columns lat,lng -k 1 -o answer.dat
try pcct knn places.pcct places.csv --columns lat,lng -k 1 --format xml
try pcct knn places.pcct places.csv --columns lat,lng -k 1 -o none/answer.csv
ls
