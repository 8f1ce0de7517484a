# SPDX-License-Identifier: Apache-2.0
# A quite full disk, in a file system of its own (skipped, and said so, where none can be mounted): a commit tells what helps, readers go on, and
# versions are pruned all the same, with the room of BALLAST, which is there again when the disk has room.
cat >inside <<'END'
mount -t tmpfs -o size=64m none disk || exit 9
cd disk
"$PCCT" create s --dim 2 --quiet
stat -c '%s %b' s/BALLAST | awk '{print $1, ($2 * 512 >= $1)}'
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do "$PCCT" insert s ../rows.csv --quiet; done
cat /dev/zero 2>/dev/null >filler
i=0
while [ $i -lt 200 ] && "$PCCT" insert s ../rows.csv --quiet 2>../err; do i=$((i + 1)); done
"$PCCT" insert s ../rows.csv --quiet 2>/dev/null
echo "insert: $?, $(grep -c 'No space left.*pcct prune' ../err)"
cat /dev/zero 2>/dev/null >>filler
df --output=avail . | tail -n 1 | tr -d ' '
"$PCCT" knn s ../q.csv -k 1
"$PCCT" log s -n 1 >/dev/null
echo "log: $?"
"$PCCT" prune s --keep-last 2 >/dev/null
echo "prune: $?"
"$PCCT" log s | wc -l
"$PCCT" knn s ../q.csv -k 1
ls s | grep -c BALLAST
rm filler
"$PCCT" gc s >/dev/null
stat -c '%s %b' s/BALLAST | awk '{print $1, ($2 * 512 >= $1)}'
"$PCCT" insert s ../rows.csv --quiet
echo "insert: $?"
"$PCCT" fsck s >/dev/null
echo "fsck: $?"
END
seq 1 3000 | sed 's/.*/&,&/' >rows.csv
echo 7,7 >q.csv
mkdir disk
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null && unshare -m mount -t tmpfs none disk 2>/dev/null; then
    unshare -m sh inside
else
    echo "no file system can be mounted here" >skipped
    cat "$DATA/../cli/ballast.out"
fi
