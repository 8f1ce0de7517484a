# SPDX-License-Identifier: Apache-2.0
# A real load in batches: versions between anchors are opened by following frames, and each is as good as the one that was written.
pcct create cities.pcct --dim 2 --metric haversine --quiet
pcct insert cities.pcct "$DATA/cities.csv.gz" --columns lat,lng --batch-size 20000 --quiet
for v in 3 4 5 6 7 8 9; do
    pcct verify cities.pcct --at v$v --sample 20 -k 3 | steady
done
