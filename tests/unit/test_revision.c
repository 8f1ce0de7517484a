/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <stdio.h>
#include <string.h>

enum { VERSIONS = 2000 };

static uint64_t resolve(struct store *store, const char *format, ...) __attribute__((format(printf, 2, 3)));
static uint64_t resolve(struct store *store, const char *format, ...)
{
    struct pcct_error err;
    char text[128];
    uint64_t version = UINT64_MAX;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    support_ok(store_revision(&version, store, text, &err), &err);
    return version;
}

static void expect(struct store *store, const char *text, int code, const char *word)
{
    struct pcct_error err = {0, ""};
    uint64_t version = 0;

    assert_int_equal(store_revision(&version, store, text, &err), code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" is not in \"%s\"", word, err.message);
}

/* main~k against a naive list, and how many records it takes. */
static void test_ancestors(struct store *store)
{
    struct store_version record;
    struct pcct_error err;

    for (uint64_t k = 0; k <= VERSIONS; k += 1 + k / 50) assert_int_equal(resolve(store, "main~%d", (int)k), VERSIONS - k);
    for (uint64_t v = 0; v <= VERSIONS; v += 111) {
        for (uint64_t k = 0; k <= v; k += 1 + k / 7) assert_int_equal(resolve(store, "v%d~%d", (int)v, (int)k), v - k);
    }
    /* the jumps are those of a skew-binary number: from any version to the empty one in O(log) jumps */
    for (uint64_t v = 1; v <= VERSIONS; v += 97) {
        uint64_t at = v, steps = 0;

        for (; at != 0; at = record.jump, steps++) support_ok(store_version(&record, NULL, store, at, &err), &err);
        assert_true(steps <= 12);
    }
}

