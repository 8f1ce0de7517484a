# SPDX-License-Identifier: Apache-2.0
# Versions are told as they come, by whoever commits them; who has what open is told while he has it.
label=100
# Commits to a store until a command succeeds: a follower tells only what comes after it has begun, whenever that may be.
commit_until() {
    store=$1
    shift
    until "$@"; do
        echo $label >labels
        echo 5,5 | pcct insert "$store" - --labels labels -m more --quiet
        label=$((label + 1))
    done
}
ended() { ! kill -0 $follower 2>/dev/null; }
grid
pcct log grid.pcct --follow -n 3 --json >followed &
follower=$!
commit_until grid.pcct ended
wait $follower
echo "exit $?"
json_get version message <followed | "$PYTHON" -c 'import sys
rows = [line.split() for line in sys.stdin]
numbers = [int(row[0]) for row in rows]
assert numbers == list(range(numbers[0], numbers[0] + 3)) and numbers[0] > 1
assert all(row[1] == "\"more\"" for row in rows)
print("three in a row")'
pcct log grid.pcct --follow -n 0
try pcct log grid.pcct nobody --follow
"$PCCT" log grid.pcct --follow >told & # not the function: the signal is for the program
follower=$!
commit_until grid.pcct test -s told
kill -TERM $follower
wait $follower
echo "exit $?"
cp -r grid.pcct gone.pcct
"$PCCT" log gone.pcct --follow >seen 2>said &
follower=$!
commit_until gone.pcct test -s seen
rm -r gone.pcct
wait $follower
echo "exit $?"
cat said
places
pcct readers places.pcct
mkfifo queries
"$PCCT" knn places.pcct queries --columns 1,2 -k 1 >answers &
asker=$!
exec 3>queries
await sh -c '"$PCCT" readers places.pcct | grep -q v1'
pcct readers places.pcct --json | json_keys
pcct readers places.pcct --json | json_get version
[ "$(pcct readers places.pcct --json | json_get pid)" = $asker ] && echo "that is the one"
kill -9 $asker
wait $asker 2>/dev/null
pcct readers places.pcct
exec 3>&-
