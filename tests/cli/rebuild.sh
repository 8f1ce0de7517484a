# SPDX-License-Identifier: Apache-2.0
# Rebuilding the catalogue: without LOCK, and refused when the journal has less than a catalogue that can be read.
grid
pcct delete grid.pcct --labels 0 --quiet
rm grid.pcct/LOCK
pcct info grid.pcct
echo "exit $?"
pcct fsck grid.pcct --rebuild-catalogue | steady
pcct fsck grid.pcct --rebuild-catalogue --quiet
ls grid.pcct
rm grid.pcct/journal/J00000001
pcct fsck grid.pcct --rebuild-catalogue
echo "exit $?"
ls grid.pcct
ln -s grid.pcct link
pcct info link
echo "exit $?"
