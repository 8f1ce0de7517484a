# SPDX-License-Identifier: Apache-2.0
# A line for each graph by a kernel: what it must have.
gzip -dc "$DATA/cities.csv.gz" | awk -F, 'NR == 1 || NR % 120 == 0' >cities.csv
pcct create c.pcct --dim 2 --quiet
pcct insert c.pcct cities.csv --columns lat,lng --quiet
pcct kernel set c.pcct --kernel matern52 --lengthscale 9,13 --nugget 0.01 --inducing 25 -q
pcct graph c.pcct -k 7 --metric residual -o a.npz --telemetry log --threads 2
pcct graph c.pcct -k 7 --metric residual --predecessors -o a.npz --telemetry log
pcct graph c.pcct -k 7 --metric correlation -o a.npz --telemetry log
pcct graph c.pcct -k 7 --metric residual --at v2 --brute -o a.npz --telemetry log
"$PYTHON" - <<'END'
import json
lines = [json.loads(line) for line in open("log")]
for o in lines:
    assert o["schema"] == "pcct.telemetry.kernel.1" and len(o["run"]) == 32 and len(o["store_uuid"]) == 32 and o["time"].endswith("Z")
    assert o["store"] == "c.pcct" and o["dim"] == 2 and o["metric"] == "euclidean" and o["host"] and o["process_peak_bytes"] > 1 << 20
    assert 0 < o["pairs"] <= 2 * 1500 ** 2 and o["features_seconds"] > 0 and o["search_seconds"] > 0 and o["jitter_used"] in (0, 1e-6)
    assert o["first_look"] in ("single precision", "double precision", "principal coordinates")
    print(o["operation"], o["by"], o["version"], o["kernel"], o["points"], o["inducing"], o["rows"], o["k"], o["noisy"])
print(lines[0]["threads"], len({o["digest"] for o in lines}), lines[3]["pairs"] >= 1425 ** 2 > lines[0]["pairs"], lines[3]["first_look"])
END
try pcct graph c.pcct -k 7 -o a.npz --telemetry log
try pcct graph c.pcct -k 7 --metric residual -o a.npz --telemetry none/log
wc -l <log
