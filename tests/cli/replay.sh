# SPDX-License-Identifier: Apache-2.0
# What a store holds comes out again when it is executed once more.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(6)
for i in range(4): numpy.save("p%d.npy" % i, r.random((800, 2)))'
pcct create s.pcct --dim 2 --metric manhattan --quiet
for i in 0 1 2; do pcct insert s.pcct p$i.npy --batch-size 300 --quiet; done
pcct delete s.pcct --labels 3,4,5 --quiet
pcct restore s.pcct v2 --quiet
pcct insert s.pcct p3.npy --quiet
pcct replay s.pcct | steady
pcct replay s.pcct v4.. --threads 1 --json | json_get versions differs first
pcct replay s.pcct v4..v6 --quiet
pcct replay s.pcct --immutable | steady
try pcct replay s.pcct v4
try pcct replay s.pcct v4..v40
try pcct replay not.there
