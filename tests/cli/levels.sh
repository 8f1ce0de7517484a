# SPDX-License-Identifier: Apache-2.0
# The levels of a tree and its shape, for people and as JSON; of an empty version and of a single point too.
grid
echo 1,1 >twin.csv
pcct insert grid.pcct twin.csv --quiet
pcct info grid.pcct --levels | sed -n '/^depth/,$p'
pcct info grid.pcct --levels --json | "$PYTHON" -c '
import json, sys
tree = json.load(sys.stdin)["tree"]
print(json.dumps(tree))
nets = [level["net"] for level in tree["levels"]]
assert tree["nodes"] == nets[-1] + tree["twins"] == 10
assert nets == [sum(level["nodes"] for level in tree["levels"][: i + 1]) for i in range(len(nets))]'
pcct info grid.pcct --json | json_keys | tr ' ' '\n' | grep -c '^tree$'
pcct info grid.pcct --levels --at v0 | sed -n '/^depth/,$p'
pcct info grid.pcct --levels --at v0 --json | json_get tree
pcct create one.pcct --dim 2 --quiet
pcct insert one.pcct twin.csv --quiet
pcct info one.pcct --levels | sed -n '/^depth/,$p'
pcct info one.pcct --levels --json | json_get tree
try pcct info grid.pcct --levels --at v9
