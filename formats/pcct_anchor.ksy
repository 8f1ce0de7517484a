# SPDX-License-Identifier: Apache-2.0
meta:
  id: pcct_anchor
  title: An anchor of a pcct store (data/A%016x), format 1
  endian: le
  license: Apache-2.0
doc: |
  A state written out. pcct-store.md, section 4, is the specification; checksums (XXH3-64) are not part of this description.
seq:
  - id: head
    type: head
    size: 4096
  - id: image
    type: image_head
    size: head.len_image_head
instances:
  side_table:
    pos: head.ofs_side_table
    type: u8
    repeat: expr
    repeat-expr: head.num_units
types:
  head:
    seq:
      - id: magic
        contents: PCCTANC1
      - id: len_head
        type: u4
        valid: 4096
      - id: num_arrays
        type: u4
        valid:
          max: 32
      - id: uuid
        size: 16
      - id: version
        type: u8
      - id: len_file
        type: u8
      - id: len_image_head
        type: u8
      - id: image_head_hash
        type: u8
      - id: ofs_side_table
        type: u8
      - id: num_units
        type: u8
      - id: side_table_hash
        type: u8
      - id: time_ns
        type: s8
      - id: identity
        size: 16
      - id: num_pieces
        type: u4
        valid:
          max: 16
      - id: num_runs
        type: u4
        valid:
          max: 48
      - id: reserved
        size: 8
      - id: arrays
        type: extent
        repeat: expr
        repeat-expr: num_arrays
    instances:
      pieces:
        pos: 1664
        type: piece
        repeat: expr
        repeat-expr: num_pieces
      runs:
        pos: 1920
        type: run
        repeat: expr
        repeat-expr: num_runs
  piece:
    seq:
      - id: number
        type: u8
      - id: head_hash
        type: u8
  run:
    doc: Bytes of an array in a piece (data/P%016x), by place in the tables.
    seq:
      - id: array
        type: u4
      - id: piece
        type: u4
      - id: ofs_run
        type: u8
      - id: len_run
        type: u8
  extent:
    seq:
      - id: array
        type: u4
      - id: len_item
        type: u4
      - id: num_items
        type: u8
      - id: ofs_items
        type: u8
      - id: first_unit
        type: u8
      - id: reserved
        size: 16
    instances:
      items:
        io: _root._io
        pos: ofs_items
        size: len_item * num_items
        if: ofs_items != 0
  image_head:
    seq:
      - id: form
        type: u4
      - id: metric
        type: u4
      - id: dimension
        type: u4
      - id: inner_dimension
        type: u4
      - id: num_rows
        type: u4
      - id: num_live
        type: u4
      - id: root
        type: u4
      - id: num_levels
        type: u4
      - id: seed
        type: u8
      - id: next_label
        type: s8
      - id: num_twins
        type: u8
      - id: digests
        type: u8
        repeat: expr
        repeat-expr: 10
      - id: num_entries
        type: u8
      - id: num_blocks
        type: u4
      - id: num_inner
        type: u4
      - id: free_block
        type: u4
      - id: free_inner
        type: u4
      - id: layout_root
        type: u4
      - id: len_where
        type: u4
      - id: num_axes
        type: u4
      - id: num_fine
        type: u4
      - id: levels
        type: level
        repeat: expr
        repeat-expr: num_levels
  level:
    seq:
      - id: stored_level
        type: u8
      - id: num_live
        type: u8
