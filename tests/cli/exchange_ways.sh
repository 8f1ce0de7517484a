# SPDX-License-Identifier: Apache-2.0
# Where exchange and salvage meet: places that are no files, kernels of older versions, copies that lack a parent, what a killed salvage left.
"$PYTHON" -c 'import numpy
r = numpy.random.default_rng(5)
for i in range(4): numpy.save("p%d.npy" % i, r.random((300, 3)))'
pcct create s.pcct --dim 3 --quiet
pcct insert s.pcct p0.npy --quiet
pcct kernel set s.pcct --kernel matern32 --lengthscale 0.2,0.3,0.4 --inducing 9 --quiet
pcct insert s.pcct p1.npy --set epoch=1 -m "more" --quiet
pcct branch s.pcct side v1 --quiet
pcct insert s.pcct p2.npy --branch side --quiet

echo "places"
mkfifo pipe
ln -s elsewhere link
mkdir room
for at in pipe link room s.pcct; do try pcct bundle s.pcct -o $at; done
ls -F | grep -v npy

echo "the kernel of an older version"
pcct graph s.pcct --metric residual -k 3 >a
pcct salvage s.pcct t.pcct --at main --quiet
pcct graph t.pcct --metric residual -k 3 | cmp - a
pcct log t.pcct --json | json_get message epoch n_live
pcct backup s.pcct one.pcct --at main --quiet
try pcct kernel show one.pcct
cp -a s.pcct u.pcct
pcct prune u.pcct --keep-last 1 --quiet
pcct compact u.pcct --quiet
pcct kernel show u.pcct
pcct log u.pcct --json | grep -c '"version"'

echo "a branch that begins before the bundle"
pcct insert s.pcct p3.npy --quiet
pcct bundle s.pcct v3.. -o later.bundle --quiet
try pcct apply one.pcct later.bundle
pcct bundle s.pcct v3..main -o main.bundle --quiet
try pcct apply one.pcct main.bundle
pcct knn s.pcct p0.npy -k 3 >a
pcct knn one.pcct p0.npy -k 3 | cmp - a

echo "what stands there already"
try pcct salvage s.pcct t.pcct
mkdir new.pcct.salvage
pcct salvage s.pcct new.pcct --at main --quiet
pcct knn new.pcct p0.npy -k 3 | cmp - a
try pcct salvage s.pcct none/new.pcct 2>err
sed 's/-[0-9a-f]*:/-NUMBER:/' err
ls -d *.salvage*
