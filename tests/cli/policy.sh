# SPDX-License-Identifier: Apache-2.0
# Rules that are kept with the store: those who commit prune by them; they outlive the catalogue, and go when they are cleared.
pcct create s.pcct --dim 1 --quiet
pcct policy s.pcct
pcct policy s.pcct --keep-last 5 --keep-every 50
pcct policy s.pcct --json | json_get keep_last keep_every older_than_days
seq 1 210 >rows.csv
pcct insert s.pcct rows.csv --batch-size 1 --quiet
pcct log s.pcct --all --json | "$PYTHON" -c 'import sys, json
v = [json.loads(line)["version"] for line in sys.stdin]
assert v[:5] == [210, 209, 208, 207, 206] and 50 in v and 100 in v and len(v) < 5 + 4 + 64 + 8, v
assert 49 not in v and 10 not in v, v'
pcct prune s.pcct --by-policy --json | json_get left
pcct log s.pcct --all --json | json_get version
rm s.pcct/catalogue.mdb
pcct fsck s.pcct --rebuild-catalogue --json | json_get damaged
pcct policy s.pcct
pcct reflog s.pcct --json | "$PYTHON" -c 'import sys, json
for line in sys.stdin:
    o = json.loads(line)
    if o["operation"] != "commit": print(o["operation"], o["name"])'
"$PYTHON" -B "$DATA/../../formats/decode.py" s.pcct --list | wc -l
try pcct prune s.pcct --by-policy --keep-last 3
try pcct policy s.pcct --clear --keep-last 3
try pcct policy s.pcct --older-than 0
pcct policy s.pcct --older-than 1.5 --quiet
pcct policy s.pcct
pcct policy s.pcct --clear
pcct policy s.pcct --json | json_get keep_last keep_every older_than_days
pcct fsck s.pcct --json | json_get damaged
