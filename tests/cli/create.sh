# SPDX-License-Identifier: Apache-2.0
pcct create a.pcct --dim 3
pcct create b.pcct --dim 2 --metric haversine --seed 7 --json
pcct info b.pcct --json | json_get dim metric seed head n_live version root_label
try pcct create a.pcct --dim 3
try pcct create c.pcct --dim 3 --metric haversine
try pcct create c.pcct --dim 3 --metric frob
try pcct create none/c.pcct --dim 3
ls
