# SPDX-License-Identifier: Apache-2.0
# A store of a newer format, and one whose SUPER is cut short, gone, or bad in one or both of its copies.
for store in newer cut gone one both; do
    pcct create $store --dim 2 --quiet
done
rm gone/SUPER
: >cut/SUPER
"$PYTHON" - <<'END'
# Magic, format 99, size, and the checksum of a copy, which stand where they are in every format.
copy = bytearray(4096)
copy[:8] = b"PCCTSUP1"
copy[8] = 99
copy[13] = 0x10
copy[4088:] = bytes.fromhex("ea7d05b82caeda2a")[::-1]
open("newer/SUPER", "wb").write(copy + copy)
for store, places in ("one", [40]), ("both", [40, 4096 + 40]):
    data = bytearray(open(store + "/SUPER", "rb").read())
    for place in places:
        data[place] ^= 4
    open(store + "/SUPER", "wb").write(data)
END
for store in cut gone newer one both; do
    try pcct info $store >out
    tail -n 1 out
done
try pcct fsck newer
pcct fsck one --json | json_get damaged
