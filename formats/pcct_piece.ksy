# SPDX-License-Identifier: Apache-2.0
meta:
  id: pcct_piece
  title: A piece that anchors of a pcct store share (data/P%016x), format 1
  endian: le
  license: Apache-2.0
doc: |
  Runs of arrays, which the heads of anchors tell of. pcct-store.md, section 4, is the specification; checksums (XXH3-64) are not part of this description.
seq:
  - id: head
    type: head
    size: 4096
types:
  head:
    seq:
      - id: magic
        contents: PCCTPIE1
      - id: len_head
        type: u4
        valid: 4096
      - id: reserved
        size: 4
      - id: uuid
        size: 16
      - id: number
        type: u8
      - id: len_file
        type: u8
      - id: len_runs
        type: u8
      - id: version
        type: u8
      - id: time_ns
        type: s8
