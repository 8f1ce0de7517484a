# SPDX-License-Identifier: Apache-2.0
# Differences by label, in both directions and across branches; counts by array and level.
grid
pcct delete grid.pcct --labels 3,4 --quiet
echo "9,9" >row.csv
pcct insert grid.pcct row.csv --quiet
pcct branch grid.pcct dev v1
echo "5,5" >row.csv
pcct insert grid.pcct row.csv --branch dev --quiet
pcct diff grid.pcct v1 main
pcct diff grid.pcct main v1
pcct diff grid.pcct v1..
pcct diff grid.pcct main..dev
pcct diff grid.pcct main dev --ids
pcct diff grid.pcct v0 v1 --json --ids | json_get schema from to common undone applied added removed replaced
pcct diff grid.pcct v2..v0 --json | json_get added removed replaced
pcct diff grid.pcct v1 v2 --stat
pcct diff grid.pcct v0 v1 --stat --json | "$PYTHON" -c 'import json, sys
o = json.load(sys.stdin)
assert o["stat"]["arrays"]["point"] == {"added": 9, "changed": 0, "bytes": 144}
assert sum(level["came"] - level["left"] for level in o["stat"]["levels"]) == 9'
pcct diff grid.pcct v1 v1
try pcct diff grid.pcct v1 v99
try pcct diff grid.pcct
