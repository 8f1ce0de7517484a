# SPDX-License-Identifier: Apache-2.0
# Ctrl-C ends a verify that would go on for long, at once.
seq 1 20000 | sed 's/.*/&,1/' >line.csv
pcct create a.pcct --dim 2 --quiet
pcct insert a.pcct line.csv --quiet
"$PCCT" verify a.pcct --sample 20000 -k 1000 --threads 1 2>err &
job=$!
sleep 0.5
kill -INT $job
wait $job
echo "exit $?"
cat err
