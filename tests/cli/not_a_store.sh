# SPDX-License-Identifier: Apache-2.0
# A store that is none, in every verb.
mkdir folder
echo text >file
for store in none folder file; do
    echo 1,2 >rows.csv
    try pcct insert $store rows.csv
    try pcct delete $store --labels 1
    try pcct knn $store rows.csv -k 1
    try pcct log $store
    try pcct info $store
    try pcct verify $store
    try pcct fsck $store
done
ls folder
