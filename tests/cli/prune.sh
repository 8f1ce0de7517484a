# SPDX-License-Identifier: Apache-2.0
# Versions go by rules; what stays answers as before, also from the journal alone; space comes back once an anchor stands for what went.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(3)
for i in range(30): numpy.save("p%d.npy" % i, r.random((2000, 3)))
numpy.save("q.npy", r.random((5, 3)))'
pcct create s.pcct --dim 3 --quiet
i=0
while [ $i -lt 30 ]; do
    pcct insert s.pcct p$i.npy --set epoch=$i --quiet
    i=$((i + 1))
done
pcct tag s.pcct keep v4 --quiet
pcct branch s.pcct dev v8 --quiet
pcct knn s.pcct q.npy -k 7 --at v28 >before
pcct knn s.pcct q.npy -k 7 --at v4 >before4
pcct prune s.pcct --keep-last 3 --keep-every 10 --before-epoch 25 -n --json | json_get dry_run pruned left
pcct log s.pcct --all -n 1 --json | json_get version
pcct prune s.pcct --keep-last 3 --json | json_get dry_run pruned left
pcct log s.pcct --all --json | json_get version parent epoch
pcct knn s.pcct q.npy -k 7 --at v28 | cmp - before
pcct knn s.pcct q.npy -k 7 --at v4 | cmp - before4
try pcct knn s.pcct q.npy -k 7 --at v20
try pcct show s.pcct epoch:19
try pcct show s.pcct main~3
pcct diff s.pcct v8 v28 --json | json_get added removed replaced
pcct tag s.pcct keep --delete --quiet
pcct branch s.pcct dev --delete --quiet
pcct prune s.pcct --keep-last 3 --json | "$PYTHON" -c 'import json, sys
o = json.load(sys.stdin)
print(o["pruned"], o["left"], o["removed"] > 5, o["freed_bytes"] > 100000)'
pcct gc s.pcct | sed 's/[0-9.]* [KM]iB left/SIZE left/'
pcct du s.pcct | head -n 1
pcct du s.pcct -n 2 --json | "$PYTHON" -c 'import json, sys
a, b = map(json.loads, sys.stdin)
assert a["unshared_bytes"] == a["frame_bytes"] + a["anchor_bytes"] > 100000, a
assert b["unshared_bytes"] in (0, b["frame_bytes"] + b["anchor_bytes"]), b
assert a["needed_bytes"] >= a["frame_bytes"], a
print(a["version"], b["version"])'
pcct verify s.pcct --at v28 --json | json_get differences violations
pcct knn s.pcct q.npy -k 7 --at v28 | cmp - before
pcct fsck s.pcct --json | json_get damaged
pcct fsck s.pcct --rebuild-catalogue --json | json_get damaged
pcct knn s.pcct q.npy -k 7 --at v28 | cmp - before
"$PYTHON" -B "$DATA/../../formats/decode.py" s.pcct --list | sed -E 's/[0-9a-f]{32}/IDENTITY/' | tail -n 4
"$PYTHON" -B "$DATA/../../formats/decode.py" s.pcct v28 -o d.npz --digests && "$PYTHON" -c 'import numpy
print(len(numpy.load("d.npz")["labels"]))'
pcct diff s.pcct v28 v30 --json | json_get added removed replaced
pcct insert s.pcct p1.npy --quiet
pcct log s.pcct -n 2 --json | json_get version parent n_live
pcct reflog s.pcct -n 3 --json | json_get operation name
try pcct prune s.pcct
try pcct prune s.pcct --older-than x
pcct prune s.pcct --older-than 1 | sed 's/[0-9.]* [KM]iB left/SIZE left/'
