# SPDX-License-Identifier: Apache-2.0
# Revisions: names, ancestors, numbers, identities; and those that lead nowhere.
grid
pcct delete grid.pcct --labels 0 --quiet
pcct delete grid.pcct --labels 1 --quiet
echo 0,0 >q.csv
identity=$(pcct log grid.pcct --json | json_get identity | sed -n 2p | tr -d '"')
for revision in main main~0 main~1 main~2 main~3 v3 v2 v1 v0 v3~2 $identity $(echo $identity | cut -c 1-8) $(echo $identity | cut -c 1-8)~1; do
    pcct knn grid.pcct q.csv -k 1 --at $revision --format jsonl
done
for revision in main~4 v4 other 'main~' 'v' '' 'main~x' '../main' abc; do
    try pcct knn grid.pcct q.csv -k 1 --at "$revision"
done
pcct log grid.pcct v2 --json | json_get version
try pcct log grid.pcct v9
try pcct info grid.pcct --at v9
try pcct verify grid.pcct --at v9
