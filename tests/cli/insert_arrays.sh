# SPDX-License-Identifier: Apache-2.0
# .npy and .npz of many kinds, and what is refused.
"$PYTHON" - <<'END'
import numpy as np
a = np.arange(6.0).reshape(3, 2)
np.save("f8.npy", a)
np.save("f4.npy", a.astype("f4"))
np.save("i2.npy", -a.astype("i2"))
np.save("u1.npy", a.astype("u1"))
np.save("fortran.npy", np.asfortranarray(a))
np.save("big_endian.npy", a.astype(">f8"))
np.save("complex.npy", a + 1j)
np.save("one.npy", a[:, 0])
np.save("three.npy", a.reshape(1, 3, 2))
np.save("none.npy", a[:0])
np.save("nan.npy", np.where(a == 3, np.nan, a))
np.save("labels.npy", np.array([70, 80, 90], "u2"))
np.save("halves.npy", np.array([70, 80.5, 90]))
np.savez("stored.npz", points=a, labels=np.array([7, -8, 9], "i4"))
np.savez_compressed("packed.npz", points=np.random.default_rng(0).random((5000, 2)), labels=np.arange(5000) + 1000)
np.savez("two.npz", x=a, y=a + 10)
np.savez("single.npz", coordinates=a)
b = bytearray(open("packed.npz", "rb").read())
b[9000] ^= 1
open("flipped.npz", "wb").write(b)
open("cut.npz", "wb").write(b[:9000])
open("cut.npy", "wb").write(open("f8.npy", "rb").read()[:-8])
open("long.npy", "wb").write(open("f8.npy", "rb").read() + b"12345678")
END
pcct create a.pcct --dim 2 --quiet
for file in f8.npy f4.npy i2.npy u1.npy fortran.npy single.npz; do
    try pcct insert a.pcct $file | steady
done
pcct insert a.pcct - <f8.npy | steady
pcct insert a.pcct stored.npz --label-column labels | steady
pcct insert a.pcct packed.npz --label-column labels -b 2000 | steady
pcct insert a.pcct two.npz --array y | steady
pcct insert a.pcct f8.npy --labels labels.npy | steady
pcct knn a.pcct --labels 7,-8,9,70,80,90 -k 1 --at main
for file in big_endian.npy complex.npy one.npy three.npy none.npy nan.npy two.npz flipped.npz cut.npz cut.npy long.npy; do
    try pcct insert a.pcct $file
done
try pcct insert a.pcct f8.npy --labels halves.npy
try pcct insert a.pcct f8.npy --columns 1,2
try pcct insert a.pcct f8.npy --label-column labels
try pcct insert a.pcct two.npz --array z
try pcct insert a.pcct two.npz --array x --label-column y
try pcct insert a.pcct - <two.npz
pcct info a.pcct --json | json_get head
