# SPDX-License-Identifier: Apache-2.0
# Anchors that share pieces: without any one of the files the store answers as before; copied, pruned, compacted and salvaged it does too.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(7)
numpy.save("bulk.npy", r.random((6000, 8)))
for i in range(6): numpy.save("p%d.npy" % i, r.random((1800, 8)))
numpy.save("q.npy", r.random((5, 8)))'
pcct create s.pcct --dim 8 --quiet
pcct insert s.pcct bulk.npy --quiet
for i in 0 1 2 3 4 5; do pcct insert s.pcct p$i.npy --quiet; done
answers() {
    for v in v1 v4 v7; do pcct knn "$@" q.npy -k 5 --at $v; done
}
answers s.pcct >right
# By how many anchors each piece is named.
shared() {
    "$PYTHON" - "$1" <<'END'
import glob, struct, sys
named = {}
for path in glob.glob(sys.argv[1] + "/data/A*"):
    data = open(path, "rb").read(4096)
    for i in range(struct.unpack_from("<I", data, 112)[0]):
        number = struct.unpack_from("<Q", data, 1664 + 16 * i)[0]
        named[number] = named.get(number, 0) + 1
there = sorted(int(path[-16:], 16) for path in glob.glob(sys.argv[1] + "/data/P*"))
print("all there" if there == sorted(named) else "not so", "shared" if max(named.values(), default=0) > 1 else "not shared")
END
}
shared s.pcct
pcct fsck s.pcct --quiet
echo "whole: $?"
echo "each file in turn"
for file in s.pcct/data/*; do
    mv "$file" gone
    answers s.pcct | cmp - right || echo "without $file"
    pcct fsck s.pcct --quiet >/dev/null 2>&1 && echo "nothing found without $file"
    mv gone "$file"
done
pcct fsck s.pcct --quiet
echo "whole: $?"
echo "a damaged one"
piece=$(ls -d s.pcct/data/P* | head -1)
cp "$piece" kept
printf 'x' | dd of="$piece" bs=1 seek=100000 conv=notrunc status=none
answers s.pcct | cmp - right
pcct fsck s.pcct 2>&1 | grep -c "^damage: .*P0000000000000001 is damaged: array 1 of A"
pcct scrub s.pcct --json 2>/dev/null | json_get damaged
pcct fsck s.pcct --quiet
echo "whole: $?"
answers s.pcct | cmp - right
shared s.pcct
echo "copies"
pcct backup s.pcct copy.pcct --quiet
answers copy.pcct --immutable | cmp - right
shared copy.pcct
pcct backup s.pcct one.pcct --at v7 --quiet
pcct fsck one.pcct --quiet
pcct knn one.pcct q.npy -k 5 | cmp - "$(pcct knn s.pcct q.npy -k 5 --at v7 >last; echo last)"
pcct salvage s.pcct saved.pcct --quiet 2>/dev/null
pcct knn saved.pcct q.npy -k 5 | cmp - last
echo "without a catalogue"
rm copy.pcct/catalogue.mdb
pcct fsck copy.pcct --rebuild-catalogue --quiet 2>/dev/null
pcct fsck copy.pcct --quiet
answers copy.pcct | cmp - right
shared copy.pcct
echo "less"
pcct prune s.pcct --keep-last 1 --quiet
pcct fsck s.pcct --quiet
pcct knn s.pcct q.npy -k 5 | cmp - last
shared s.pcct
pcct compact s.pcct --quiet
pcct fsck s.pcct --quiet
pcct knn s.pcct q.npy -k 5 | cmp - last
shared s.pcct
