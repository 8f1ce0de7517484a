# SPDX-License-Identifier: Apache-2.0
# In many dimensions, where the layout is made of views and a search backwards needs one of coordinates: the same graph.
"$PYTHON" - <<'END'
import numpy as np
random = np.random.default_rng(1)
mixed = random.standard_normal((5, 40))
np.save("many.npy", np.tanh(random.standard_normal((6000, 5)) @ mixed))
np.save("more.npy", np.tanh(random.standard_normal((50, 5)) @ mixed))
END
pcct create v.pcct --dim 40 --quiet
pcct insert v.pcct many.npy --quiet
pcct insert v.pcct more.npy --quiet
pcct delete v.pcct --labels 1,5,77,900 --quiet
pcct graph v.pcct -k 10 --at v1 -o v1.npz
pcct graph v.pcct -k 10 -o v3.npz
pcct graph v.pcct --update v1.npz -o updated.npz
cmp updated.npz v3.npz && echo the same
