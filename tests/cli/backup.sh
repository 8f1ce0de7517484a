# SPDX-License-Identifier: Apache-2.0
# A copy of everything, and of one version; what is there is left alone.
grid
pcct insert grid.pcct grid.csv --set epoch=2 --quiet
pcct delete grid.pcct --labels 4 -m "without the middle" --quiet
pcct tag grid.pcct first v1 --quiet
pcct backup grid.pcct all.pcct | steady | sed 's/[0-9.]* [KM]iB/SIZE/'
pcct backup grid.pcct one.pcct --at epoch:2 --json | json_get store versions
pcct backup grid.pcct ro.pcct --immutable --quiet
pcct log grid.pcct --json >a
for copy in all ro; do
    pcct log $copy.pcct --json | cmp - a
    pcct reflog $copy.pcct --json | json_get operation name after
    pcct fsck $copy.pcct --json | json_get damaged versions
done
pcct log one.pcct --json | json_get version parent identity message epoch
pcct show grid.pcct v2 --json | json_get identity
pcct dump grid.pcct --at v2 >a
pcct dump one.pcct | cmp - a
pcct fsck one.pcct --json | json_get damaged versions
"$PYTHON" -B "$DATA/../../formats/decode.py" one.pcct --list | sed -E 's/[0-9a-f]{32}/IDENTITY/'
"$PYTHON" -B "$DATA/../../formats/decode.py" one.pcct --digests | wc -l
pcct insert one.pcct grid.csv --quiet
pcct log one.pcct --json | json_get version parent n_live
try pcct backup grid.pcct all.pcct
try pcct backup grid.pcct not/there
try pcct backup grid.pcct x.pcct --at v9
try pcct backup grid.pcct
try pcct backup not.there x.pcct
ls
