# SPDX-License-Identifier: Apache-2.0
# With standard streams closed no file of the store takes their place.
grid
pcct info grid.pcct >&-
echo "exit $?"
pcct knn grid.pcct - -k 1 <&-
echo "exit $?"
pcct insert grid.pcct grid.csv <&- >&- 2>&-
pcct delete grid.pcct --labels 99 <&- >&- 2>&-
echo "exit $?"
pcct fsck grid.pcct | steady
