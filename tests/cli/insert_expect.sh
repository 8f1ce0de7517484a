# SPDX-License-Identifier: Apache-2.0
# --expect: the head must stand where it was seen; between the batches of one run as well.
grid
try pcct insert grid.pcct grid.csv --expect v1 -b 4 | steady
try pcct insert grid.pcct grid.csv --expect v1
try pcct delete grid.pcct --labels 1 --expect v1
try pcct insert grid.pcct grid.csv --expect main --quiet
try pcct insert grid.pcct grid.csv --expect v99
pcct info grid.pcct --json | json_get head
