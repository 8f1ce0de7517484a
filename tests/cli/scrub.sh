# SPDX-License-Identifier: Apache-2.0
# Everything is read at a bounded rate; a damaged anchor is made anew, other damage is named. fsck --fast looks at no more than heads.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(3)
for i in range(6): numpy.save("p%d.npy" % i, r.random((20000, 2)))
numpy.save("q.npy", r.random((5, 2)))'
pcct create s.pcct --dim 2 --quiet
for i in 0 1 2 3 4 5; do pcct insert s.pcct p$i.npy --quiet; done
pcct knn s.pcct q.npy -k 5 >right
pcct scrub s.pcct --rate 1000 --json | json_get frames damaged dropped
"$PYTHON" - <<'END'
import glob
for path in sorted(glob.glob("s.pcct/data/A*"))[:1]:
    with open(path, "r+b") as f:
        f.seek(200000)
        byte = f.read(1)[0]
        f.seek(200000)
        f.write(bytes([byte ^ 1]))
END
pcct fsck s.pcct --fast --quiet
echo "fast: $?"
pcct fsck s.pcct --quiet >/dev/null
echo "whole: $?"
pcct scrub s.pcct --rate 1000 --json 2>err | json_get damaged dropped renewed
grep -c '^damage: .*A00000' err
pcct fsck s.pcct --quiet
echo "whole: $?"
pcct knn s.pcct q.npy -k 5 | cmp - right
"$PYTHON" - <<'END'
data = bytearray(open("s.pcct/journal/J00000001", "rb").read())
data[256 + 300000] ^= 1
open("s.pcct/journal/J00000001", "r+b").write(data)
END
pcct scrub s.pcct --rate 1000 --json >out 2>err
echo "exit $?"
json_get damaged dropped <out
sed 's/ .*: / ... /' err
try pcct scrub s.pcct --rate 0
try pcct scrub none.pcct
