/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 3000 };

static struct support_live live;

static int set_up(void **state)
{
    (void)state;
    support_live_start(&live, STORE_FULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_live_finish(&live);
    return 0;
}

static void set(uint64_t keep_last, uint64_t keep_every, int64_t age_ns)
{
    const struct store_policy policy = {.keep_last = keep_last, .keep_every = keep_every, .age_ns = age_ns};
    struct pcct_error err;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_policy_set(live.store, &policy, &err), &err);
    store_unlock(live.store);
}

static struct store_prune prune(void)
{
    struct store_prune p = {.by_policy = 1};
    struct pcct_error err;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_prune(&p, live.store, &err), &err);
    store_unlock(live.store);
    return p;
}

static struct store_policy get(void)
{
    struct store_policy policy;
    struct pcct_error err;

    support_ok(store_policy(&policy, live.store, &err), &err);
    return policy;
}

/* Closes the store, makes its catalogue anew if asked for (2: the old one is gone), and opens it. */
static void again(int rebuild)
{
    struct store_fsck fsck;
    struct pcct_error err;
    char first[256], path[400];

    store_close(live.store);
    live.store = NULL;
    snprintf(path, sizeof(path), "%s/catalogue.mdb", live.s.path);
    if (rebuild == 2) assert_int_equal(unlink(path), 0);
    assert_int_equal(support_fsck(&fsck, &live.s, rebuild != 0, first), 0);
    assert_string_equal(first, "");
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
}

/* It is there after opening anew, and in a catalogue made from the journal, before and after a base, set twice, and taken away. */
static void test_kept(void **state)
{
    struct store_policy policy;

    (void)state;
    policy = get();
    assert_true(policy.keep_last == 0 && policy.due == 0);
    support_commit(live.store, 5, BYTES);
    set(100, 0, 0);
    set(7, 3, 500);
    policy = get();
    assert_true(policy.keep_last == 7 && policy.keep_every == 3 && policy.age_ns == 500 && policy.due == 6);
    for (int rebuild = 0; rebuild < 3; rebuild++) {
        again(rebuild);
        policy = get();
        assert_true(policy.keep_last == 7 && policy.keep_every == 3 && policy.age_ns == 500 && policy.due == 6);
    }
    support_commit(live.store, 20, BYTES);
    (void)prune();
    for (int rebuild = 0; rebuild < 3; rebuild++) {
        again(rebuild);
        policy = get();
        assert_true(policy.keep_last == 7 && policy.keep_every == 3 && policy.age_ns == 500);
        assert_int_equal(policy.due, 26 + 64);
    }
    set(0, 0, 0);
    for (int rebuild = 0; rebuild < 3; rebuild++) {
        again(rebuild);
        policy = get();
        assert_true(policy.keep_last == 0 && policy.keep_every == 0 && policy.age_ns == 0 && policy.due == 0);
    }
    assert_true(prune().pruned == 0);
}

/* Its rules are those of a pruning; when nothing is to go no frame is written, and it is put off all the same. */
static void test_rules(void **state)
{
    struct store_prune p;
    struct store_policy policy;
    struct pcct_error err;
    uint64_t before = 0, after = 0;

    (void)state;
    support_commit(live.store, 200, BYTES);
    set(1000, 0, 0);
    support_ok(store_reflog_last(&before, live.store, &err), &err);
    p = prune();
    support_ok(store_reflog_last(&after, live.store, &err), &err);
    assert_true(p.pruned == 0 && before == after);
    policy = get();
    assert_int_equal(policy.due, 201 + 100); /* half of what is left */
    set(10, 50, 0);
    p = prune();
    assert_int_equal(p.pruned, 200 - 10 - 3);
    policy = get();
    assert_int_equal(policy.due, 201 + 100); /* their frames are needed: there is no anchor */
    set(10, 0, INT64_C(3600) * 1000000000);
    p = prune();
    assert_int_equal(p.pruned, 0);
    set(10, 0, 1);
    p = prune();
    assert_int_equal(p.pruned, 3);
}

