#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What formats/decode.py reads of a store or a bundle, one JSON value a line, as kaitai.js prints it: kaitai_expected.py FORMATS STORE|BUNDLE."""
import json
import os
import struct
import sys

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import decode  # noqa: E402

METRICS = ("euclidean", "haversine", "manhattan", "chebyshev", "cosine", "angular")


def say(value):
    print(json.dumps(value, separators=(",", ":")))


def sections(payload):
    at, found = 0, []
    while at < len(payload):
        kind, array, _, count, size = struct.unpack_from("<HHIQQ", payload, at)
        found.append([kind, array, count, size])
        at += 24 + decode.round_up(size, 8)
    return found


def entries(payload):
    at, found = 64, []
    while at < len(payload):
        table, key, value = struct.unpack_from("<IIQ", payload, at)
        found.append([table, payload[at + 16:at + 16 + key].hex(), value])
        at += 16 + decode.round_up(key + value, 8)
    return found


def bundle(path):
    head, frames, refs = decode.read_bundle(path)
    say({"uuid": head["uuid"].hex(), "dimension": head["dim"], "metric": head["metric"], "seed": head["seed"], "base": head["base"].hex(),
         "versions": len(frames), "refs": len(refs)})
    for f in frames.values():
        say({"version": f["version"], "parent": f["parent_identity"].hex(), "state_parent": f["state_identity"].hex(), "identity": f["identity"].hex(),
             "branch": f["ref"].rstrip(b"\0").decode(), "note": f["note"].hex(), "payload": len(f["payload"])})
    for name, (kind, identity) in refs.items():
        say({"name": name, "kind": 2 if kind == "tag" else 1, "identity": identity.hex()})


def main():
    store = sys.argv[2]
    if os.path.isfile(store):
        bundle(store)
        return
    head = decode.read_super(store)
    say({"uuid": head["uuid"].hex(), "format": head["format"], "dimension": head["dim"], "metric": head["metric"], "seed": head["seed"],
         "custom": head["custom"]})
    for name in sorted(os.listdir(os.path.join(store, "journal"))):
        with open(os.path.join(store, "journal", name), "rb") as file:
            data = file.read()
        number, size, link = struct.unpack_from("<QQQ", data, 32)
        say({"segment": number, "bytes": size, "base": struct.unpack_from("<I", data, 12)[0] == 1})
        f = decode.read_head(data, 256)
        while f is not None and f["link"] == link:
            note, payload = (data[f[part + "_at"]:f[part + "_at"] + f[part + "_bytes"]] for part in ("note", "payload"))
            committed = f["operation"] == 0
            say({"operation": f["operation"], "version": f["version"], "parent": f["parent"], "state_parent": f["state_parent"],
                 "identity": f["identity"].hex(), "branch": f["ref"].rstrip(b"\0").decode(), "rows": f["rows"], "live": f["live"],
                 "note": note.hex(), "rows_after": struct.unpack_from("<I", payload, 24 + 4)[0] if committed and payload else None,
                 "sections": sections(payload) if committed else [], "entries": entries(payload) if f["operation"] == 6 else []})
            link = f["hash"]
            f = decode.read_head(data, f["end"])
    for name in sorted(n for n in os.listdir(os.path.join(store, "data")) if n[0] == "A"):
        with open(os.path.join(store, "data", name), "rb") as file:
            data = file.read()
        version, = struct.unpack_from("<Q", data, 32)
        arrays = []
        for i in range(struct.unpack_from("<I", data, 12)[0]):
            array, item_bytes, items, offset = struct.unpack_from("<IIQQ", data, 128 + 48 * i)
            arrays.append([array, item_bytes, items, offset, item_bytes * items])
        rows, live, _, levels = struct.unpack_from("<4I", data, 4096 + 16)
        say({"anchor": version, "rows": rows, "live": live, "levels": levels, "units": struct.unpack_from("<Q", data, 72)[0], "arrays": arrays,
             "pieces": [struct.unpack_from("<Q", data, 1664 + 16 * i)[0] for i in range(struct.unpack_from("<I", data, 112)[0])],
             "runs": [list(struct.unpack_from("<IIQQ", data, 1920 + 24 * i)) for i in range(struct.unpack_from("<I", data, 116)[0])]})
    for name in sorted(n for n in os.listdir(os.path.join(store, "data")) if n[0] == "P"):
        with open(os.path.join(store, "data", name), "rb") as file:
            number, size, runs, version = struct.unpack_from("<4Q", file.read(), 32)
        say({"piece": number, "bytes": size, "runs": runs, "version": version})


main()
