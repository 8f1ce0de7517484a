/* SPDX-License-Identifier: Apache-2.0 */
#include "store/record.h"

#include "store/bytes.h"

#include <assert.h>

/* Offsets in the head of a frame. */
enum {
    HEAD_MAGIC = 0,
    HEAD_BYTES = 8,
    HEAD_OPERATION = 12,
    HEAD_VERSION = 16,
    HEAD_PARENT = 24,
    HEAD_STATE_PARENT = 32,
    HEAD_GENERATION = 40,
    HEAD_JUMP = 48,
    HEAD_TIME = 56,
    HEAD_ROWS = 64,
    HEAD_LIVE = 72,
    HEAD_INSERTED = 80,
    HEAD_DELETED = 88,
    HEAD_IDENTITY = 96,
    HEAD_CONTENT = 112,
    HEAD_WRITE_ID = 128,
    HEAD_REF = 144,
    HEAD_NOTE_BYTES = 208,
    HEAD_PAYLOAD_BYTES = 216,
    HEAD_LINK = 224,
    HEAD_NOTE_HASH = 232,
    HEAD_PAYLOAD_HASH = 240,
    HEAD_HASH = 248
};
_Static_assert(HEAD_HASH + 8 == STORE_HEAD_BYTES && HEAD_REF + STORE_NAME_BYTES == HEAD_NOTE_BYTES, "the head of a frame is laid out without gaps");

/* Offsets in the record of a version. */
enum {
    RECORD_VERSION = 0,
    RECORD_PARENT = 8,
    RECORD_STATE_PARENT = 16,
    RECORD_GENERATION = 24,
    RECORD_JUMP = 32,
    RECORD_REDO_FRAMES = 40,
    RECORD_REDO_BYTES = 48,
    RECORD_SEGMENT = 56,
    RECORD_OFFSET = 64,
    RECORD_FRAME_BYTES = 72,
    RECORD_ROWS = 80,
    RECORD_LIVE = 88,
    RECORD_INSERTED = 96,
    RECORD_DELETED = 104,
    RECORD_TIME = 112,
    RECORD_IDENTITY = 120,
    RECORD_CONTENT = 136,
    RECORD_WRITE_ID = 152,
    RECORD_NOTE_BYTES = 168,
    RECORD_FRAME_HASH = 176,
    RECORD_FLAGS = 184,
    RECORD_PASSED = 192,
    RECORD_ZERO = 200
};

static const char magic[8] = {'P', 'C', 'C', 'T', 'F', 'R', 'M', '1'};

/* Far above what a frame can be, far below where sums overflow. */
static const uint64_t bytes_limit = UINT64_C(1) << 48;

void store_head_encode(uint8_t head[STORE_HEAD_BYTES], struct store_record *record)
{
    const struct store_version *v = &record->version;

    store_put_bytes(head, HEAD_MAGIC, magic, sizeof(magic));
    store_put32(head, HEAD_BYTES, STORE_HEAD_BYTES);
    assert(record->operation < STORE_OPERATIONS && record->since % STORE_FRAME_ALIGNMENT == 0 && record->since <= STORE_SINCE_MOST);
    store_put32(head, HEAD_OPERATION, record->operation | (uint32_t)(record->since / STORE_FRAME_ALIGNMENT) << 8);
    store_put64(head, HEAD_VERSION, v->version);
    store_put64(head, HEAD_PARENT, v->parent);
    store_put64(head, HEAD_STATE_PARENT, v->state_parent);
    store_put64(head, HEAD_GENERATION, v->generation);
    store_put64(head, HEAD_JUMP, v->jump);
    store_put64(head, HEAD_TIME, (uint64_t)v->time_ns);
    store_put64(head, HEAD_ROWS, v->n_rows);
    store_put64(head, HEAD_LIVE, v->n_live);
    store_put64(head, HEAD_INSERTED, v->inserted);
    store_put64(head, HEAD_DELETED, v->deleted);
    store_put_bytes(head, HEAD_IDENTITY, v->identity.byte, 16);
    store_put_bytes(head, HEAD_CONTENT, v->content.byte, 16);
    store_put_bytes(head, HEAD_WRITE_ID, v->write_id, 16);
    store_put_bytes(head, HEAD_REF, record->ref, STORE_NAME_BYTES);
    store_put64(head, HEAD_NOTE_BYTES, record->note_bytes);
    store_put64(head, HEAD_PAYLOAD_BYTES, record->payload_bytes);
    store_put64(head, HEAD_LINK, record->link);
    store_put64(head, HEAD_NOTE_HASH, record->note_hash);
    store_put64(head, HEAD_PAYLOAD_HASH, record->payload_hash);
    record->hash = base_hash64(head, HEAD_HASH);
    store_put64(head, HEAD_HASH, record->hash);
}

