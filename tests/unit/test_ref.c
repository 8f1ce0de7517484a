/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <string.h>

/* Both lists are as what was done, and entries that are none are told. */
static void test_lists(void **state)
{
    struct base_vector refs = {.item_bytes = sizeof(struct store_ref)}, entries = {.item_bytes = sizeof(struct store_reflog_entry)};
    struct store_ref_change change = {STORE_BRANCH_MADE, "dev", UINT64_MAX, 1};
    const struct store_reflog_entry *entry;
    const struct store_ref *ref;
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct pcct_error err;
    uint64_t last = 9, version = 0;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_reflog_last(&last, store, &err), &err);
    assert_int_equal(last, 0);
    support_commit(store, 2, 100);
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_ref_change(NULL, store, &change, &err), &err);
    change = (struct store_ref_change){STORE_TAG_MADE, "first", UINT64_MAX, 1};
    support_ok(store_ref_change(NULL, store, &change, &err), &err);
    store_unlock(store);
    support_commit_to(store, "dev", 1, 100);
    support_ok(store_refs(&refs, store, &err), &err);
    ref = refs.memory.data;
    assert_int_equal(refs.count, 3);
    assert_string_equal(ref[0].name, "dev");
    assert_true(ref[0].kind == STORE_BRANCH && ref[0].version == 3 && ref[0].time_ns > 0);
    assert_string_equal(ref[1].name, "first");
    assert_true(ref[1].kind == STORE_TAG && ref[1].version == 1);
    assert_string_equal(ref[2].name, "main");
    support_ok(store_reflog_last(&last, store, &err), &err);
    assert_int_equal(last, 5);
    support_ok(store_reflog(&entries, store, 2, 3, &err), &err);
    assert_int_equal(entries.count, 3);
    entry = entries.memory.data;
    assert_true(entry[0].number == 2 && entry[0].operation == STORE_COMMITTED && entry[0].before == 1 && entry[0].after == 2);
    assert_true(entry[1].operation == STORE_BRANCH_MADE && entry[1].before == 0 && entry[1].after == 1);
    assert_true(entry[2].operation == STORE_TAG_MADE && entry[2].time_ns >= entry[1].time_ns);
    assert_string_equal(entry[2].name, "first");
    support_ok(store_reflog(&entries, store, 5, 100, &err), &err);
    entry = entries.memory.data;
    assert_true(entries.count == 1 && entry[0].before == 1 && entry[0].after == 3 && strcmp(entry[0].name, "dev") == 0);
    assert_int_equal(store_head(&version, store, "first", &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "tag"));
    assert_int_equal(store_head(&version, store, "none", &err), PCCT_E_NOT_FOUND);
    base_vector_free(&refs, &support.env);
    base_vector_free(&entries, &support.env);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

static void test_damaged(void **state)
{
    struct base_vector refs = {.item_bytes = sizeof(struct store_ref)}, entries = {.item_bytes = sizeof(struct store_reflog_entry)};
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_txn txn = {0};
    struct pcct_error err;
    uint8_t value[96] = {0}, key[8];
    int unsure;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_txn_begin(&txn, store->catalogue, &store->folder, 1, &err), &err);
    value[8] = 3; /* no kind */
    support_ok(store_txn_put(&txn, STORE_REFS, "odd", 3, value, 24, &err), &err);
    value[24] = STORE_OPERATIONS;
    store_put_key(key, 1);
    support_ok(store_txn_put(&txn, STORE_REFLOG, key, 8, value, 96, &err), &err);
    support_ok(store_txn_commit(&txn, &unsure, &err), &err);
    assert_int_equal(store_refs(&refs, store, &err), PCCT_E_DAMAGED);
    assert_int_equal(store_reflog(&entries, store, 1, 10, &err), PCCT_E_DAMAGED);
    base_vector_free(&refs, &support.env);
    base_vector_free(&entries, &support.env);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists), cmocka_unit_test(test_damaged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
