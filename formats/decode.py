#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a version of a pcct store from its files alone: an independent reading of pcct-store.md and pcct-bundle.md, with numpy and nothing else.

    decode.py STORE [VERSION] [-o OUT.npz] [--anchor] [--digests] [--list]
    decode.py BUNDLE [VERSION] [-o OUT.npz] [--digests] [--list]

VERSION is a number (17 or v17); without it the last one. Frames are folded from the empty version on; with --anchor the version's anchor file is
read instead. Every checksum on the way is compared; --digests also recomputes the DIGEST of the version from its arrays. OUT.npz gets, by ascending
label of the live points: labels (int64), points (float64), parents (label of the parent; -1: the root), levels (int32; -2147483648: a twin), and
the plain arrays row_point, row_label, row_parent, row_level, row_radius of all rows. Without -o the points are printed: label, level, parent, coordinates.
"""
import argparse
import os
import struct
import sys

import numpy

U64 = (1 << 64) - 1
NONE = 0xFFFFFFFF
UNIT = 65536
BIG = 2 << 20
TWIN = -2
BIAS = 1024


class Damaged(Exception):
    pass


# ---- XXH3-64, seed 0, as its specification says ---------------------------------------------------------------------------------------------

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MX1, MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25


def r32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def r64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def fold(a, b):
    product = a * b
    return (product & U64) ^ (product >> 64)


def swap64(x):
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def rotate(x, n):
    return ((x << n) | (x >> (64 - n))) & U64


def avalanche(h):
    h ^= h >> 37
    h = h * MX1 & U64
    return h ^ h >> 32


def avalanche64(h):
    h ^= h >> 33
    h = h * P64_2 & U64
    h ^= h >> 29
    h = h * P64_3 & U64
    return h ^ h >> 32


def mix16(data, at, secret):
    return fold(r64(data, at) ^ r64(SECRET, secret), r64(data, at + 8) ^ r64(SECRET, secret + 8))


def hash_short(data, n):
    if n == 0:
        return avalanche64(r64(SECRET, 56) ^ r64(SECRET, 64))
    if n <= 3:
        joined = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        return avalanche64(joined ^ r32(SECRET, 0) ^ r32(SECRET, 4))
    if n <= 8:
        h = (r32(data, n - 4) + (r32(data, 0) << 32)) ^ r64(SECRET, 8) ^ r64(SECRET, 16)
        h ^= rotate(h, 49) ^ rotate(h, 24)
        h = h * MX2 & U64
        h ^= (h >> 35) + n
        h = h * MX2 & U64
        return h ^ h >> 28
    low = r64(data, 0) ^ r64(SECRET, 24) ^ r64(SECRET, 32)
    high = r64(data, n - 8) ^ r64(SECRET, 40) ^ r64(SECRET, 48)
    return avalanche((n + swap64(low) + high + fold(low, high)) & U64)


def hash_middle(data, n):
    acc = n * P64_1
    if n <= 128:
        for i in reversed(range((n - 1) // 32 + 1)):
            acc += mix16(data, 16 * i, 32 * i) + mix16(data, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & U64)
    for i in range(8):
        acc += mix16(data, 16 * i, 16 * i)
    acc = avalanche(acc & U64)
    for i in range(8, n // 16):
        acc += mix16(data, 16 * i, 16 * (i - 8) + 3)
    return avalanche((acc + mix16(data, n - 16, 136 - 17)) & U64)


KEYS = numpy.array([[r64(SECRET, 8 * (s + i)) for i in range(8)] for s in range(16)], dtype=numpy.uint64)
LAST_KEY = numpy.array([r64(SECRET, 192 - 64 - 7 + 8 * i) for i in range(8)], dtype=numpy.uint64)
SCRAMBLE_KEY = numpy.array([r64(SECRET, 128 + 8 * i) for i in range(8)], dtype=numpy.uint64)
SWAPPED = [1, 0, 3, 2, 5, 4, 7, 6]


def accumulate(acc, stripes, keys):
    """stripes: [s, 8] words; what each adds does not depend on the others."""
    mixed = stripes ^ keys
    products = (mixed & numpy.uint64(0xFFFFFFFF)) * (mixed >> numpy.uint64(32))
    return acc + stripes[:, SWAPPED].sum(axis=0, dtype=numpy.uint64) + products.sum(axis=0, dtype=numpy.uint64)


def hash_long(data, n):
    acc = numpy.array([P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1], dtype=numpy.uint64)
    blocks = (n - 1) // 1024
    whole = numpy.frombuffer(data, dtype="<u8", count=n // 64 * 8).reshape(-1, 8)
    for b in range(blocks):
        acc = accumulate(acc, whole[16 * b:16 * b + 16], KEYS)
        acc = ((acc ^ acc >> numpy.uint64(47)) ^ SCRAMBLE_KEY) * numpy.uint64(P32_1)
    rest = (n - 1 - 1024 * blocks) // 64
    acc = accumulate(acc, whole[16 * blocks:16 * blocks + rest], KEYS[:rest])
    acc = accumulate(acc, numpy.frombuffer(data, dtype="<u8", count=8, offset=n - 64).reshape(1, 8), LAST_KEY)
    lane = [int(x) for x in acc]
    result = n * P64_1
    for i in range(4):
        result += fold(lane[2 * i] ^ r64(SECRET, 11 + 16 * i), lane[2 * i + 1] ^ r64(SECRET, 19 + 16 * i))
    return avalanche(result & U64)


def xxh3(data):
    data = bytes(data)
    n = len(data)
    return hash_short(data, n) if n <= 16 else hash_middle(data, n) if n <= 240 else hash_long(data, n)


def expect(right, what):
    if not right:
        raise Damaged(what)


# ---- files ----------------------------------------------------------------------------------------------------------------------------------

def round_up(n, unit):
    return (n + unit - 1) // unit * unit


def read_super(folder):
    with open(os.path.join(folder, "SUPER"), "rb") as file:
        both = file.read()
    for copy in (both[:4096], both[4096:8192]):
        if copy[:8] == b"PCCTSUP1" and xxh3(copy[:4088]) == r64(copy, 4088):
            names = ("format", "bytes", "uuid", "dim", "metric", "dtype", "endian", "seed", "created", "incompatible", "read_only")
            head = dict(zip(names, struct.unpack_from("<II16sIIIIQqQQ", copy, 8)))
            expect(head["format"] == 1 and head["incompatible"] & ~3 == 0, "SUPER: a newer format")
            head["custom"] = copy[80:112].rstrip(b"\0").decode("ascii")
            expect((head["incompatible"] & 1 == 1) == (head["metric"] == 64) == (head["custom"] != ""), "SUPER: the custom metric")
            return head
    raise Damaged("SUPER: no copy is sound")


HEAD_NAMES = ("head_bytes", "operation", "since", "version", "parent", "state_parent", "generation", "jump", "time", "rows", "live", "inserted", "deleted",
              "identity", "content", "write_id", "ref", "note_bytes", "payload_bytes", "link", "note_hash", "payload_hash", "hash")


def read_head(data, at):
    """The head of a frame, or None where none begins."""
    head = data[at:at + 256]
    if len(head) < 256 or head[:8] != b"PCCTFRM1" or xxh3(head[:248]) != r64(head, 248):
        return None
    frame = dict(zip(HEAD_NAMES, struct.unpack("<IB3s5Qq4Q16s16s16s64s6Q", head[8:])))
    frame["since"] = int.from_bytes(frame["since"], "little") * 64
    frame["note_at"] = at + 256
    frame["payload_at"] = at + 256 + round_up(frame["note_bytes"], 64)
    frame["end"] = frame["payload_at"] + round_up(frame["payload_bytes"], 64)
    return frame


def read_segment(folder, number):
    path = os.path.join(folder, "journal", "J%08x" % number)
    with open(path, "rb") as file:
        data = file.read()
    expect(data[:8] == b"PCCTSEG1" and xxh3(data[:248]) == r64(data, 248), "%s: its head" % path)
    return data


def read_frame(data, at):
    frame = read_head(data, at)
    if frame is None:
        return None
    frame["note"] = data[frame["note_at"]:frame["note_at"] + frame["note_bytes"]]
    frame["payload"] = data[frame["payload_at"]:frame["payload_at"] + frame["payload_bytes"]]
    frame["sound"] = xxh3(frame["note"]) == frame["note_hash"] and xxh3(frame["payload"]) == frame["payload_hash"]
    return frame


def read_base(folder):
    """The last base: (segment, offset behind it, link, frames, refs), or None."""
    names = [name for name in os.listdir(os.path.join(folder, "journal")) if len(name) == 9 and name[0] == "J"]
    for number in sorted((int(name[1:], 16) for name in names), reverse=True):
        data = read_segment(folder, number)
        base = read_frame(data, 256) if r32(data, 12) & 1 else None
        if base is None or not base["sound"] or base["operation"] != 6:
            continue
        frames, refs, segments, at, payload = {}, {}, {}, 64, base["payload"]
        while at < len(payload):
            table, key_bytes, value_bytes = struct.unpack_from("<IIQ", payload, at)
            key = payload[at + 16:at + 16 + key_bytes]
            value = payload[at + 16 + key_bytes:at + 16 + key_bytes + value_bytes]
            at += 16 + round_up(key_bytes + value_bytes, 8)
            if table == 1 and not r64(value, 184) & 2:
                segment = r64(value, 56)
                segments.setdefault(segment, read_segment(folder, segment))
                frame = read_frame(segments[segment], r64(value, 64))
                expect(frame is not None and frame["hash"] == r64(value, 176), "v%d: its frame" % r64(value, 0))
                frame["pruned"] = r64(value, 184) & 1
                frames[frame["version"]] = frame
            elif table == 1:
                frames[r64(value, 0)] = {"version": r64(value, 0), "anchor": True, "pruned": r64(value, 184) & 1, "parent": r64(value, 8),
                                         "live": r64(value, 88), "identity": value[120:136], "note": value[256:]}
            elif table == 2:
                refs[key.decode("ascii")] = ("tag" if r32(value, 8) == 2 else "branch", r64(value, 0))
        return number, base["end"], base["hash"], frames, refs
    return None


def read_journal(folder, super_block):
    """All frames in file order, following the links: {version: frame}, and where branches and tags stand: {name: (kind, version)}."""
    base = read_base(folder)
    number, behind, link, frames, refs = base or (1, 256, xxh3(super_block["uuid"]), {}, {"main": ("branch", 0)})
    while True:
        path = os.path.join(folder, "journal", "J%08x" % number)
        if not os.path.exists(path):
            return frames, refs
        data = read_segment(folder, number)
        uuid, named, size, first_link = struct.unpack_from("<16sQQQ", data, 16)
        expect(uuid == super_block["uuid"] and named == number and size <= len(data), "%s: another segment" % path)
        if first_link != link and behind == 256:
            return frames, refs  # made for a commit that did not come to its end
        at, behind = behind, 256
        while True:
            frame = read_frame(data, at)
            if frame is None or frame["link"] != link:
                break
            frame["pruned"] = 0
            name = frame["ref"].rstrip(b"\0").decode("ascii")
            if frame["operation"] == 0:
                frames[frame["version"]] = frame
                if name:  # without one it came by a bundle, and moved no branch
                    refs[name] = ("branch", frame["version"])
            elif frame["operation"] in (3, 5):
                del refs[name]
            elif frame["operation"] != 7:
                expect(frame["operation"] in (1, 2, 4), "a frame of unknown operation %d" % frame["operation"])
                refs[name] = ("tag" if frame["operation"] == 4 else "branch", frame["state_parent"])
            link = frame["hash"]
            at = frame["end"]
        number += 1


def read_bundle(path):
    """Head, and versions and refs as read_journal has them; a ref stands at an identity. A parent that is not in the bundle is None."""
    with open(path, "rb") as file:
        data = file.read()
    expect(data[:8] == b"PCCTBND1" and xxh3(data[:248]) == r64(data, 248), "the head of the bundle")
    names = ("format", "bytes", "uuid", "dim", "metric", "dtype", "endian", "seed", "created", "incompatible", "zero")
    head = dict(zip(names, struct.unpack_from("<II16sIIIIQqQQ", data, 8)))
    expect(head["format"] == 1 and head["incompatible"] & ~1 == 0, "a bundle of a newer format")
    head["custom"] = data[80:112].rstrip(b"\0").decode("ascii")
    head["base"], versions, refs_there, size, body = struct.unpack_from("<16s4Q", data, 112)
    expect(size == len(data) and body == xxh3(data[256:]), "the bundle is not whole")
    frames, refs, number, at = {}, {}, {bytes(16): 0}, 256
    for _ in range(versions):
        expect(data[at:at + 8] == b"PCCTBVR1" and xxh3(data[at:at + 56]) == r64(data, at + 56), "byte %d: no version" % at)
        frame = read_frame(data, at + 64)
        expect(frame is not None and frame["sound"] and frame["operation"] == 0, "byte %d: no frame" % (at + 64))
        frame["parent_identity"], frame["state_identity"] = data[at + 8:at + 24], data[at + 24:at + 40]
        frame["parent"], frame["state_parent"] = number.get(frame["parent_identity"]), number.get(frame["state_identity"])
        frame["pruned"] = 0
        number[frame["identity"]] = frame["version"]
        frames[frame["version"]] = frame
        at = frame["end"]
    for _ in range(refs_there):
        expect(data[at:at + 8] == b"PCCTBRF1" and xxh3(data[at:at + 120]) == r64(data, at + 120), "byte %d: no branch or tag" % at)
        refs[data[at + 32:at + 96].rstrip(b"\0").decode("ascii")] = ("tag" if r32(data, at + 8) == 2 else "branch", data[at + 16:at + 32])
        at += 128
    expect(at == size, "the bundle goes on behind its end")
    return head, frames, refs


# ---- frames ---------------------------------------------------------------------------------------------------------------------------------

STATE, DIGEST, ADD, DEL, APPEND, SCATTER = range(1, 7)
POINT, LABEL, PARENT, LEVEL, RADIUS, PDIST = range(1, 7)
TYPES = {LABEL: "<i8", PARENT: "<u4", LEVEL: "<i2", RADIUS: "<f8", PDIST: "<f8"}
CUSTOM = 64


class State:
    """The arrays of a version that frames carry; the others follow from them. Distances to parents are carried where the metric is custom."""

    def __init__(self, super_block):
        self.dim = super_block["dim"]
        self.array = {POINT: numpy.zeros((0, self.dim)), LABEL: numpy.zeros(0, "<i8"), PARENT: numpy.zeros(0, "<u4"), LEVEL: numpy.zeros(0, "<i2"),
                      RADIUS: numpy.zeros(0, "<f8")}
        if super_block["metric"] == CUSTOM:
            self.array[PDIST] = numpy.zeros(0, "<f8")
        self.root = NONE
        self.live = 0
        self.digest = dict.fromkeys(range(1, 7), 0)

    def add(self, array, values):
        self.array[array] = numpy.concatenate([self.array[array], values])

    def renumber(self, rows):
        expect(rows == len(self.array[LABEL]), "a frame renumbers other rows than those of the state before it")
        level = self.array[LEVEL]
        live = numpy.flatnonzero((level > 0) | (level == TWIN))
        number = numpy.full(rows + 1, NONE, "<u4")
        number[live] = numpy.arange(len(live))
        for array, values in self.array.items():
            self.array[array] = values[live]
        self.array[PARENT] = number[numpy.minimum(self.array[PARENT], rows)]
        self.root = NONE if self.root == NONE else int(number[self.root])
        self.digest = {}  # those of the rows as they are now

    def apply(self, payload):
        at = 0
        rows = len(self.array[LABEL])
        added = gone = b""
        while at < len(payload):
            kind, array, flags, count, size = struct.unpack_from("<HHIQQ", payload, at)
            body = payload[at + 24:at + 24 + size]
            at += 24 + round_up(size, 8)
            if kind == STATE:
                before, after, live_before, live_after, root_before, root_after, renumbered_from, zero = struct.unpack("<6I16x2I", body)
                expect(zero == 0, "a frame's STATE has bytes that are not known")
                if renumbered_from:
                    self.renumber(renumbered_from)
                    rows = len(self.array[LABEL])
                expect((before, live_before, root_before) == (rows, self.live, self.root), "a frame does not follow the state before it")
                rows_after, self.live, self.root = after, live_after, root_after
            elif kind == DIGEST and array == LABEL:
                label_hashes = struct.unpack("<2Q", body)
            elif kind == DIGEST:
                for i in range(count):
                    which, old, new = struct.unpack_from("<3Q", body, 24 * i)
                    expect(self.digest.get(which, old) == old, "a digest does not follow the one before it")
                    self.digest[which] = new
            elif kind == ADD and array == POINT:
                self.add(POINT, numpy.frombuffer(body, "<f8").reshape(count, self.dim))
            elif kind in (ADD, APPEND) and array in TYPES and array in self.array:
                if kind == ADD:
                    added = body
                self.add(array, numpy.frombuffer(body, TYPES[array], count))
            elif kind == DEL and array == LABEL:
                gone = body  # the labels of the rows whose LEVEL becomes -1
            elif kind == SCATTER and array in TYPES and array in self.array:
                first = round_up(4 * count, 8)
                run = round_up(numpy.dtype(TYPES[array]).itemsize * count, 8)
                row = numpy.frombuffer(body, "<u4", count)
                new = numpy.frombuffer(body, TYPES[array], count, first)
                old = numpy.frombuffer(body, TYPES[array], count, first + run)
                values = self.array[array].copy()
                expect((row < rows).all() and (values[row] == old).all(), "a frame's old values are not those of the state")
                values[row] = new
                self.array[array] = values
            else:
                expect(flags & 1, "a section of unknown kind %d" % kind)
        expect((xxh3(added), xxh3(gone)) == label_hashes, "a frame's hashes of its labels are others")
        for array, values in self.array.items():
            expect(len(values) == rows_after, "array %d has not one value for each row" % array)

    def check_digests(self):
        """The sums that the library keeps, from these arrays."""
        for array, values in self.array.items():
            total = 0
            for row, value in enumerate(values):
                total += xxh3(struct.pack("<II", array, row) + value.tobytes())
            expect(total & U64 == self.digest[array], "the digest of array %d is another" % array)


def from_frames(folder, super_block, frames, version):
    chain = []
    at = version
    while at != 0:
        expect(at in frames, "v%d: its frame was not found" % at)
        if frames[at].get("anchor"):
            break
        expect(frames[at]["sound"], "v%d: a checksum of its frame is wrong" % at)
        chain.append(at)
        at = frames[at]["state_parent"]
    state = from_anchor(folder, super_block, at) if at != 0 else State(super_block)
    for at in reversed(chain):
        if frames[at]["payload"]:  # an empty one restores the state of its state parent
            state.apply(frames[at]["payload"])
    return state


# ---- anchors --------------------------------------------------------------------------------------------------------------------------------

def read_pieces(folder, super_block, data, path):
    """The runs that stand in pieces: {place of an array in the table: its bytes}."""
    count, runs = struct.unpack_from("<II", data, 112)
    expect(data[120:128] == bytes(8) and count <= 16 and runs <= 48, "%s: pieces" % path)
    pieces, found = [], {}
    for i in range(count):
        number, link = struct.unpack_from("<QQ", data, 1664 + 16 * i)
        name = os.path.join(folder, "data", "P%016x" % number)
        with open(name, "rb") as file:
            piece = file.read()
        uuid, named, size = struct.unpack_from("<16sQQ", piece, 16)
        expect(piece[:8] == b"PCCTPIE1" and xxh3(piece[:4088]) == r64(piece, 4088) == link, "%s: its head" % name)
        expect(uuid == super_block["uuid"] and named == number and size <= len(piece) and piece[72:4088] == bytes(4016), "%s: another piece" % name)
        pieces.append(piece)
    last = 0
    for i in range(runs):
        array, piece, offset, size = struct.unpack_from("<IIQQ", data, 1920 + 24 * i)
        expect(array >= last and offset % UNIT == 0 and len(found.get(array, b"")) % UNIT == 0, "%s: run %d" % (path, i))
        expect(offset + size <= len(pieces[piece]), "%s: run %d is outside its piece" % (path, i))
        found[array] = found.get(array, b"") + pieces[piece][offset:offset + size]
        last = array
    return found


def from_anchor(folder, super_block, version):
    path = os.path.join(folder, "data", "A%016x" % version)
    with open(path, "rb") as file:
        data = file.read()
    expect(data[:8] == b"PCCTANC1" and xxh3(data[:4088]) == r64(data, 4088), "%s: its head" % path)
    extents = r32(data, 12)
    uuid, named, size, head_bytes, head_hash, table_at, units, table_hash = struct.unpack_from("<16s7Q", data, 16)
    expect(uuid == super_block["uuid"] and named == version and size <= len(data), "%s: another anchor, or cut off" % path)
    head = data[4096:4096 + head_bytes]
    table = data[table_at:table_at + 8 * units]
    expect(xxh3(head) == head_hash and xxh3(table) == table_hash, "%s: its numbers or its side table" % path)
    found, apart = {}, read_pieces(folder, super_block, data, path)
    for i in range(extents):
        array, item_bytes, items, offset, first = struct.unpack_from("<IIQQQ", data, 128 + 48 * i)
        body = apart.get(i, data[offset:offset + items * item_bytes])
        expect(len(body) == items * item_bytes and (offset == 0 or i not in apart), "%s: array %d" % (path, array))
        for unit, start in enumerate(range(0, len(body), UNIT)):
            expect(xxh3(body[start:start + UNIT]) == r64(table, 8 * (first + unit)), "%s: array %d, unit %d" % (path, array, unit))
        found[array] = body
    form, metric, input_dim, dim, rows, live, root, levels = struct.unpack_from("<8I", head)
    expect(form == 2 and input_dim == super_block["dim"] and metric == super_block["metric"], "%s: another kind of state" % path)
    state = State(super_block)
    state.array[POINT] = numpy.frombuffer(found[POINT], "<f8").reshape(rows, input_dim)
    for array, kind in TYPES.items():
        if array in state.array:
            state.array[array] = numpy.frombuffer(found[array], kind, rows)
    state.root, state.live = root, live
    state.digest = dict(enumerate(struct.unpack_from("<10Q", head, 56)))
    return state


# ---- the answer -----------------------------------------------------------------------------------------------------------------------------

def answer(state):
    label, level, parent = state.array[LABEL], state.array[LEVEL], state.array[PARENT]
    live = numpy.flatnonzero((level > 0) | (level == TWIN))
    expect(len(live) == state.live, "the number of live rows is another")
    live = live[numpy.argsort(label[live], kind="stable")]
    parents = numpy.full(len(live), -1, dtype=numpy.int64)
    hangs = parent[live] != NONE
    parents[hangs] = label[parent[live][hangs]]
    expect((live[~hangs] == state.root).all(), "another row than the root has no parent")
    levels = level[live].astype(numpy.int32) - BIAS
    levels[level[live] == TWIN] = numpy.iinfo(numpy.int32).min
    return {"labels": label[live], "points": state.array[POINT][live], "parents": parents, "levels": levels, "row_point": state.array[POINT],
            "row_label": label, "row_parent": parent, "row_level": level, "row_radius": state.array[RADIUS]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("version", nargs="?")
    parser.add_argument("-o", dest="out")
    parser.add_argument("--anchor", action="store_true", help="read the version's anchor instead of frames")
    parser.add_argument("--digests", action="store_true", help="recompute the digests")
    parser.add_argument("--list", action="store_true", help="list the versions in the journal, and branches and tags")
    options = parser.parse_args()
    if os.path.isfile(options.store):
        super_block, frames, refs = read_bundle(options.store)
    else:
        super_block = read_super(options.store)
        frames, refs = read_journal(options.store, super_block)
    if options.list:
        for version, frame in sorted(frames.items()):
            if frame["pruned"]:
                continue
            message = frame["note"].split(b"\0")[0].decode("utf-8", "backslashreplace")
            parent = "elsewhere" if frame["parent"] is None else "v%d" % frame["parent"]
            print("v%d %s parent %s live %d %r" % (version, frame["identity"].hex(), parent, frame["live"], message))
        for name, (kind, version) in sorted(refs.items()):
            print("%s %s %s" % (kind, name, version.hex() if isinstance(version, bytes) else "v%d" % version))
        return
    version = int(options.version.lstrip("v")) if options.version else max(frames, default=0)
    state = from_anchor(options.store, super_block, version) if options.anchor else from_frames(options.store, super_block, frames, version)
    if options.digests:
        state.check_digests()
    result = answer(state)
    if options.out:
        numpy.savez(options.out, **result)
        return
    for label, level, parent, point in zip(result["labels"], result["levels"], result["parents"], result["points"]):
        print(label, level, parent, *(repr(float(x)) for x in point))


if __name__ == "__main__":
    try:
        main()
    except Damaged as damage:
        sys.exit("damaged: %s" % damage)
