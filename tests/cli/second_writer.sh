# SPDX-License-Identifier: Apache-2.0
# While another process writes, --no-wait ends with 4 at once; readers go on.
grid
"$PYTHON" - grid.pcct/LOCK <<'END' &
import fcntl, os, sys, time
lock = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(lock, fcntl.LOCK_EX)
open("held", "w").close()
while not os.path.exists("enough"):
    time.sleep(0.02)
END
await test -e held
try pcct insert grid.pcct grid.csv --no-wait
try pcct delete grid.pcct --labels 3 --no-wait
pcct knn grid.pcct grid.csv -k 1 | tail -n 1
touch enough
wait
pcct insert grid.pcct grid.csv --no-wait | steady
