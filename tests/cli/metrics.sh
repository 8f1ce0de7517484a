# SPDX-License-Identifier: Apache-2.0
# Each metric against brute force in numpy by its definition: the same labels, ties included, and the same distances.
cat >prepare.py <<'END'
import numpy
r = numpy.random.default_rng(3)
points = numpy.concatenate([r.normal(size=(2500, 5)), numpy.round(r.normal(size=(1500, 5))), r.normal(size=(500, 5)) * 1e-160])
points = points[(points != 0).any(axis=1)]
points[10] = -points[9]
points[12] = 4 * points[11]
r.shuffle(points)
numpy.save("points.npy", points)
numpy.save("queries.npy", numpy.concatenate([points[:20], r.normal(size=(20, 5)), numpy.round(3 * r.normal(size=(9, 5))) + [1e-9, 0, 0, 0, 0]]))
END
cat >compare.py <<'END'
import sys
import numpy
metric, gone = sys.argv[1], int(sys.argv[2])
points, queries, answer = numpy.load("points.npy"), numpy.load("queries.npy"), numpy.load(metric + ".npz")

def unit(rows):
    scaled = numpy.ldexp(rows, -numpy.frexp(numpy.abs(rows).max(axis=1))[1][:, None])
    total = numpy.zeros(len(rows))
    for column in scaled.T:
        total = total + column * column
    return scaled / numpy.sqrt(total)[:, None]

def keys(a, b):
    key = numpy.zeros(len(a))
    for t in (a - b).T:
        key = numpy.maximum(key, abs(t)) if metric == "chebyshev" else key + (abs(t) if metric == "manhattan" else t * t)
    return key

if metric in ("cosine", "angular"):
    points, queries = unit(points), unit(queries)
label = numpy.arange(len(points))
wrong = 0
for i, query in enumerate(queries):
    key = keys(points, query)
    order = numpy.lexsort((label, key))
    nearest = order[order >= gone][:answer["labels"].shape[1]]
    key = key[nearest]
    distance = {"euclidean": numpy.sqrt(key), "cosine": key / 2, "angular": 2 * numpy.arcsin(numpy.minimum(numpy.sqrt(key) / 2, 1))}.get(metric, key)
    same = numpy.allclose(distance, answer["distances"][i], rtol=1e-15, atol=0) if metric == "angular" else (distance == answer["distances"][i]).all()
    wrong += not (same and (nearest == answer["labels"][i]).all())
print(metric, len(queries), "queries,", wrong, "wrong")
END
"$PYTHON" prepare.py
seq 0 1499 >gone
for metric in euclidean manhattan chebyshev cosine angular; do
    pcct create $metric.pcct --dim 5 --metric $metric --quiet
    pcct insert $metric.pcct points.npy --batch-size 900 --quiet
    pcct knn $metric.pcct queries.npy -k 13 -o $metric.npz --quiet
    "$PYTHON" compare.py $metric 0
    pcct delete $metric.pcct --labels gone --quiet
    pcct knn $metric.pcct queries.npy -k 2500 -o $metric.npz --quiet
    "$PYTHON" compare.py $metric 1500
    pcct verify $metric.pcct --sample 50 | steady
    pcct fsck $metric.pcct --json | json_get damaged
    "$PYTHON" -B "$DATA/../../formats/decode.py" $metric.pcct v6 -o decoded.npz --digests
    pcct info $metric.pcct --json | json_get metric n_live
done
# A zero vector has no direction; other metrics take it.
printf 'x,y\n1,2\n0,-3\n-0,0\n' >zero.csv
printf '0,0\n' >q.csv
for metric in cosine angular manhattan chebyshev; do
    pcct create zero.$metric --dim 2 --metric $metric --quiet
    try pcct insert zero.$metric zero.csv --quiet
    try pcct knn zero.$metric q.csv -k 1
done
