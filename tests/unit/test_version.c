/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <string.h>

static struct support_env support;
static struct support_store s;
static struct store *store;
static struct store_txn txn;

static int set_up(void **state)
{
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 3, 10);
    support_ok(store_txn_begin(&txn, store->catalogue, &store->folder, 1, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_txn_abort(&txn);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static void test_whole(void **state)
{
    struct store_state whole, again;
    struct pcct_error err;

    (void)state;
    support_ok(store_state_get(&whole, &txn, &err), &err);
    assert_int_equal(whole.next_version, 4);
    assert_int_equal(whole.next_reflog, 4);
    assert_int_equal(whole.tail.segment, 1);
    assert_int_equal(whole.tail.offset, STORE_SEGMENT_HEAD_BYTES + whole.frame_bytes);
    whole.tail = (struct store_tail){9, 1234567, UINT64_MAX};
    support_ok(store_state_put(&txn, &whole, &err), &err);
    support_ok(store_state_get(&again, &txn, &err), &err);
    assert_memory_equal(&whole, &again, sizeof(whole));
    /* files of two stores mixed up */
    store->folder.uuid[3] ^= 1;
    assert_int_equal(store_state_get(&again, &txn, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "another store"));
    store->folder.uuid[3] ^= 1;
}

static void test_refs(void **state)
{
    struct pcct_error err;
    struct store_ref ref = {.name = "other", .kind = STORE_TAG, .version = 2, .time_ns = 5}, got;
    int found = 0;

    (void)state;
    support_ok(store_ref_get(&found, &got, &txn, "main", &err), &err);
    assert_true(found && got.version == 3 && got.kind == STORE_BRANCH);
    support_ok(store_ref_put(&txn, &ref, &err), &err);
    support_ok(store_ref_get(&found, &got, &txn, "other", &err), &err);
    assert_true(found && got.kind == ref.kind && got.version == ref.version && got.time_ns == ref.time_ns);
    assert_string_equal(got.name, ref.name);
    support_ok(store_ref_get(&found, &got, &txn, "", &err), &err);
    assert_false(found);
    support_ok(store_ref_get(&found, &got, &txn, "a name of more than sixty-three bytes is no branch, however it goes on", &err), &err);
    assert_false(found);
    assert_false(store_ref_decode(&got, (const uint8_t *)"x", 1, (const uint8_t *)"0123456789", 10));
    assert_false(store_ref_decode(&got, (const uint8_t *)"x", 1, NULL, 0));
}

static void test_records(void **state)
{
    struct store_record record;
    struct pcct_error err;
    const uint8_t *note = NULL;
    uint8_t key[8], rubbish[300] = {7};

    (void)state;
    support_ok(store_record_get(&record, &note, &txn, 2, &err), &err);
    assert_int_equal(record.version.version, 2);
    assert_memory_equal(note, "note of 2", record.note_bytes);
    assert_int_equal(store_record_get(&record, NULL, &txn, 4, &err), PCCT_E_NOT_FOUND);
    assert_string_equal(err.message, "there is no version v4; the newest is v3");
    assert_int_equal(store_record_get(&record, NULL, &txn, 0, &err), PCCT_E_NOT_FOUND);
    store_put_key(key, 3);
    support_ok(store_txn_put(&txn, STORE_VERSIONS, key, 8, rubbish, sizeof(rubbish), &err), &err);
    assert_int_equal(store_record_get(&record, NULL, &txn, 3, &err), PCCT_E_DAMAGED);
    support_ok(store_record_get(&record, NULL, &txn, 1, &err), &err);
    record.version.version = 3;
    support_ok(store_record_put(&txn, &record, "note of 1", &err), &err);
    support_ok(store_record_get(&record, NULL, &txn, 3, &err), &err);
}

static void test_anchors(void **state)
{
    struct pcct_error err;
    uint64_t list[2] = {5, 9};
    struct base_vector known = {{list, sizeof(list), 0}, 2, sizeof(uint64_t)};
    int listed = 1;

    (void)state;
    support_ok(store_anchor_listed(&listed, &txn, 2, &err), &err);
    assert_false(listed);
    support_ok(store_anchor_list(&txn, 2, 100, 50, &err), &err);
    support_ok(store_anchor_listed(&listed, &txn, 2, &err), &err);
    assert_true(listed);
    assert_true(store_version_known(&known, 9));
    assert_false(store_version_known(&known, 6));
}

/* In pieces, before a version, by number. */
static void test_history(void **state)
{
    struct base_vector told = {.item_bytes = sizeof(struct store_told)}, note = {.item_bytes = 1};
    const struct store_told *item;
    struct pcct_error err;
    uint64_t next = 3;

    (void)state;
    support_ok(store_history(&told, &note, &next, store, 0, 0, 2, &err), &err);
    item = told.memory.data;
    assert_true(told.count == 2 && item[0].version.version == 3 && item[1].version.version == 2 && next == 1);
    assert_int_equal(item[1].note_at, item[0].note_bytes);
    assert_int_equal(note.count, item[1].note_at + item[1].note_bytes);
    support_ok(store_history(&told, &note, &next, store, 0, 0, 2, &err), &err);
    assert_true(told.count == 1 && next == 0);
    next = 3;
    support_ok(store_history(&told, &note, &next, store, 1, 0, 9, &err), &err);
    assert_true(told.count == 2 && next == 0);
    next = UINT64_MAX;
    support_ok(store_history(&told, &note, &next, store, 0, 1, 9, &err), &err);
    item = told.memory.data;
    assert_true(told.count == 3 && item[0].version.version == 3 && next == 0);
    next = 77;
    assert_int_equal(store_history(&told, &note, &next, store, 0, 0, 9, &err), PCCT_E_NOT_FOUND);
    assert_int_equal(next, 77);
    base_vector_free(&told, &support.env);
    base_vector_free(&note, &support.env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down), cmocka_unit_test_setup_teardown(test_refs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records, set_up, tear_down), cmocka_unit_test_setup_teardown(test_anchors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_history, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
