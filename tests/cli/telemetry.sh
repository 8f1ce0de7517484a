# SPDX-License-Identifier: Apache-2.0
# One JSON object for each version: what it must have, and what must be true of any.
"$PYTHON" -c 'import random
random.seed(3)
for i in range(6000): print("%.9f,%.9f" % (random.gauss(0, 1), random.gauss(0, 1)))' >points.csv
head -100 points.csv >hundred.csv
check() {
    "$PYTHON" -c 'import json, sys
names = [line.split(", ")[1] for line in open(sys.argv[1]) if line.startswith("PCCT_STAT(")]
lines = [json.loads(line) for line in open("log")]
assert len({o["run"] for o in lines}) == 5, "a run has one id"
for o in lines:
    missing = [n for n in names if n not in o]
    assert not missing, missing
    assert o["schema"] == "pcct.telemetry.1" and len(o["run"]) == 32 and len(o["store_uuid"]) == 32
    assert o["time"].endswith("Z") and o["store"] == "a.pcct" and o["dim"] == 2 and o["metric"] == "euclidean" and o["host"]
    assert sum(o["schedule"]) == o["items"] and len(o["schedule"]) == o["sub_batches"]
    assert o["sub_batch_peak_items"] == max(o["schedule"], default=0)
    assert o["dominated_items"] <= o["items"] >= o["twin_items"] and 0 <= o["dominated_share"] <= 1
    assert o["kept_pairs"] <= o["candidate_pairs"] and o["dominated_items"] <= o["kept_pairs"]
    assert o["searches"] >= o["items"] - 1 or o["repeated"]
    assert o["working_peak_bytes"] >= 0 and o["process_peak_bytes"] > 1 << 20
    seconds = [o[n] for n in names if n.endswith("_seconds")]
    assert all(s >= 0 for s in seconds) and abs(sum(seconds) - o["commit_seconds"]) < 1e-6
    if o["inserted"] >= 1000: assert o["distances"] > o["items"] and o["blocks_visited"] > 0 and o["nodes_visited"] > 0
    if not o["repeated"]: assert o["commit_seconds"] > 0 and o["store_seconds"] > 0
    print(o["version"], o["operation"], o["threads"], o["repeated"], o["inserted"], o["deleted"], o["skipped"], o["items"] - o["inserted"] >= 0)' "$1"
}
pcct create a.pcct --dim 2 --quiet
pcct insert a.pcct points.csv -b 2500 --threads 2 --telemetry log --quiet
pcct delete a.pcct --labels 0,1,2,3,4 --threads 1 --telemetry log --quiet
pcct insert a.pcct hundred.csv --write-id 000000000000000000000000000000aa --threads 1 --telemetry log --quiet
pcct insert a.pcct hundred.csv --write-id 000000000000000000000000000000aa --threads 1 --telemetry log --quiet
seq 0 99 >labels
pcct insert a.pcct hundred.csv --labels labels --on-duplicate skip --threads 1 --telemetry log --quiet
check "$DATA/../../include/pcct/stats.def"
# Every point alone: the counts do not depend on the threads.
for threads in 1 2; do
    rm -rf b.pcct
    pcct create b.pcct --dim 2 --quiet
    pcct insert b.pcct points.csv --threads $threads --telemetry log$threads --quiet
    json_get items dominated_items candidate_pairs kept_pairs distances blocks_visited nodes_visited schedule arena_peak_bytes \
        working_peak_bytes <log$threads >counts$threads
done
cmp counts1 counts2 && echo same counts
# A path that cannot be written to is told before anything is committed; one that cannot be written later, after.
try pcct insert a.pcct hundred.csv --telemetry nowhere/log
try pcct delete a.pcct --labels 7 --telemetry .
pcct info a.pcct --json | json_get head
try pcct insert a.pcct hundred.csv -b 40 --telemetry /dev/full
pcct info a.pcct --json | json_get head
# So does a pipe that nobody reads any more; no signal ends the program. A store that is not there leaves no file.
mkfifo pipe
{ : <pipe; cat hundred.csv; } | try pcct insert a.pcct - -b 40 --telemetry pipe
pcct info a.pcct --json | json_get head
try pcct insert nowhere.pcct hundred.csv --telemetry new
[ -e new ] || echo no file
