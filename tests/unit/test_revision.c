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
    expect(store, "mian", PCCT_E_NOT_FOUND, "branches: main");
    expect(store, "abc", PCCT_E_NOT_FOUND, "4 digits");
    expect(store, "v99999999999999999999999", PCCT_E_NOT_FOUND, "branches");
    expect(store, "", PCCT_E_INVALID, "not a revision");
    expect(store, "~3", PCCT_E_INVALID, "not a revision");
    expect(store, "main~", PCCT_E_INVALID, "not a revision");
    expect(store, "main~x", PCCT_E_INVALID, "not a revision");
    expect(store, "main~1~2", PCCT_E_INVALID, "not a revision");
    expect(store, "main~-1", PCCT_E_INVALID, "not a revision");
    expect(store, "main~99999999999999999999999", PCCT_E_INVALID, "not a revision");
    expect(store, "ma in", PCCT_E_INVALID, "not a revision");
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
