/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct support_env support;
static struct support_store s;
static struct store_folder folder;
static struct store_tail tail;

static int set_up(void **state)
{
    struct store_super super;
    struct store *store = NULL;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    super = *store_super(store);
    store_close(store);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
    memcpy(folder.uuid, super.uuid, 16);
    tail = (struct store_tail){1, STORE_SEGMENT_HEAD_BYTES, store_segment_first_link(folder.uuid)};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_folder_close(&folder);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static int append(struct store_record *record, uint64_t version, size_t note_bytes, size_t bytes, struct pcct_error *err)
{
    uint8_t *data = malloc(note_bytes + bytes + 1);
    struct store_tail end = tail;
    struct store_segment made;
    int status, sync_failed = 0;

    memset(record, 0, sizeof(*record));
    support_record(&record->version, version - 1, version);
    record->version.version = version;
    record->version.generation = version;
    record->note_bytes = note_bytes;
    record->payload_bytes = bytes;
    strcpy(record->ref, "main");
    support_payload(data, note_bytes + bytes, version);
    status = store_journal_append(record, &end, &made, &sync_failed, &folder, &tail, &tail, data, data + note_bytes, err);
    if (status == 0) tail = end;
    free(data);
    return status;
}

static void check(const struct store_record *record, size_t note_bytes, size_t bytes)
{
    struct base_vector note = {.item_bytes = 1}, payload = {.item_bytes = 1};
    struct store_record read;
    struct pcct_error err;
    uint8_t *data = malloc(note_bytes + bytes + 1);

    support_payload(data, note_bytes + bytes, record->version.version);
    support_ok(store_journal_read(&read, &note, &payload, &folder, record->version.segment, record->version.offset, &err), &err);
    assert_memory_equal(&read, record, sizeof(read));
    assert_int_equal(note.count, note_bytes);
    assert_int_equal(payload.count, bytes);
    assert_memory_equal(note.memory.data, data, note_bytes);
    assert_memory_equal(payload.memory.data, data + note_bytes, bytes);
    base_vector_free(&note, &support.env);
    base_vector_free(&payload, &support.env);
    free(data);
}

/* Each frame lies behind the one before, at a multiple of 64, and links to it; a full segment gives way to one twice as large. */
static void test_append(void **state)
{
    struct store_record record[40];
    struct pcct_error err;

    (void)state;
    for (uint64_t v = 1; v < 40; v++) {
        support_ok(append(&record[v], v, v * 7, v * 4001, &err), &err);
        assert_int_equal(record[v].version.offset % 64, 0);
        if (v == 1) continue;
        assert_int_equal(record[v].link, record[v - 1].hash);
        if (record[v].version.segment == record[v - 1].version.segment) {
            assert_int_equal(record[v].version.offset, record[v - 1].version.offset + record[v - 1].version.bytes);
        } else {
            assert_int_equal(record[v].version.offset, STORE_SEGMENT_HEAD_BYTES);
            assert_int_equal(record[v].version.segment, record[v - 1].version.segment + 1);
        }
    }
    assert_int_equal(record[39].version.segment, 3); /* 3.1 MB: 1 MiB, 2 MiB, 4 MiB */
    for (uint64_t v = 1; v < 40; v++) check(&record[v], v * 7, v * 4001);
}

/* A segment that is full to its last byte is flushed before the next is made, though its frames were not. */
static void test_full_segment(void **state)
{
    struct store_record record;
    struct store_segment made;
    struct store_tail end;
    struct pcct_error err;
    int sync_failed = 0;

    (void)state;
    support_ok(append(&record, 1, 0, (1 << 20) - STORE_SEGMENT_HEAD_BYTES - store_frame_payload_offset(0), &err), &err);
    assert_int_equal(tail.offset, 1 << 20);
    support_record(&record.version, 1, 2);
    record.version.version = record.version.generation = 2;
    record.payload_bytes = 1;
    support.os.fail_mask = UINT64_C(1) << BASE_OS_FDATASYNC;
    support.os.counted = 0;
    support.os.fail_errno = EIO;
    support.os.fail_at = 1;
    assert_int_equal(store_journal_append(&record, &end, &made, &sync_failed, &folder, &tail, &tail, "", "x", &err), PCCT_E_IO);
    support.os.fail_mask = 0;
    assert_true(sync_failed);
    assert_int_equal(made.number, 0);
}

/* Without room for the doubled segment the next is as small as the first ones; then just large enough; then there is no room. */
static void test_small_segment(void **state)
{
    struct store_record record;
    struct store_segment segment;
    struct pcct_error err;
    uint64_t n = 0, before;
    int fd = -1;

    (void)state;
    support_ok(append(&record, 1, 0, 1000000, &err), &err);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_FALLOCATE;
    support.os.counted = 0;
    support.os.fail_errno = ENOSPC;
    support.os.fail_at = 1;
    support.os.fail_forever = 1;
    before = support.os.calls[BASE_OS_FALLOCATE];
    assert_int_equal(append(&record, 2, 0, 70000, &err), PCCT_E_NOSPACE);
    assert_non_null(strstr(err.message, "131072 bytes")); /* 256 and 70272, rounded up */
    assert_int_equal(support.os.calls[BASE_OS_FALLOCATE] - before, 3);
    support.os.counted = 0;
    support.os.fail_forever = 0;
    support_ok(append(&record, 2, 0, 70000, &err), &err);
    support.os.fail_mask = 0;
    support_ok(store_segment_open(&fd, &n, &folder, 2, O_RDONLY, &err), &err);
    support_ok(store_segment_read(&segment, fd, n, &folder, 2, &err), &err);
    close(fd);
    assert_int_equal(segment.bytes, 1 << 20);
    check(&record, 0, 70000);
}

/* A frame that was given up is gone; one flush for a frame; a failing flush is told apart. */
static void test_wipe(void **state)
{
    struct store_record record, gone;
    struct pcct_error err;
    struct store_tail before;
    uint64_t flushes;
    int sync_failed = 0;

    (void)state;
    support_ok(append(&record, 1, 5, 1000, &err), &err);
    before = tail;
    flushes = support.os.calls[BASE_OS_FDATASYNC];
    support_ok(append(&gone, 2, 5, 1000, &err), &err);
    assert_int_equal(support.os.calls[BASE_OS_FDATASYNC], flushes);
    support_ok(store_journal_flush(&sync_failed, &folder, 1, &err), &err);
    assert_int_equal(support.os.calls[BASE_OS_FDATASYNC], flushes + 1);
    assert_int_equal(store_journal_flush(&sync_failed, &folder, 2, &err), PCCT_E_DAMAGED); /* there is no such segment */
    assert_false(sync_failed);
    store_journal_wipe(&folder, gone.version.segment, gone.version.offset, 1);
    assert_int_equal(store_journal_read(&gone, NULL, NULL, &folder, 1, before.offset, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "journal/J00000001"));
    tail = before;
    support.os.fail_mask = UINT64_C(1) << BASE_OS_FDATASYNC;
    support.os.counted = 0;
    support.os.fail_at = 1;
    support.os.fail_errno = EIO;
    assert_int_equal(store_journal_flush(&sync_failed, &folder, 1, &err), PCCT_E_IO);
    assert_true(sync_failed);
    support.os.fail_mask = 0;
    support_ok(append(&gone, 2, 5, 2000, &err), &err);
    check(&record, 5, 1000);
    check(&gone, 5, 2000);
}

/* Addresses that lead nowhere are errors. */
static void test_nowhere(void **state)
{
    static const uint64_t place[][2] = {{1, 0}, {1, 256}, {1, 320}, {1, 1 << 20}, {1, UINT64_MAX}, {1, (1 << 20) - 64}, {2, 256}, {UINT64_MAX, 256}};
    struct store_record record;
    struct pcct_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
        assert_int_equal(store_journal_read(&record, NULL, NULL, &folder, place[i][0], place[i][1], &err), PCCT_E_DAMAGED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append, set_up, tear_down), cmocka_unit_test_setup_teardown(test_full_segment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_segment, set_up, tear_down), cmocka_unit_test_setup_teardown(test_wipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nowhere, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