/* Prunings by the policy do not fill the reflog: of them the last is told, and whatever else happened. */
static void test_reflog(void **state)
{
    struct base_vector entries = {.item_bytes = sizeof(struct store_reflog_entry)};
    const struct store_reflog_entry *entry;
    struct pcct_error err;
    uint64_t number = 0;

    (void)state;
    set(2, 0, 0);
    for (int i = 0; i < 4; i++) {
        support_commit(live.store, 10, BYTES);
        assert_true(prune().pruned > 0);
    }
    for (int rebuild = 0; rebuild < 2; rebuild++) {
        support_ok(store_reflog(&entries, live.store, 1, 100, &err), &err);
        entry = entries.memory.data;
        assert_int_equal(entries.count, 4);
        assert_int_equal(entry[0].operation, STORE_POLICY_SET);
        assert_int_equal(entry[1].operation, STORE_COMMITTED);
        assert_int_equal(entry[2].operation, STORE_COMMITTED);
        assert_int_equal(entry[3].operation, STORE_PRUNING);
        support_ok(store_reflog_last(&number, live.store, &err), &err);
        assert_int_equal(number, 45);
        again(2);
    }
    base_vector_free(&entries, &live.support.env);
}

/* Bytes that are no policy: the journal's are passed over, the catalogue's are damage. */
static void test_damaged(void **state)
{
    static const size_t at[] = {0, 4, 63};
    uint8_t bytes[STORE_POLICY_BYTES];
    const struct store_policy policy = {.keep_last = 1}, none = {0};
    struct store_policy out;
    struct pcct_error err;
    uint8_t *journal;
    size_t length = 0;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        store_policy_encode(bytes, &policy);
        assert_true(store_policy_decode(&out, bytes, sizeof(bytes)) && out.keep_last == 1);
        assert_false(store_policy_decode(&out, bytes, sizeof(bytes) - 1));
        bytes[at[i]] ^= 1;
        assert_false(store_policy_decode(&out, bytes, sizeof(bytes)));
    }
    store_policy_encode(bytes, &none);
    assert_false(store_policy_decode(&out, bytes, sizeof(bytes)));
    set(5, 0, 0);
    support_commit(live.store, 3, BYTES);
    store_close(live.store);
    journal = support_file_read(&length, &live.s, "journal/J00000001");
    journal[256 + 256 + 8] ^= 1; /* keep_last, in the payload of the first frame */
    support_file_write(&live.s, "journal/J00000001", journal, length);
    free(journal);
    {
        struct store_fsck fsck;
        char first[256], path[400];

        snprintf(path, sizeof(path), "%s/catalogue.mdb", live.s.path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(support_fsck(&fsck, &live.s, 1, first), 0);
        assert_true(fsck.damaged > 0 && fsck.versions_readable == 3);
    }
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    assert_int_equal(get().keep_last, 0);
}

/* A system call fails while it is set, or while a pruning by it is put off: it is as before, or as it was to be. */
static void test_failures(void **state)
{
    uint64_t failures = 0;
    int more = 1;

    (void)state;
    support_commit(live.store, 3, BYTES);
    set(5, 0, 0);
    for (uint64_t n = 1; more; n++) {
        const struct store_policy policy = {.keep_last = 5 + n};
        struct pcct_error err = {0, ""};
        uint64_t before = get().keep_last;
        int status;

        support_ok(store_lock(live.store, 1, &err), &err);
        live.support.os.fail_mask = UINT64_C(1) << BASE_OS_OPEN | UINT64_C(1) << BASE_OS_PWRITE | UINT64_C(1) << BASE_OS_STAT;
        live.support.os.counted = 0;
        live.support.os.fail_at = n;
        live.support.os.fail_errno = EIO;
        status = store_policy_set(live.store, &policy, &err);
        more = live.support.os.counted >= n;
        live.support.os.fail_mask = 0;
        store_unlock(live.store);
        failures += status != 0;
        assert_int_equal(get().keep_last, status == 0 ? 5 + n : before);
    }
    assert_true(failures >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down), cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reflog, set_up, tear_down), cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
