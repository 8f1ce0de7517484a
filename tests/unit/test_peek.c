/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 50000, VERSIONS = 60 }; /* two segments */

/* Every payload where it stands; damage to a head, and a version that is told to be elsewhere, are named. */
static void test_all(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store_peek peek;
    struct store *store = NULL;
    struct store_version record, other;
    struct pcct_error err;
    const uint8_t *payload = NULL, *all[VERSIONS + 1];
    uint8_t *right = malloc(BYTES), *journal;
    uint64_t n = 0;
    size_t bytes;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    store_peek_begin(&peek, store);
    support_commit(store, VERSIONS, BYTES);
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        support_ok(store_version(&record, NULL, store, v, &err), &err);
        support_ok(store_peek(&payload, &n, &peek, &record, &err), &err);
        support_payload(right, BYTES, v);
        assert_int_equal(n, BYTES);
        assert_int_equal((uintptr_t)payload % 64, 0);
        assert_memory_equal(payload, right, BYTES);
        all[v] = payload;
    }
    assert_int_equal(record.segment, 2);
    /* what was lent stays, whichever segment was looked at after it */
    for (uint64_t v = VERSIONS; v >= 1; v--) {
        support_ok(store_version(&record, NULL, store, v, &err), &err);
        support_ok(store_peek(&payload, &n, &peek, &record, &err), &err);
        assert_ptr_equal(payload, all[v]);
        support_payload(right, BYTES, v);
        assert_memory_equal(all[v], right, BYTES);
    }
    assert_int_equal(peek.map.count, 2);
    support_ok(store_version(&record, NULL, store, VERSIONS, &err), &err);
    other = record;
    other.identity.byte[3] ^= 1;
    assert_int_equal(store_peek(&payload, &n, &peek, &other, &err), PCCT_E_DAMAGED);
    other = record;
    other.offset = UINT64_C(1) << 40;
    assert_int_equal(store_peek(&payload, &n, &peek, &other, &err), PCCT_E_DAMAGED);
    other.segment = 9;
    assert_int_equal(store_peek(&payload, &n, &peek, &other, &err), PCCT_E_DAMAGED);
    assert_null(payload);
    store_peek_end(&peek);
    support_ok(store_version(&record, NULL, store, 3, &err), &err);
    journal = support_file_read(&bytes, &s, "journal/J00000001");
    journal[record.offset + 40] ^= 1;
    support_file_write(&s, "journal/J00000001", journal, bytes);
    assert_int_equal(store_peek(&payload, &n, &peek, &record, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "v3"));
    store_peek_end(&peek);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_MMAP;
    support.os.fail_at = 1;
    support.os.fail_errno = ENOMEM;
    assert_int_equal(store_peek(&payload, &n, &peek, &record, &err), PCCT_E_MEMORY);
    support.os.fail_mask = 0;
    store_peek_end(&peek);
    free(journal);
    free(right);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
