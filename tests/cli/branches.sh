# SPDX-License-Identifier: Apache-2.0
# Branches, tags, restored states, ranges, times: what is made, what is listed, what is refused.
pcct create s.pcct --dim 2 --quiet
for i in 1 2 3 4; do
    echo "$i,$i" >row.csv
    pcct insert s.pcct row.csv -m "step $i" --set epoch=$i --quiet
done
pcct branch s.pcct dev main~2
pcct tag s.pcct first v1 --json
pcct insert s.pcct row.csv --branch dev -m side --set epoch=9 | steady
pcct restore s.pcct v2 -m back | steady
pcct branch s.pcct third epoch:9
pcct insert s.pcct row.csv --branch third -m t --quiet
pcct insert s.pcct row.csv --branch dev --expect dev -m "side 2" --quiet
pcct insert s.pcct row.csv -m "on main" --quiet
pcct log s.pcct --graph --all | steady | sed -E 's/ [0-9a-f]{10} / IDENTITY /'
pcct log s.pcct dev..third --json | json_get version parent state_parent
pcct log s.pcct third.. --json | json_get version message
pcct show s.pcct third | steady | sed -E 's/[0-9a-f]{32}/IDENTITY/'
pcct show s.pcct third --json | json_get schema version generation names
pcct branch s.pcct | steady
pcct tag s.pcct --json | json_get name kind version
pcct reset s.pcct v3 --expect v9
pcct reset s.pcct third --branch dev --json
pcct branch s.pcct third --delete --expect v7
pcct tag s.pcct first --delete
pcct reflog s.pcct | steady
pcct reflog s.pcct third -n 2 --json | json_get number operation before after
pcct knn s.pcct --labels 2 -k 1 --at "main@{$(date -u +%F)}" 2>&1
pcct fsck s.pcct --rebuild-catalogue | sed -n 's/.*no damage/no damage/p' | steady
pcct branch s.pcct | steady
try pcct branch s.pcct dev
try pcct branch s.pcct v7
try pcct tag s.pcct 614d v2
try pcct tag s.pcct new none
try pcct branch s.pcct main --delete
try pcct branch s.pcct none --delete
try pcct reset s.pcct v1 --expect v9
try pcct reset s.pcct v99
try pcct restore s.pcct v99
try pcct insert s.pcct row.csv --branch none
try pcct log s.pcct --at v1
try pcct log s.pcct main --all
try pcct show s.pcct v0
try pcct show s.pcct v1..v2
try pcct knn s.pcct --labels 2 -k 1 --at epoch:77
try pcct tag s.pcct --delete
