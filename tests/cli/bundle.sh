# SPDX-License-Identifier: Apache-2.0
# A replica fed by bundles: the same identities and answers; what it lacks and what is not a bundle is refused; the decoder reads them too.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(5)
for i in range(6): numpy.save("p%d.npy" % i, r.random((500, 3)))
numpy.save("q.npy", r.random((5, 3)))'
pcct create s.pcct --dim 3 --seed 4 --quiet
for i in 0 1 2; do pcct insert s.pcct p$i.npy --set epoch=$i --quiet; done
pcct bundle s.pcct -o first.bundle --quiet
pcct branch s.pcct side v2 --quiet
pcct insert s.pcct p3.npy --branch side --quiet
pcct delete s.pcct --labels 7,8,9 -m fewer --quiet
pcct tag s.pcct done main --quiet
pcct restore s.pcct v1 --quiet
pcct bundle s.pcct v3.. -o second.bundle | sed 's/[0-9.]* KiB/SIZE/'
pcct bundle s.pcct v3..side -o side.bundle --json | json_get file versions refs base
try pcct apply r.pcct first.bundle
pcct apply r.pcct first.bundle --create
try pcct apply t.pcct second.bundle --create
pcct apply r.pcct second.bundle --json
pcct apply r.pcct second.bundle
identities() {
    pcct log "$1" --all --json | json_get identity n_live message | sort
}
identities s.pcct >a
identities r.pcct | cmp - a
for at in main side done; do
    pcct knn s.pcct q.npy -k 4 --at $at >a
    pcct knn r.pcct q.npy -k 4 --at $at | cmp - a
done
pcct fsck r.pcct --json | json_get damaged versions
pcct fsck r.pcct --rebuild-catalogue --json | json_get damaged versions
pcct knn r.pcct q.npy -k 4 --at side | wc -l
pcct reflog r.pcct --json | json_get operation name before after | sed -n 1,4p
"$PYTHON" -B "$DATA/../../formats/decode.py" second.bundle --list | sed -E 's/[0-9a-f]{32}/IDENTITY/'
"$PYTHON" -B "$DATA/../../formats/decode.py" first.bundle v3 -o d.npz --digests
"$PYTHON" -B "$DATA/../../formats/decode.py" r.pcct --list | tail -n 3
"$PYTHON" -c 'import numpy
print(len(numpy.load("d.npz")["labels"]))
b = bytearray(open("first.bundle", "rb").read())
b[5000] ^= 1
open("bad.bundle", "wb").write(b)
open("cut.bundle", "wb").write(b[:4000])'
try pcct apply r.pcct bad.bundle
try pcct apply r.pcct cut.bundle
try pcct apply r.pcct p0.npy
try pcct apply r.pcct not.there
try pcct apply r.pcct
pcct create other.pcct --dim 2 --quiet
try pcct apply other.pcct first.bundle
try pcct bundle s.pcct v3..
try pcct bundle s.pcct v3 -o x.bundle
try pcct bundle s.pcct v30.. -o x.bundle
try pcct bundle s.pcct -o not/there
pcct insert r.pcct p4.npy --quiet
pcct insert s.pcct p5.npy --quiet
pcct bundle s.pcct done..main -o third.bundle --quiet
try pcct apply r.pcct third.bundle
pcct apply r.pcct third.bundle --move
pcct prune s.pcct --keep-last 1 --quiet
try pcct bundle s.pcct -o x.bundle
ls
