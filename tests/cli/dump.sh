# SPDX-License-Identifier: Apache-2.0
# The tree as JSON lines: parents before their children, twins without a level; whole, or the nodes of some labels.
grid
echo 1,1 >twin.csv
pcct insert grid.pcct twin.csv --quiet
pcct delete grid.pcct --labels 3 --quiet
pcct dump grid.pcct --at v2
pcct dump grid.pcct -o tree.jsonl
"$PYTHON" - <<'END'
import json
nodes = [json.loads(line) for line in open("tree.jsonl")]
place = {node["label"]: i for i, node in enumerate(nodes)}
assert sorted(place) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
for i, node in enumerate(nodes):
    assert (node["parent"] is None) == (i == 0)
    assert node["children"] == sum(other["parent"] == node["label"] for other in nodes)
    if i:
        parent = nodes[place[node["parent"]]]
        assert place[node["parent"]] < i and node["depth"] == parent["depth"] + 1
        d = sum((a - b) ** 2 for a, b in zip(node["point"], parent["point"])) ** 0.5
        assert d == node["distance"] and (d == 0) == (node["level"] is None)
        assert node["level"] is None or (d <= 2.0 ** (node["level"] + 1) and parent["level"] > node["level"])
print(len(nodes), "nodes")
END
pcct dump grid.pcct --at v2 --labels 9,0
echo 4 | pcct dump grid.pcct --at v1 --labels -
pcct dump grid.pcct --at v0
try pcct dump grid.pcct --labels 4,3
try pcct dump grid.pcct --labels 4,3 -o none.jsonl
try pcct dump grid.pcct --at v0 --labels 4
try pcct dump grid.pcct --at v9
try pcct dump none.pcct
try pcct dump
ls
