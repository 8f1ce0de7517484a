/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <string.h>

static void fill(struct store_record *record)
{
    memset(record, 0, sizeof(*record));
    support_record(&record->version, 76, 77);
    record->version.version = 77;
    record->version.state_parent = 50;
    record->version.generation = 60;
    record->version.jump = 31;
    record->version.time_ns = -123456789;
    record->note_bytes = 65;
    record->payload_bytes = 1000;
    record->link = 11;
    record->note_hash = 12;
    record->payload_hash = 13;
    strcpy(record->ref, "main");
}

static void test_head(void **state)
{
    struct store_record written, read;
    uint8_t head[STORE_HEAD_BYTES];

    (void)state;
    fill(&written);
    written.version.bytes = store_frame_bytes(65, 1000);
    assert_int_equal(written.version.bytes, 256 + 128 + 1024);
    assert_int_equal(store_frame_payload_offset(65), 256 + 128);
    assert_int_equal(store_frame_bytes(UINT64_MAX, 1), 0);
    store_head_encode(head, &written);
    assert_null(store_head_decode(&read, head));
    assert_memory_equal(&read, &written, sizeof(read));
    for (size_t bit = 0; bit < sizeof(head) * 8; bit++) { /* every bit counts */
        head[bit / 8] = (uint8_t)(head[bit / 8] ^ 1u << bit % 8);
        assert_non_null(store_head_decode(&read, head));
        head[bit / 8] = (uint8_t)(head[bit / 8] ^ 1u << bit % 8);
    }
}

/* Right checksums do not make numbers right that cannot be. */
static void test_impossible(void **state)
{
    struct store_record record, read;
    uint8_t head[STORE_HEAD_BYTES];

    (void)state;
    for (int what = 0; what < 7; what++) {
        fill(&record);
        if (what == 0) record.version.parent = 77;
        if (what == 1) record.version.state_parent = 78;
        if (what == 2) record.version.jump = 100;
        if (what == 3) record.version.generation = 0;
        if (what == 4) record.version.generation = 78;
        if (what == 5) record.payload_bytes = UINT64_MAX - 3;
        if (what == 6) memset(record.ref, 'b', sizeof(record.ref));
        store_head_encode(head, &record);
        assert_non_null(store_head_decode(&read, head));
    }
}

static void test_record(void **state)
{
    struct store_record written, read;
    uint8_t bytes[STORE_RECORD_BYTES];

    (void)state;
    fill(&written);
    written.version.redo_frames = 3;
    written.version.redo_bytes = 4;
    written.version.segment = 5;
    written.version.offset = 640;
    written.version.bytes = 7;
    written.hash = 99;
    store_record_encode(bytes, &written);
    assert_null(store_record_decode(&read, bytes, STORE_RECORD_BYTES + 65));
    assert_memory_equal(&read.version, &written.version, sizeof(read.version));
    assert_int_equal(read.hash, 99);
    assert_int_equal(read.note_bytes, 65);
    assert_non_null(store_record_decode(&read, bytes, STORE_RECORD_BYTES + 64));
    assert_non_null(store_record_decode(&read, bytes, STORE_RECORD_BYTES - 1));
    bytes[255] = 1;
    assert_non_null(store_record_decode(&read, bytes, STORE_RECORD_BYTES + 65));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_head), cmocka_unit_test(test_impossible), cmocka_unit_test(test_record)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
