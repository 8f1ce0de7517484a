# SPDX-License-Identifier: Apache-2.0
# What is exported is read by numpy, and a store that is made from it gives the same answers; what is none is refused.
grid
pcct insert grid.pcct grid.csv --set epoch=3 --set name="a b" -m "once more" --quiet
pcct delete grid.pcct --labels 4,11 --quiet
pcct export grid.pcct -o plain.npz
pcct kernel set grid.pcct --kernel matern32 --lengthscale 2,0.5 --variance 1.7 --nugget 0.1 --inducing 4 --set epoch=4 -m kernel --quiet
pcct export grid.pcct -o kernel.npz
pcct export grid.pcct --at v2 -o old.npz --quiet
pcct export grid.pcct --at v0 -o empty.npz
"$PYTHON" -c 'import numpy
for name in "plain", "kernel", "old", "empty":
    a = numpy.load(name + ".npz")
    print(name, *[(k, a[k].dtype.str, a[k].shape) for k in sorted(a)])
    print(a["metric"].tobytes(), a["kernel"].tobytes(), a["note"].tobytes(), int(a["version"][0]))
    print(a["labels"].tolist(), a["points"].sum(), a["inducing"].tolist(), a["lengthscale"].tolist(), float(a["variance"][0]))'
pcct import plain.pcct plain.npz
pcct import kernel.pcct kernel.npz --quiet
pcct import empty.pcct empty.npz
pcct knn grid.pcct grid.csv -k 5 >a
pcct knn kernel.pcct grid.csv -k 5 | cmp - a
pcct knn plain.pcct grid.csv -k 5 | cmp - a
pcct graph grid.pcct -k 3 --metric residual >a
pcct graph kernel.pcct -k 3 --metric residual | cmp - a
pcct kernel show grid.pcct --json | json_get digest >a
pcct kernel show kernel.pcct --json | json_get digest | cmp - a
pcct log kernel.pcct --json | json_get message epoch n_live
pcct log plain.pcct --json | json_get message n_live
pcct verify kernel.pcct --json | json_get differences violations
pcct export kernel.pcct -o again.npz --quiet
"$PYTHON" -c 'import numpy
a, b = numpy.load("kernel.npz"), numpy.load("again.npz")
print([k for k in sorted(a) if not (a[k].dtype == b[k].dtype and numpy.array_equal(a[k], b[k]))])
c = dict(a)
for name, change in ("text", {"note": numpy.zeros(0, "u1")}), ("short", {"labels": c["labels"][1:]}), ("metric", {"metric": numpy.frombuffer(b"none", "u1")}), \
        ("twice", {"labels": c["labels"] * 0}), ("single", {"points": c["points"].astype("f4")}), ("odd", {"note": numpy.frombuffer(b"m\0k\0", "u1")}):
    numpy.savez(name + ".npz", **{**c, **change})
del c["seed"]
numpy.savez("less.npz", **c)'
for name in text short metric twice single odd less; do try pcct import $name.pcct $name.npz; done
try pcct import kernel.pcct kernel.npz
try pcct import x.pcct grid.csv
ls -d text.pcct* twice.pcct* odd.pcct* *.new-* 2>/dev/null

# of many at once one makes it, and nothing is left of the others; of those who apply with --create every one is done
for i in 1 2 3 4 5 6; do pcct import race.pcct plain.npz --quiet 2>>race.err && echo made; done
for i in 1 2 3 4 5 6; do { pcct import race$((i % 2)).pcct plain.npz --quiet 2>>race.err && echo made; } & done
wait
grep -vc "race.*exists already" race.err
pcct bundle kernel.pcct -o all.bundle --quiet
for i in 1 2 3 4; do { pcct apply --create copy.pcct all.bundle --quiet || echo lost; } & done
wait
pcct fsck copy.pcct | sed "s/.*): //; s/ ([0-9.]* .*s)$//"
pcct fsck race1.pcct | sed "s/.*): //; s/ ([0-9.]* .*s)$//"
ls -d *.new-* 2>/dev/null
try pcct export grid.pcct
try pcct export grid.pcct -o x.npz --at v9
pcct export grid.pcct -o - | "$PYTHON" -c 'import io, numpy, sys
print(len(numpy.load(io.BytesIO(sys.stdin.buffer.read()))["labels"]))'
