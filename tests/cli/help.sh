# SPDX-License-Identifier: Apache-2.0
# Help is on standard output and ends with 0.
pcct help
pcct --version | sed -E 's/[0-9]+\.[0-9]+\.[0-9]+$/N/'
for verb in create insert delete knn radius graph net order vecchia dump log show diff branch tag restore reset reflog bisect prune policy gc compact du info verify fsck scrub salvage; do
    pcct $verb --help >a
    pcct help $verb >b
    cmp a b && head -n 2 a
done
pcct insert --help
pcct graph --help
