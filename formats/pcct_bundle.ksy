# SPDX-License-Identifier: Apache-2.0
meta:
  id: pcct_bundle
  title: Versions of a pcct store as one file, format 1
  endian: le
  license: Apache-2.0
doc: |
  A head, versions, branches and tags. pcct-bundle.md is the specification; a payload is described in pcct_journal.ksy. Checksums (XXH3-64) are not part
  of this description.
seq:
  - id: head
    type: head
    size: 256
  - id: versions
    type: version
    repeat: expr
    repeat-expr: head.num_versions
  - id: refs
    type: ref
    size: 128
    repeat: expr
    repeat-expr: head.num_refs
types:
  head:
    seq:
      - id: magic
        contents: PCCTBND1
      - id: format
        type: u4
        valid: 1
      - id: len_head
        type: u4
        valid: 256
      - id: uuid
        size: 16
      - id: dimension
        type: u4
      - id: metric
        type: u4
      - id: type_of_coordinates
        type: u4
      - id: byte_order
        type: u4
        valid: 0x01020304
      - id: seed
        type: u8
      - id: time_ns
        type: s8
      - id: incompatible
        type: u8
      - id: zero
        type: u8
        valid: 0
      - id: custom_metric
        size: 32
        type: strz
        encoding: ASCII
      - id: base
        size: 16
      - id: num_versions
        type: u8
      - id: num_refs
        type: u8
      - id: len_file
        type: u8
      - id: body_hash
        type: u8
      - id: reserved
        size: 88
      - id: hash
        type: u8
  version:
    seq:
      - id: magic
        contents: PCCTBVR1
      - id: parent
        size: 16
      - id: state_parent
        size: 16
      - id: reserved
        size: 16
      - id: entry_hash
        type: u8
      - id: frame
        type: frame
  frame:
    seq:
      - id: head
        type: frame_head
        size: 256
      - id: note
        size: head.len_note
      - id: note_padding
        size: (64 - head.len_note % 64) % 64
      - id: payload
        size: head.len_payload
      - id: payload_padding
        size: (64 - head.len_payload % 64) % 64
  frame_head:
    seq:
      - id: magic
        contents: PCCTFRM1
      - id: len_head
        type: u4
        valid: 256
      - id: operation
        type: u1
        valid: 0
      - id: flushed_with_it
        size: 3
      - id: version
        type: u8
      - id: parent
        type: u8
      - id: state_parent
        type: u8
      - id: generation
        type: u8
      - id: jump
        type: u8
      - id: time_ns
        type: s8
      - id: num_rows
        type: u8
      - id: num_live
        type: u8
      - id: num_inserted
        type: u8
      - id: num_deleted
        type: u8
      - id: identity
        size: 16
      - id: content
        size: 16
      - id: write_id
        size: 16
      - id: branch
        size: 64
        type: strz
        encoding: UTF-8
      - id: len_note
        type: u8
      - id: len_payload
        type: u8
      - id: link
        type: u8
      - id: note_hash
        type: u8
      - id: payload_hash
        type: u8
      - id: hash
        type: u8
  ref:
    seq:
      - id: magic
        contents: PCCTBRF1
      - id: kind
        type: u4
        enum: kind
      - id: zero
        type: u4
        valid: 0
      - id: identity
        size: 16
      - id: name
        size: 64
        type: strz
        encoding: UTF-8
      - id: reserved
        size: 24
      - id: hash
        type: u8
enums:
  kind:
    1: branch
    2: tag
