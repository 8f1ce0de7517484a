# SPDX-License-Identifier: Apache-2.0
meta:
  id: pcct_super
  title: SUPER of a pcct store, format 1
  endian: le
  license: Apache-2.0
doc: |
  What never changes about a store, in two equal copies. pcct-store.md, section 2, is the specification; checksums (XXH3-64) are not part of this
  description.
seq:
  - id: copies
    type: copy
    size: 4096
    repeat: expr
    repeat-expr: 2
types:
  copy:
    seq:
      - id: magic
        contents: PCCTSUP1
      - id: format
        type: u4
      - id: len_copy
        type: u4
        valid: 4096
      - id: uuid
        size: 16
      - id: dimension
        type: u4
      - id: metric
        type: u4
        enum: metric
      - id: coordinates
        type: u4
        valid: 1
      - id: byte_order
        type: u4
        valid: 0x01020304
      - id: seed
        type: u8
      - id: created_ns
        type: s8
      - id: incompatible
        type: u8
      - id: read_only_compatible
        type: u8
      - id: custom_metric
        size: 32
        type: strz
        encoding: ASCII
      - id: reserved
        size: 3976
      - id: hash
        type: u8
enums:
  metric:
    1: euclidean
    2: haversine
    3: manhattan
    4: chebyshev
    5: cosine
    6: angular
    64: custom
