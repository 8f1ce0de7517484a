# SPDX-License-Identifier: Apache-2.0
# Flipped bits in frames and in the catalogue are named; a lost catalogue is rebuilt from the journal.
grid
pcct delete grid.pcct --labels 0 --quiet
cp -a grid.pcct whole.pcct
pcct log whole.pcct --json >log_before
"$PYTHON" - <<'END'
import glob, os
# the second frame: flip one byte near the end of what was written
path = sorted(glob.glob("grid.pcct/journal/*"))[0]
data = bytearray(open(path, "rb").read())
last = len(data.rstrip(b"\0")) - 1
data[last - 40] ^= 0x10
open(path, "r+b").write(data)
END
pcct fsck grid.pcct >report
echo "exit $?"
grep -c '^damage: ' report | sed 's/[1-9][0-9]*/some/'
tail -n 1 report | sed -nE 's/.*( 1 of 2 versions readable).*/\1/p'
echo 0,0 >q.csv
pcct knn grid.pcct q.csv -k 1 --at v1
pcct knn grid.pcct q.csv -k 1 --at v2 2>err
echo "exit $?"
: >whole.pcct/catalogue.mdb
pcct info whole.pcct >/dev/null 2>err
echo "exit $?"
pcct fsck whole.pcct --rebuild-catalogue >report
echo "exit $?"
pcct log whole.pcct --json | cmp - log_before
pcct knn whole.pcct q.csv -k 1
# what keeps a store from being opened is told once, and of no version
cp -a whole.pcct lost.pcct
rm lost.pcct/LOCK
pcct fsck lost.pcct | sed '$d'
touch lost.pcct/LOCK
rm lost.pcct/catalogue.mdb
pcct fsck lost.pcct | sed '$d'
