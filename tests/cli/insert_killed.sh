# SPDX-License-Identifier: Apache-2.0
# An insert that is killed keeps its whole batches; repeated with --on-duplicate skip it ends as if nothing had happened.
zcat "$DATA/cities.csv.gz" | head -n 3001 | awk -F, 'NR == 1 { print "id,lat,lng"; next } { n = NF; print NR - 2 "," $(n - 1) "," $n }' >rows.csv
pcct create a.pcct --dim 2 --metric haversine --quiet
pcct create b.pcct --dim 2 --metric haversine --quiet
insert="--columns lat,lng --label-column id --batch-size 1000"
mkfifo feed
"$PCCT" insert a.pcct feed $insert <feed &
victim=$!
exec 3>feed
head -n 2501 rows.csv >&3
two_versions() {
    pcct log a.pcct | grep -q '^v2 '
}
await two_versions || echo "no second version came"
kill -9 $victim
wait $victim 2>/dev/null
exec 3>&-
pcct info a.pcct --json | json_get head n_live
pcct insert a.pcct rows.csv $insert --on-duplicate skip --json | json_get inserted skipped
pcct insert b.pcct rows.csv $insert --quiet
pcct verify a.pcct --sample 200 | steady
pcct knn a.pcct rows.csv -c lat,lng -k 3 >a
pcct knn b.pcct rows.csv -c lat,lng -k 3 >b
cmp a b && wc -l <a
try pcct fsck a.pcct >report
tail -n 1 report