/* What must hold between the numbers of a frame that makes no version. */
static const char *check_event(const struct store_record *record)
{
    const struct store_version *v = &record->version;

    if (record->operation >= STORE_OPERATIONS) return "its head is of an unknown kind";
    if (v->parent > v->version || v->state_parent > v->version) return "it is about versions that there were not";
    return NULL;
}

/* What must hold between the numbers of any version. */
static const char *check_version(const struct store_version *v)
{
    if (v->version == 0 || v->parent >= v->version || v->state_parent >= v->version || v->jump >= v->version) return "its ancestors are not older";
    if (v->kept > v->parent || (v->flags & ~(uint64_t)(STORE_PRUNED | STORE_DROPPED))) return "its marks cannot be";
    if (v->generation == 0 || v->generation > v->version) return "its generation cannot be";
    return NULL;
}

const char *store_head_decode(struct store_record *record, const uint8_t head[STORE_HEAD_BYTES])
{
    struct store_version *v = &record->version;

    memset(record, 0, sizeof(*record));
    if (memcmp(head + HEAD_MAGIC, magic, sizeof(magic)) != 0) return "no frame begins there";
    record->hash = store_get64(head, HEAD_HASH);
    if (record->hash != base_hash64(head, HEAD_HASH)) return "the checksum of its head is wrong";
    if (store_get32(head, HEAD_BYTES) != STORE_HEAD_BYTES) return "its head is of an unknown kind";
    record->operation = store_get32(head, HEAD_OPERATION) & 0xff;
    record->since = (uint64_t)(store_get32(head, HEAD_OPERATION) >> 8) * STORE_FRAME_ALIGNMENT;
    v->version = store_get64(head, HEAD_VERSION);
    v->parent = v->kept = store_get64(head, HEAD_PARENT);
    v->state_parent = store_get64(head, HEAD_STATE_PARENT);
    v->generation = store_get64(head, HEAD_GENERATION);
    v->jump = store_get64(head, HEAD_JUMP);
    v->time_ns = (int64_t)store_get64(head, HEAD_TIME);
    v->n_rows = store_get64(head, HEAD_ROWS);
    v->n_live = store_get64(head, HEAD_LIVE);
    v->inserted = store_get64(head, HEAD_INSERTED);
    v->deleted = store_get64(head, HEAD_DELETED);
    store_get_bytes(v->identity.byte, head, HEAD_IDENTITY, 16);
    store_get_bytes(v->content.byte, head, HEAD_CONTENT, 16);
    store_get_bytes(v->write_id, head, HEAD_WRITE_ID, 16);
    store_get_bytes(record->ref, head, HEAD_REF, STORE_NAME_BYTES);
    record->note_bytes = store_get64(head, HEAD_NOTE_BYTES);
    record->payload_bytes = store_get64(head, HEAD_PAYLOAD_BYTES);
    record->link = store_get64(head, HEAD_LINK);
    record->note_hash = store_get64(head, HEAD_NOTE_HASH);
    record->payload_hash = store_get64(head, HEAD_PAYLOAD_HASH);
    v->bytes = store_frame_bytes(record->note_bytes, record->payload_bytes);
    if (v->bytes == 0) return "it tells an impossible length";
    if (record->ref[STORE_NAME_BYTES - 1] != '\0') return "it names no branch";
    if (record->ref[0] == '\0' && record->operation != STORE_COMMITTED) return "it names no branch";
    return record->operation == STORE_COMMITTED ? check_version(v) : check_event(record);
}

uint64_t store_frame_payload_offset(uint64_t note_bytes)
{
    return STORE_HEAD_BYTES + store_round_up(note_bytes, STORE_FRAME_ALIGNMENT);
}

