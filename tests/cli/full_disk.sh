# SPDX-License-Identifier: Apache-2.0
# What cannot be written is an error, for data on standard output and in files alike.
grid
for verb in "knn grid.pcct grid.csv -k 1" "log grid.pcct" "log grid.pcct --json" "info grid.pcct" "verify grid.pcct" "fsck grid.pcct" help; do
    pcct $verb >/dev/full
    echo "exit $?"
done
try pcct knn grid.pcct grid.csv -k 1 -o /dev/full --format npz