static void test_all(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record, twin;
    struct pcct_error err;
    char hex[40] = "", text[64];

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    expect(store, "main~1", PCCT_E_NOT_FOUND, "0 ancestors");
    support_commit(store, VERSIONS - 2, 100);
    /* two versions whose identities begin alike */
    support_ok(store_lock(store, 1, &err), &err);
    for (uint64_t v = VERSIONS - 1; v <= VERSIONS; v++) {
        support_record(&twin, v - 1, v);
        memcpy(twin.identity.byte, "\xab\xcd\xef\x12", 4);
        twin.identity.byte[4] = (uint8_t)(v == VERSIONS ? 0x31 : 0x32);
        support_ok(store_commit(&twin, store, "main", "", 0, "", 0, &err), &err);
    }
    store_unlock(store);
    test_ancestors(store);
    assert_int_equal(resolve(store, "main"), VERSIONS);
    assert_int_equal(resolve(store, "v0"), 0);
    assert_int_equal(resolve(store, "v17"), 17);
    assert_int_equal(resolve(store, "v3~0"), 3);
    support_ok(store_version(&record, NULL, store, 77, &err), &err);
    for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", record.identity.byte[i]);
    for (int digits = 8; digits <= 32; digits++) assert_int_equal(resolve(store, "%.*s", digits, hex), 77);
    assert_int_equal(resolve(store, "%.12s~7", hex), 70);
    hex[9] = hex[9] == '0' ? '1' : '0';
    snprintf(text, sizeof(text), "%.12s", hex);
    expect(store, text, PCCT_E_NOT_FOUND, text);
    assert_int_equal(resolve(store, "ABCDEF1231"), VERSIONS);
    assert_int_equal(resolve(store, "abcdef1232"), VERSIONS - 1);
    assert_int_equal(resolve(store, "abcdef1231"), VERSIONS);
    expect(store, "abcdef12", PCCT_E_AMBIGUOUS, "v1999 (abcdef12");
    expect(store, "abcdef123", PCCT_E_AMBIGUOUS, "v2000 (abcdef12");
    expect(store, "v2001", PCCT_E_NOT_FOUND, "there is no version v2001; the newest is v2000");
    expect(store, "main~2001", PCCT_E_NOT_FOUND, "2000 ancestors");
    expect(store, "mian", PCCT_E_NOT_FOUND, "tags: main");
    expect(store, "abc", PCCT_E_NOT_FOUND, "4 digits");
    expect(store, "v99999999999999999999999", PCCT_E_NOT_FOUND, "branches and tags");
    expect(store, "", PCCT_E_INVALID, "not a revision");
    expect(store, "~3", PCCT_E_INVALID, "not a revision");
    expect(store, "main~", PCCT_E_INVALID, "not a revision");
    expect(store, "main~x", PCCT_E_INVALID, "not a revision");
    expect(store, "main~1~2", PCCT_E_INVALID, "not a revision");
    expect(store, "main~~", PCCT_E_INVALID, "not a revision");
    expect(store, "main~-1", PCCT_E_INVALID, "not a revision");
    expect(store, "main~99999999999999999999999", PCCT_E_INVALID, "not a revision");
    expect(store, "ma in", PCCT_E_INVALID, "not a revision");
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* Branches off branches, and the newest version that two have in common, against sets of ancestors. */
static void test_common(void **state)
{
    enum { MOST = 400 };
    static const char *const name[] = {"main", "a", "b", "c"};
    struct store_ref_change change = {STORE_BRANCH_MADE, NULL, UINT64_MAX, 0};
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record;
    struct base_random random;
    struct pcct_error err;
    uint64_t parent[MOST + 1] = {0}, last;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    base_random_seed(&random, 5);
    support_commit(store, 40, 10);
    for (int i = 1; i < 4; i++) {
        change.name = name[i];
        change.version = (uint64_t)i * 11;
        support_ok(store_lock(store, 1, &err), &err);
        support_ok(store_ref_change(NULL, store, &change, &err), &err);
        store_unlock(store);
    }
    for (int i = 0; i < 36; i++) support_commit_to(store, name[base_random_next(&random) % 4], 1 + base_random_next(&random) % 9, 10);
    last = resolve(store, "main");
    for (int i = 1; i < 4; i++) last = resolve(store, "%s", name[i]) > last ? resolve(store, "%s", name[i]) : last;
    assert_true(last < MOST);
    for (uint64_t v = 1; v <= last; v++) {
        support_ok(store_version(&record, NULL, store, v, &err), &err);
        parent[v] = record.parent;
    }
    for (int round = 0; round < 3000; round++) {
        uint64_t a = base_random_next(&random) % (last + 1), b = base_random_next(&random) % (last + 1), got = 99, x = a, y = b;

        while (x != y) {
            if (x > y) x = parent[x];
            else y = parent[y];
        }
        support_ok(store_common_ancestor(&got, store, a, b, &err), &err);
        assert_int_equal(got, x);
    }
    assert_int_equal(store_common_ancestor(&last, store, 1, MOST, &err), PCCT_E_NOT_FOUND);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* User keys, and what a branch stood at. */
static void test_keys_and_times(void **state)
{
    static const char note[4][40] = {"one\0epoch\0001\0loss\0000.5", "two\0epoch\0002\0x\0epoch", "three\0epoch\0002", "epoch\0loss\0a:b~c"};
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_txn txn = {0};
    struct pcct_error err;
    int unsure;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_lock(store, 1, &err), &err);
    for (uint64_t v = 1; v <= 4; v++) {
        const size_t bytes[4] = {21, 20, 14, 17};
        struct store_version record;

        support_record(&record, v - 1, v);
        support_ok(store_commit(&record, store, "main", note[v - 1], bytes[v - 1], "", 0, &err), &err);
    }
    /* as if it had been done on four days, the 10th to the 13th, at noon; the fifth entry is a deletion */
    support_ok(store_txn_begin(&txn, store->catalogue, &store->folder, 1, &err), &err);
    for (uint64_t v = 1; v <= 5; v++) {
        struct store_record record = {.ref = "main", .version = {.version = v, .time_ns = (int64_t)(1762732800 + 86400 * v - 43200) * 1000000000}};

        if (v == 5) record = (struct store_record){.ref = "old", .operation = STORE_BRANCH_DELETED, .version = {.parent = 3, .time_ns = 1}};
        support_ok(store_reflog_put(&txn, v, &record, &err), &err);
    }
    support_ok(store_txn_commit(&txn, &unsure, &err), &err);
    store_unlock(store);
    assert_int_equal(resolve(store, "epoch:1"), 1);
    assert_int_equal(resolve(store, "epoch:2"), 3);
    assert_int_equal(resolve(store, "epoch:2~2"), 1);
    assert_int_equal(resolve(store, "loss:0.5"), 1);
    assert_int_equal(resolve(store, "loss:a:b~c~3"), 1);
    assert_int_equal(resolve(store, "x:epoch"), 2);
    expect(store, "epoch:3", PCCT_E_NOT_FOUND, "no version has the user key epoch");
    expect(store, "one:epoch", PCCT_E_NOT_FOUND, "no version has");
    expect(store, ":2", PCCT_E_INVALID, "not a revision");
    assert_int_equal(resolve(store, "main@{2025-11-10}"), 1);
    assert_int_equal(resolve(store, "@{2025-11-11T12:00}"), 2);
    assert_int_equal(resolve(store, "@{2025-11-11T11:59:59Z}"), 1);
    assert_int_equal(resolve(store, "@{2025-11-12}~1"), 2);
    assert_int_equal(resolve(store, "@{2026-01-01}"), 4);
    expect(store, "@{2025-11-09}", PCCT_E_NOT_FOUND, "reflog");
    expect(store, "old@{2026-01-01}", PCCT_E_NOT_FOUND, "reflog");
    expect(store, "@{2025-13-09}", PCCT_E_INVALID, "not a revision");
    expect(store, "main@{2025-11-31}", PCCT_E_INVALID, "not a revision");
    expect(store, "main@{2025-02-30}", PCCT_E_INVALID, "not a revision");
    expect(store, "main@{2025-02-29T12:00}", PCCT_E_INVALID, "not a revision");
    expect(store, "main@{2025-11-11T11:59:60}", PCCT_E_INVALID, "not a revision");
    assert_int_equal(resolve(store, "main@{2028-02-29}"), 4);
    expect(store, "@{2025-11-09", PCCT_E_INVALID, "not a revision");
    expect(store, "@{yesterday}", PCCT_E_INVALID, "not a revision");
    expect(store, "main@2025-11-09", PCCT_E_INVALID, "not a revision");
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_common), cmocka_unit_test(test_keys_and_times)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
