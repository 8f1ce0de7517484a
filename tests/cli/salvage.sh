# SPDX-License-Identifier: Apache-2.0
# The newest whole version of a damaged store, in a new one: without a catalogue, without SUPER, with parts of the journal lost.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(5)
for i in range(8): numpy.save("p%d.npy" % i, r.random((3000, 2)) * 100 - 50)
numpy.save("q.npy", r.random((5, 2)) * 100 - 50)'
pcct create s.pcct --dim 2 --metric haversine --seed 7 --quiet
for i in 0 1 2 3 4 5 6 7; do pcct insert s.pcct p$i.npy --set epoch=$i --quiet -m "load $i"; done
pcct delete s.pcct --labels 5,6,7 --set epoch=8 --quiet -m "without three"
pcct tag s.pcct early v3 --quiet
pcct knn s.pcct q.npy -k 5 >right
pcct knn s.pcct q.npy -k 5 --at early >right3
find s.pcct -type f | sort | xargs sha256sum | grep -v pins >before

same() {
    pcct knn "$1" q.npy -k 5 | cmp - "$2"
    pcct verify "$1" --json | json_get differences violations
    pcct log "$1" --json | json_get version n_live message epoch
}
echo "sound"
pcct salvage s.pcct a.pcct --json 2>notes | json_get version points newest versions versions_whole damaged
same a.pcct right
find s.pcct -type f | sort | xargs sha256sum | grep -v pins | cmp - before
ls -d a.pcct.* 2>/dev/null
pcct salvage s.pcct b.pcct --at early --quiet
same b.pcct right3

echo "without SUPER and catalogue"
cp -a s.pcct t.pcct
rm t.pcct/catalogue.mdb t.pcct/catalogue.mdb-lock t.pcct/LOCK
printf 'nothing' >t.pcct/SUPER
pcct salvage t.pcct c.pcct --json 2>lost | json_get version points damaged
sed 's/^\([a-z]*\): .*/\1/' lost | sort -u
same c.pcct right

echo "without anchors"
rm -f t.pcct/data/A* t.pcct/SUPER
try pcct salvage t.pcct d.pcct --quiet 2>err
grep '^pcct' err
ls -d d.pcct* 2>/dev/null
try pcct salvage t.pcct d.pcct --dim 2 --metric euclidean --quiet 2>/dev/null
pcct salvage t.pcct d.pcct --dim 2 --metric haversine --seed 7 --quiet 2>/dev/null
same d.pcct right

echo "with a hole in the journal"
cp -a s.pcct u.pcct
rm -f u.pcct/data/A*
"$PYTHON" - <<'END'
import glob, os
# of the frame of v7
for path in sorted(glob.glob("u.pcct/journal/*")):
    data = bytearray(open(path, "rb").read())
    at, n = -1, 0
    while True:
        at = data.find(b"PCCTFRM1", at + 1)
        if at < 0: break
        if int.from_bytes(data[at + 16:at + 24], "little") == 7 and int.from_bytes(data[at + 12:at + 16], "little") == 0:
            data[at + 5000] ^= 4
            n += 1
    if n: open(path, "r+b").write(data)
END
pcct salvage u.pcct e.pcct --json 2>lost | json_get version points newest versions versions_whole damaged
grep -c 'v7: .*checksum of its payload' lost
pcct knn s.pcct q.npy -k 5 --at v6 >right6
same e.pcct right6
try pcct salvage u.pcct f.pcct --at v8 --quiet 2>err
tail -n 1 err | sed 's/ is damaged.*//'
try pcct salvage u.pcct e.pcct --quiet 2>/dev/null
try pcct salvage nothing f.pcct
try pcct salvage . f.pcct
ls -d f.pcct* 2>/dev/null
mkdir -p empty/journal empty/data
try pcct salvage empty f.pcct
