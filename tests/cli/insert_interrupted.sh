# SPDX-License-Identifier: Apache-2.0
# Ctrl-C while rows are read: the batch is abandoned, whole batches stay, the exit code is 130.
pcct create a.pcct --dim 2 --quiet
mkfifo feed
"$PCCT" insert a.pcct feed -b 3 2>err <feed &
job=$!
exec 3>feed
seq 1 8 | sed 's/.*/&,&/' >&3
two_versions() {
    pcct log a.pcct | grep -q '^v2 '
}
# The pipe hands over what it has, so two batches come before the wait for more.
await two_versions || echo "no second version came"
kill -INT $job
wait $job
echo "exit $?"
exec 3>&-
cat err
pcct info a.pcct --json | json_get head n_live