uint64_t store_frame_bytes(uint64_t note_bytes, uint64_t payload_bytes)
{
    if (note_bytes > bytes_limit || payload_bytes > bytes_limit) return 0;
    return store_frame_payload_offset(note_bytes) + store_round_up(payload_bytes, STORE_FRAME_ALIGNMENT);
}

void store_record_encode(uint8_t bytes[STORE_RECORD_BYTES], const struct store_record *record)
{
    const struct store_version *v = &record->version;

    memset(bytes, 0, STORE_RECORD_BYTES);
    store_put64(bytes, RECORD_VERSION, v->version);
    store_put64(bytes, RECORD_PARENT, v->parent);
    store_put64(bytes, RECORD_STATE_PARENT, v->state_parent);
    store_put64(bytes, RECORD_GENERATION, v->generation);
    store_put64(bytes, RECORD_JUMP, v->jump);
    store_put64(bytes, RECORD_REDO_FRAMES, v->redo_frames);
    store_put64(bytes, RECORD_REDO_BYTES, v->redo_bytes);
    store_put64(bytes, RECORD_SEGMENT, v->segment);
    store_put64(bytes, RECORD_OFFSET, v->offset);
    store_put64(bytes, RECORD_FRAME_BYTES, v->bytes);
    store_put64(bytes, RECORD_ROWS, v->n_rows);
    store_put64(bytes, RECORD_LIVE, v->n_live);
    store_put64(bytes, RECORD_INSERTED, v->inserted);
    store_put64(bytes, RECORD_DELETED, v->deleted);
    store_put64(bytes, RECORD_TIME, (uint64_t)v->time_ns);
    store_put_bytes(bytes, RECORD_IDENTITY, v->identity.byte, 16);
    store_put_bytes(bytes, RECORD_CONTENT, v->content.byte, 16);
    store_put_bytes(bytes, RECORD_WRITE_ID, v->write_id, 16);
    store_put64(bytes, RECORD_NOTE_BYTES, record->note_bytes);
    store_put64(bytes, RECORD_FRAME_HASH, record->hash);
    store_put64(bytes, RECORD_FLAGS, v->flags);
    store_put64(bytes, RECORD_PASSED, v->parent - v->kept);
}

const char *store_record_decode(struct store_record *record, const uint8_t *bytes, size_t n_bytes)
{
    struct store_version *v = &record->version;

    memset(record, 0, sizeof(*record));
    if (n_bytes < STORE_RECORD_BYTES) return "it is too short";
    v->version = store_get64(bytes, RECORD_VERSION);
    v->parent = store_get64(bytes, RECORD_PARENT);
    v->state_parent = store_get64(bytes, RECORD_STATE_PARENT);
    v->generation = store_get64(bytes, RECORD_GENERATION);
    v->jump = store_get64(bytes, RECORD_JUMP);
    v->redo_frames = store_get64(bytes, RECORD_REDO_FRAMES);
    v->redo_bytes = store_get64(bytes, RECORD_REDO_BYTES);
    v->segment = store_get64(bytes, RECORD_SEGMENT);
    v->offset = store_get64(bytes, RECORD_OFFSET);
    v->bytes = store_get64(bytes, RECORD_FRAME_BYTES);
    v->n_rows = store_get64(bytes, RECORD_ROWS);
    v->n_live = store_get64(bytes, RECORD_LIVE);
    v->inserted = store_get64(bytes, RECORD_INSERTED);
    v->deleted = store_get64(bytes, RECORD_DELETED);
    v->time_ns = (int64_t)store_get64(bytes, RECORD_TIME);
    store_get_bytes(v->identity.byte, bytes, RECORD_IDENTITY, 16);
    store_get_bytes(v->content.byte, bytes, RECORD_CONTENT, 16);
    store_get_bytes(v->write_id, bytes, RECORD_WRITE_ID, 16);
    record->note_bytes = store_get64(bytes, RECORD_NOTE_BYTES);
    record->hash = store_get64(bytes, RECORD_FRAME_HASH);
    v->flags = store_get64(bytes, RECORD_FLAGS);
    v->kept = v->parent - store_get64(bytes, RECORD_PASSED); /* more than the parent when it cannot be */
    if (record->note_bytes != n_bytes - STORE_RECORD_BYTES || !store_zero(bytes, RECORD_ZERO, STORE_RECORD_BYTES)) return "its lengths do not fit";
    return check_version(v);
}
