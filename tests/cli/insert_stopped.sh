# SPDX-License-Identifier: Apache-2.0
# Ctrl-C while one large batch is committed: it is abandoned soon, nothing is left, and the next commit works.
"$PYTHON" -c 'import array, random
n, d = 250000, 8
random.seed(1)
head = "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (%d, %d), }" % (n, d)
head = head.replace(chr(34), chr(39))
head += " " * (117 - len(head)) + "\n"
values = array.array("d", (random.random() for i in range(n * d)))
with open("points.npy", "wb") as f: f.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + values.tobytes())'
pcct create a.pcct --dim 8 --quiet
"$PCCT" insert a.pcct points.npy --telemetry log 2>err &
job=$!
# From the moment on when the writer lock is held, the batch is being committed.
held() {
    "$PCCT" delete a.pcct --labels 1 --no-wait 2>/dev/null
    [ $? -eq 4 ]
}
await held || echo "no commit began"
kill -INT $job
wait $job
echo "exit $?"
cat err
pcct info a.pcct --json | json_get head n_live
[ -s log ] || echo "no line of telemetry"
printf '1,2,3,4,5,6,7,8\n' >one.csv
pcct insert a.pcct one.csv | steady
pcct fsck a.pcct >/dev/null && echo sound
