# SPDX-License-Identifier: Apache-2.0
# A pruned store gets as small as it can be, and holds the same.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(3)
numpy.save("bulk.npy", r.random((20000, 2)))
for i in range(40): numpy.save("p%d.npy" % i, r.random((10, 2)))
numpy.save("q.npy", r.random((5, 2)))'
pcct create s.pcct --dim 2 --quiet
pcct insert s.pcct bulk.npy --quiet
for i in $(seq 0 19); do
    pcct insert s.pcct p$i.npy --quiet
    pcct delete s.pcct --labels $(seq -s, $((i * 100)) $((i * 100 + 99))) --quiet
done
pcct tag s.pcct last v40 --quiet
pcct branch s.pcct other v39 --quiet
pcct prune s.pcct --keep-last 6 --quiet
state() {
    pcct log s.pcct --all --json
    pcct reflog s.pcct --json | grep -v prune
    for v in v34 v41 other; do pcct knn s.pcct q.npy -k 5 --at $v; done
}
state >before
pcct compact s.pcct --json | "$PYTHON" -c 'import json, sys
o = json.load(sys.stdin)
assert o["after_bytes"] < o["before_bytes"], o
print(o["removed"], o["anchors_made"])'
state | cmp - before
pcct fsck s.pcct --json | json_get damaged
for v in v34 v41 other; do pcct verify s.pcct --at $v --json | json_get differences violations; done
stat -c %a s.pcct/catalogue.mdb
ls s.pcct
ls s.pcct/data
pcct insert s.pcct p0.npy --quiet
pcct compact s.pcct --json | json_get anchors_made removed
rm s.pcct/catalogue.mdb
pcct fsck s.pcct --rebuild-catalogue --json | json_get damaged
pcct knn s.pcct q.npy -k 5 --at v34 >after
grep -c . after
try pcct compact none.pcct

echo "damaged"
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(5)
for i in range(12): numpy.save("d%d.npy" % i, r.random((6000, 3)))'
pcct create d.pcct --dim 3 --quiet
for i in $(seq 0 11); do pcct insert d.pcct d$i.npy --quiet; done
ls d.pcct/data >before
"$PYTHON" - <<'END'
import glob
# within the frame of v2, behind which anchors stand
for path in sorted(glob.glob("d.pcct/journal/*")):
    data, at = open(path, "rb").read(), -1
    while (at := data.find(b"PCCTFRM1", at + 1)) >= 0:
        if int.from_bytes(data[at + 16:at + 24], "little") == 2:
            with open(path, "r+b") as file:
                file.seek(at + 5000)
                file.write(b"xxxx")
END
readable() { pcct fsck d.pcct --json 2>/dev/null | json_get damaged versions_readable; }
readable >as_before
try pcct compact d.pcct 2>err
sed 's/byte [0-9]*/byte N/' err
ls d.pcct/data | cmp - before
readable | cmp - as_before
