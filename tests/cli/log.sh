# SPDX-License-Identifier: Apache-2.0
grid
pcct delete grid.pcct --labels 3 -m "one less" --quiet
pcct log grid.pcct | steady | sed -E 's/ [0-9a-f]{10} / IDENTITY /'
pcct log grid.pcct --json | json_keys
pcct log grid.pcct -n 1 --json | json_get version parent message n_live inserted deleted keys
pcct log grid.pcct --json | "$PYTHON" -c 'import datetime, json, re, sys
for line in sys.stdin:
    o = json.loads(line)
    assert re.fullmatch("[0-9a-f]{32}", o["identity"])
    when = datetime.datetime.strptime(o["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    assert abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) < 600'
pcct log grid.pcct -n 0
pcct create empty.pcct --dim 2 --quiet
pcct log empty.pcct
pcct log empty.pcct --json
