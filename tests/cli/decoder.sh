# SPDX-License-Identifier: Apache-2.0
# The independent decoder reads what the library wrote: points and labels as the queries tell them, the tree by its definition, every array by the
# digests that the library keeps of its own, anchors as the frames.
decode() {
    "$PYTHON" -B "$DATA/../../formats/decode.py" "$@"
}
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(7)
numpy.save("a.npy", r.random((20000, 3)))
numpy.save("b.npy", numpy.round(r.random((3000, 3)), 1))
numpy.save("q.npy", r.random((3, 3)))'
pcct create s.pcct --dim 3 --quiet
pcct insert s.pcct a.npy --batch-size 5000 -m first --quiet
pcct insert s.pcct b.npy --batch-size 1000 -m twins --quiet
pcct delete s.pcct --labels 0,5,17,19999,20001 -m gone --quiet
for version in 1 4 7 8; do
    n=$(pcct info s.pcct --at v$version --json | json_get n_live)
    decode s.pcct v$version -o v$version.npz --digests || echo failed
    pcct knn s.pcct q.npy -k "$n" --at v$version -o knn.npz --quiet
    "$PYTHON" - v$version.npz <<'END'
import sys
import numpy
d, knn, q = numpy.load(sys.argv[1]), numpy.load("knn.npz"), numpy.load("q.npy")
labels, points, levels = d["labels"], d["points"], d["levels"]
twin = levels == numpy.iinfo(numpy.int32).min
for i in range(len(q)):
    row = numpy.searchsorted(labels, knn["labels"][i])
    assert (labels[row] == knn["labels"][i]).all() and len(set(row)) == len(labels), "labels"
    assert numpy.allclose(numpy.sqrt(((points[row] - q[i]) ** 2).sum(axis=1)), knn["distances"][i], rtol=1e-15), "distances"
root = d["parents"] < 0
assert root.sum() == 1 and levels[root][0] > levels[~root].max(), "root"
parent = numpy.searchsorted(labels, numpy.where(root, labels, d["parents"]))
distance = numpy.sqrt(((points - points[parent]) ** 2).sum(axis=1))
ordinary = ~root & ~twin
assert (levels[parent][ordinary] > levels[ordinary]).all(), "levels"
assert (distance[ordinary] <= 2.0 ** (levels[ordinary] + 1) * (1 + 1e-12)).all() and (distance[twin] == 0).all(), "cover"
assert not twin[parent[~root]].any(), "twins hang on ordinary nodes"
print(len(labels), "points,", "twins" if twin.any() else "no twins")
END
done
for anchor in s.pcct/data/A*; do
    version=$((0x${anchor##*/A}))
    decode s.pcct $version -o frames.npz
    decode s.pcct $version --anchor -o anchor.npz --digests
    cmp frames.npz anchor.npz && echo "an anchor agrees"
done | sort -u
decode s.pcct --list | sed -E 's/[0-9a-f]{32}/IDENTITY/'
# Turnover: dead rows are dropped once they outnumber the live ones, and every version still reads right.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(8)
for i in range(7): numpy.save("t%d.npy" % i, numpy.round(r.random((1500, 2)) * 30))
numpy.save("p.npy", r.random((3, 2)) * 30)'
pcct create t.pcct --dim 2 --quiet
pcct insert t.pcct t0.npy --quiet
"$PYTHON" -c 'for i in range(6): open("gone%d" % i, "w").write("".join("%d\n" % j for j in range(1500 * i, 1500 * i + 1450)))'
for i in 0 1 2 3 4 5; do
    pcct delete t.pcct --labels gone$i --quiet
    pcct insert t.pcct t$((i + 1)).npy --quiet
done
for version in 2 3 8 12 13; do
    decode t.pcct v$version -o v.npz --digests || echo failed
    n=$(pcct info t.pcct --at v$version --json | json_get n_live)
    pcct knn t.pcct p.npy -k "$n" --at v$version -o knn.npz --quiet
    "$PYTHON" - "$(pcct info t.pcct --at v$version --json | json_get n_rows)" <<'END'
import sys
import numpy
d, knn, q = numpy.load("v.npz"), numpy.load("knn.npz"), numpy.load("p.npy")
labels, points = d["labels"], d["points"]
assert len(d["row_label"]) == int(sys.argv[1]), "rows"
for i in range(len(q)):
    row = numpy.searchsorted(labels, knn["labels"][i])
    assert (labels[row] == knn["labels"][i]).all() and len(set(row)) == len(labels), "labels"
    assert numpy.allclose(numpy.sqrt(((points[row] - q[i]) ** 2).sum(axis=1)), knn["distances"][i], rtol=1e-15), "distances"
parent = numpy.searchsorted(labels, d["parents"])
below, level = d["parents"] >= 0, d["levels"].astype(float)
twin = d["levels"] == numpy.iinfo(numpy.int32).min
distance = numpy.sqrt(((points[below] - points[parent[below]]) ** 2).sum(axis=1))
assert (distance <= numpy.where(twin[below], 0, 2.0 ** (level[below] + 1) * (1 + 1e-12))).all(), "cover"
print(len(labels), "points in", len(d["row_label"]), "rows")
END
done
for anchor in t.pcct/data/A*; do
    version=$((0x${anchor##*/A}))
    decode t.pcct $version -o frames.npz
    decode t.pcct $version --anchor -o anchor.npz --digests
    cmp frames.npz anchor.npz && echo "an anchor agrees"
done | sort -u
