# SPDX-License-Identifier: Apache-2.0
# Ctrl-C ends a verify that would go on for long, at once.
seq 1 20000 | sed 's/.*/&,1/' >line.csv
pcct create a.pcct --dim 2 --quiet
pcct insert a.pcct line.csv --quiet
"$PCCT" verify a.pcct --sample 20000 -k 1000 --threads 1 2>err &
job=$!
await sh -c '"$PCCT" readers a.pcct | grep -q v[0-9]'
# A signal before its handler is there does nothing, since this shell has its jobs ignore it.
until ! kill -INT $job 2>/dev/null; do sleep 0.05; done
wait $job
echo "exit $?"
cat err
