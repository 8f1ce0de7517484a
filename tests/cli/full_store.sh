# SPDX-License-Identifier: Apache-2.0
# A disk without any room, in a file system of its own (skipped where none can be mounted): answers or an error that says so, never a signal, and
# nothing half-made is left. What was committed stays.
cat >inside <<'END'
mount -t tmpfs -o size=24m none disk || exit 9
cd disk
"$PCCT" create s --dim 2 --quiet && "$PCCT" insert s ../rows.csv --quiet
rm s/catalogue.mdb-lock
dd if=/dev/zero of=filler bs=64k 2>/dev/null
"$PCCT" info s >/dev/null 2>../err
echo "info without a lock file: $?, $(grep -c 'No space left' ../err)"
"$PCCT" delete s --labels 1 >/dev/null 2>../err
echo "delete: $?, $(grep -c 'No space left' ../err)"
rm filler
"$PCCT" info s >/dev/null
dd if=/dev/zero of=filler bs=64k 2>/dev/null
"$PCCT" info s >/dev/null
echo "info: $?"
"$PCCT" fsck s --rebuild-catalogue >/dev/null 2>../err
echo "rebuild: $?, $(grep -c 'No space left' ../err)"
ls s
rm filler
"$PCCT" fsck s >/dev/null
echo "fsck: $?"
# Room for a small segment, and not for the one of 4 MiB that is due.
while [ ! -e s/journal/J00000002 ]; do "$PCCT" insert s ../many.csv --quiet || break; done
dd if=/dev/zero of=filler bs=64k 2>/dev/null
truncate -s -3100000 filler
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    [ -e s/journal/J00000003 ] || "$PCCT" insert s ../many.csv --quiet || break
done
wc -c <s/journal/J00000003
"$PCCT" fsck s >/dev/null
echo "fsck: $?"
rm filler
for kib in 1500 2000 2500 3000 3500 4000; do
    mount -t tmpfs -o size=${kib}k none ../small || exit 9
    for verb in backup salvage; do
        "$PCCT" $verb s ../small/new --quiet >/dev/null 2>&1 || { echo $verb >>../failed; ls ../small; }
        rm -rf ../small/new
    done
    umount ../small
done
echo "without room: $(sort -u ../failed | tr '\n' ' ')"
END
seq 1 1000 | sed 's/.*/&,&/' >rows.csv
seq 1 5000 | sed 's/.*/&,&/' >many.csv
mkdir disk small
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null && unshare -m mount -t tmpfs none disk 2>/dev/null; then
    unshare -m sh inside
else
    echo "no file system can be mounted here" >skipped
    cat "$DATA/../cli/full_store.out"
fi
