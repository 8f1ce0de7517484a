# SPDX-License-Identifier: Apache-2.0
meta:
  id: pcct_journal
  title: A segment of the journal of a pcct store (journal/J%08x), format 1
  endian: le
  license: Apache-2.0
doc: |
  A head and frames. pcct-store.md, section 3, is the specification. A segment also ends where a frame's link is not the hash of the one before it:
  checksums (XXH3-64) are not part of this description, so `frames` may go on with bytes that were left by an earlier commit.
seq:
  - id: head
    type: segment_head
    size: 256
  - id: frames
    type: slot
    repeat: until
    repeat-until: not _.is_frame or _io.size - _io.pos < 256
types:
  segment_head:
    seq:
      - id: magic
        contents: PCCTSEG1
      - id: len_head
        type: u4
        valid: 256
      - id: flags
        type: u4
      - id: uuid
        size: 16
      - id: number
        type: u8
      - id: len_segment
        type: u8
      - id: link
        type: u8
      - id: reserved
        size: 192
      - id: hash
        type: u8
    instances:
      has_base:
        value: (flags & 1) == 1
  slot:
    doc: A frame, or the 8 bytes where none begins, which ends the segment (or is a hole where frames were that nothing needs any more).
    seq:
      - id: magic
        size: 8
      - id: frame
        type: frame
        if: is_frame
    instances:
      is_frame:
        value: magic == [0x50, 0x43, 0x43, 0x54, 0x46, 0x52, 0x4d, 0x31]
  frame:
    seq:
      - id: head
        type: frame_head
        size: 248
      - id: note
        size: head.len_note
      - id: note_padding
        size: (64 - head.len_note % 64) % 64
      - id: payload
        size: head.len_payload
        type:
          switch-on: head.operation
          cases:
            'operation::committed': payload
            'operation::pruned': base
            'operation::policy_set': policy
      - id: payload_padding
        size: (64 - head.len_payload % 64) % 64
  policy:
    doc: Empty when the policy was taken away.
    seq:
      - id: rules
        type: policy_rules
        if: not _io.eof
  policy_rules:
    seq:
      - id: form
        type: u4
        valid: 1
      - id: zero
        type: u4
      - id: keep_last
        type: u8
      - id: keep_every
        type: u8
      - id: age
        type: s8
      - id: due
        type: u8
      - id: rest
        size: 24
  frame_head:
    doc: |
      The head of a frame behind its magic. Of other operations than `committed` see the specification.
    seq:
      - id: len_head
        type: u4
        valid: 256
      - id: operation
        type: u1
        enum: operation
      - id: since
        type: b24le
        doc: bytes of frames right before it that were to be flushed together with it, divided by 64
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
  base:
    doc: The catalogue after a pruning.
    seq:
      - id: form
        type: u4
        valid: 1
      - id: zero
        type: u4
        valid: 0
      - id: next_version
        type: u8
      - id: next_reflog_entry
        type: u8
      - id: len_frames
        type: u8
      - id: num_prunings
        type: u8
      - id: num_versions_gone
        type: u8
      - id: reserved
        size: 16
      - id: entries
        type: entry
        repeat: eos
  entry:
    seq:
      - id: table
        type: u4
        enum: table
      - id: len_key
        type: u4
      - id: len_value
        type: u8
      - id: key
        size: len_key
      - id: value
        size: len_value
      - id: padding
        size: (8 - (len_key + len_value) % 8) % 8
  payload:
    seq:
      - id: sections
        type: section
        repeat: eos
  section:
    seq:
      - id: kind
        type: u2
        enum: section_kind
      - id: array
        type: u2
        enum: array
      - id: flags
        type: u4
      - id: count
        type: u8
      - id: len_body
        type: u8
      - id: body
        size: len_body
        type:
          switch-on: kind_and_array
          cases:
            0x10: state
            0x20: digests(count)
            0x22: label_hashes
            0x42: labels(count)
            0x63: scatter(count, array)
            0x64: scatter(count, array)
            0x65: scatter(count, array)
            0x66: scatter(count, array)
      - id: padding
        size: (8 - len_body % 8) % 8
    instances:
      kind_and_array:
        value: kind.to_i * 16 + array.to_i
      may_be_skipped:
        value: (flags & 1) == 1
  state:
    seq:
      - id: rows_before
        type: u4
      - id: rows_after
        type: u4
      - id: live_before
        type: u4
      - id: live_after
        type: u4
      - id: root_before
        type: u4
      - id: root_after
        type: u4
      - id: next_label_before
        type: s8
      - id: next_label_after
        type: s8
      - id: renumbered_from
        type: u4
      - id: reserved
        type: u4
        valid: 0
  digests:
    params:
      - id: count
        type: u8
    seq:
      - id: digest
        type: digest
        repeat: expr
        repeat-expr: count
  digest:
    seq:
      - id: array
        type: u8
      - id: before
        type: u8
      - id: after
        type: u8
  label_hashes:
    seq:
      - id: added
        type: u8
      - id: deleted
        type: u8
  labels:
    params:
      - id: count
        type: u8
    seq:
      - id: label
        type: s8
        repeat: expr
        repeat-expr: count
  scatter:
    doc: Rows, new values, old values, each run padded to a multiple of 8 bytes.
    params:
      - id: count
        type: u8
      - id: array
        type: u2
        enum: array
    seq:
      - id: rows
        type: u4
        repeat: expr
        repeat-expr: count
      - id: rows_padding
        size: (8 - count * 4 % 8) % 8
      - id: new_values
        size: count * len_item
      - id: new_padding
        size: (8 - count * len_item % 8) % 8
      - id: old_values
        size: count * len_item
    instances:
      len_item:
        value: 'array == array::parent ? 4 : array == array::level ? 2 : 8'
enums:
  operation:
    0: committed
    1: branch_made
    2: branch_reset
    3: branch_deleted
    4: tag_made
    5: tag_deleted
    6: pruned
    7: policy_set
  table:
    0: meta
    1: versions
    2: refs
    3: reflog
    7: segments
  section_kind:
    1: state
    2: digest
    3: add
    4: del
    5: append
    6: scatter
  array:
    0: none
    1: point
    2: label
    3: parent
    4: level
    5: radius
    6: pdist
    7: child
    8: next
    9: place
