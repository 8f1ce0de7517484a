/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 30000 };

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

static struct store_prune prune(uint64_t keep_last, int dry_run)
{
    struct store_prune p = {.keep_last = keep_last, .dry_run = dry_run};
    struct pcct_error err;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_prune(&p, live.store, &err), &err);
    store_unlock(live.store);
    return p;
}

static uint64_t disk(void)
{
    struct store_sizes sizes;
    struct pcct_error err;

    support_ok(store_sizes(&sizes, live.store, &err), &err);
    return sizes.disk_bytes;
}

/* Which versions can be named, as first..last; the state of each can be reached, and its frame is whole. */
static void expect_versions(uint64_t first, uint64_t last)
{
    struct base_vector path = {.item_bytes = 8};
    struct pcct_error err;
    uint64_t version = 0, from = 0;
    char name[32];

    for (uint64_t v = 1; v <= last; v++) {
        snprintf(name, sizeof(name), "v%d", (int)v);
        if (v < first) {
            assert_int_equal(store_revision(&version, live.store, name, &err), PCCT_E_NOT_FOUND);
            assert_non_null(strstr(err.message, "pruned"));
            continue;
        }
        support_ok(store_revision(&version, live.store, name, &err), &err);
        support_ok(support_check(live.store, v, BYTES, &err), &err);
        support_ok(store_path(&from, &path, live.store, v, &err), &err);
        for (size_t i = 0; i < path.count; i++) support_ok(support_check(live.store, ((uint64_t *)path.memory.data)[i], BYTES, &err), &err);
    }
    base_vector_free(&path, &live.support.env);
}

static void check(int rebuild)
{
    struct store_fsck fsck;
    struct pcct_error err;
    char first[256], path[400];

    store_close(live.store);
    live.store = NULL;
    if (rebuild == 2) {
        snprintf(path, sizeof(path), "%s/catalogue.mdb", live.s.path);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(support_fsck(&fsck, &live.s, rebuild != 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions, fsck.versions_readable);
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
}

/* Without an anchor nothing that a kept version rests on goes; with one, what is behind it does, and the space comes back. */
static void test_space(void **state)
{
    struct store_prune p;
    struct store_version about;
    struct pcct_error err;
    uint64_t before, after, version = 0;

    (void)state;
    support_commit(live.store, 100, BYTES);
    p = prune(10, 1);
    assert_int_equal(p.pruned, 90);
    assert_int_equal(p.removed, 0);
    assert_int_equal(p.freed_bytes, 0);
    expect_versions(1, 100);
    p = prune(10, 0);
    assert_true(p.pruned == 90 && p.removed == 0 && p.left == 10 && p.freed_bytes == 0);
    expect_versions(91, 100);
    check(0);
    check(1);
    check(2);
    expect_versions(91, 100);
    support_anchor(live.store, 85);
    before = disk();
    p = prune(10, 1);
    assert_true(p.pruned == 0 && p.removed == 84);
    p = prune(10, 0);
    assert_true(p.pruned == 0 && p.removed == 84 && p.left == 10 && p.freed_bytes >= UINT64_C(85) * BYTES);
    after = disk();
    assert_true(before - after >= p.freed_bytes - (UINT64_C(1) << 20) - 200000); /* less the new segment, and what is not worth a hole */
    support_ok(store_version(&about, NULL, live.store, 85, &err), &err);
    assert_int_equal(about.flags, STORE_PRUNED | STORE_DROPPED);
    assert_int_equal(store_version(&about, NULL, live.store, 84, &err), PCCT_E_NOT_FOUND);
    support_ok(store_version(&about, NULL, live.store, 91, &err), &err);
    assert_int_equal(about.kept, 0);
    expect_versions(91, 100);
    for (int rebuild = 0; rebuild < 3; rebuild++) {
        check(rebuild);
        expect_versions(91, 100);
    }
    assert_int_equal(store_revision(&version, live.store, "main~10", &err), PCCT_E_NOT_FOUND);
    support_ok(store_revision(&version, live.store, "main~9", &err), &err);
    assert_int_equal(version, 91);
    p = prune(10, 0); /* there is nothing more to do */
    assert_true(p.pruned == 0 && p.removed == 0 && p.freed_bytes == 0);
    support_commit(live.store, 30, BYTES);
    check(2);
    expect_versions(91, 130);
}

/* What a version alone takes is what pruning it alone frees. */
static void test_usage(void **state)
{
    struct base_vector usages = {.item_bytes = sizeof(struct store_usage)};
    const struct store_usage *usage;
    struct store_prune p;
    struct pcct_error err;
    uint64_t freed;

    (void)state;
    support_commit(live.store, 20, BYTES);
    (void)prune(3, 0);
    support_anchor(live.store, 15);
    support_ok(store_usages(&usages, live.store, &err), &err);
    usage = usages.memory.data;
    assert_int_equal(usages.count, 20);
    assert_true(usage[0].pruned && usage[19].needed_bytes == usage[14].anchor_bytes + 5 * usage[19].frame_bytes);
    assert_int_equal(usage[19].own_bytes, usage[19].frame_bytes);
    assert_int_equal(usage[18].own_bytes, 0);
    (void)prune(3, 0);
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_MOVED, "main", 20, 0}, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_TAG_MADE, "t", UINT64_MAX, 20}, &err), &err);
    store_unlock(live.store);
    (void)prune(1, 0); /* v20 alone is left, and what is there for its sake */
    support_ok(store_usages(&usages, live.store, &err), &err);
    usage = usages.memory.data;
    assert_int_equal(usages.count, 6); /* v15 to v20 */
    freed = usage[5].own_bytes;
    assert_int_equal(freed, usage[0].anchor_bytes + 5 * usage[5].frame_bytes);
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_TAG_DELETED, "t", UINT64_MAX, 0}, &err), &err);
    store_unlock(live.store);
    p = prune(1, 0);
    assert_int_equal(p.freed_bytes, freed);
    assert_int_equal(p.left, 0);
    check(2);
    support_commit(live.store, 2, 100);
    check(2);
    base_vector_free(&usages, &live.support.env);
}

/* An anchor that is damaged does not become all that is left of a state. */
static void test_damaged_anchor(void **state)
{
    struct store_prune p;
    uint8_t *file;
    size_t bytes;

    (void)state;
    support_commit(live.store, 40, BYTES);
    support_anchor(live.store, 30);
    file = support_file_read(&bytes, &live.s, "data/A000000000000001e");
    file[bytes - 70000] ^= 1;
    support_file_write(&live.s, "data/A000000000000001e", file, bytes);
    p = prune(5, 0);
    assert_true(p.pruned == 35 && p.removed == 0 && p.freed_bytes == 0);
    file[bytes - 70000] ^= 1;
    support_file_write(&live.s, "data/A000000000000001e", file, bytes);
    p = prune(5, 0);
    assert_true(p.removed == 29 && p.freed_bytes > UINT64_C(30) * BYTES);
    expect_versions(36, 40);
    free(file);
}

/* Branches, tags, generations, times and numbers of a user key. */
static void test_rules(void **state)
{
    struct store_ref_change change = {STORE_TAG_MADE, "t", UINT64_MAX, 7};
    struct store_prune p = {.keep_every = 10};
    struct store_version about;
    struct pcct_error err;
    uint64_t version = 0;

    (void)state;
    support_commit(live.store, 30, BYTES);
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &change, &err), &err);
    change = (struct store_ref_change){STORE_BRANCH_MADE, "dev", UINT64_MAX, 12};
    support_ok(store_ref_change(NULL, live.store, &change, &err), &err);
    p.keep_last = 2;
    p.dry_run = 1;
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_int_equal(p.left, 7); /* 7; 12 and 11; 30 and 29; 10, 20, 30 */
    p = (struct store_prune){.older_than_ns = 1, .dry_run = 1};
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_int_equal(p.pruned, 0);
    support_ok(store_version(&about, NULL, live.store, 20, &err), &err);
    p.older_than_ns = about.time_ns;
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_true(p.pruned <= 17 && p.pruned >= 1); /* times may be equal */
    for (uint64_t v = 31; v <= 34; v++) {
        static const char note[4][24] = {"x\0epoch\0001", "x\0epoch\0002.5", "x\0epoch\000x", "x\0epoc\0001"};
        const size_t bytes[4] = {10, 12, 10, 9};

        support_record(&about, v - 1, v);
        support_ok(store_commit(&about, live.store, "main", note[v - 31], bytes[v - 31], "", 0, &err), &err);
    }
    p = (struct store_prune){.key = "epoch", .before = 2.5, .dry_run = 1};
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_int_equal(p.pruned, 1);
    p.before = 3;
    p.dry_run = 0;
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_int_equal(p.pruned, 2);
    assert_int_equal(store_revision(&version, live.store, "epoch:1", &err), PCCT_E_NOT_FOUND);
    support_ok(store_revision(&version, live.store, "epoch:x", &err), &err);
    assert_int_equal(version, 33);
    support_ok(store_version(&about, NULL, live.store, 33, &err), &err);
    assert_true(about.parent == 32 && about.kept == 30);
    store_unlock(live.store);
}

/* A version on `parent` that says `value` for the key kernel; NULL: says nothing. */
static uint64_t say(const char *branch, uint64_t parent, const char *value)
{
    struct store_version record;
    struct store_txn txn = {0};
    struct store_state state;
    struct pcct_error err;
    char note[64];
    size_t bytes = 0;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_txn_begin(&txn, live.store->catalogue, &live.store->folder, 0, &err), &err);
    support_ok(store_state_get(&state, &txn, &err), &err);
    store_txn_abort(&txn);
    support_record(&record, parent, state.next_version);
    if (value) bytes = 1 + (size_t)snprintf(note, sizeof(note), "x%ckernel%c%s", 0, 0, value);
    support_ok(store_commit(&record, live.store, branch, note, bytes, "", 0, &err), &err);
    store_unlock(live.store);
    return record.version;
}

static int is_there(uint64_t version)
{
    struct pcct_error err;
    uint64_t found = 0;
    char name[32];

    snprintf(name, sizeof(name), "v%d", (int)version);
    return store_revision(&found, live.store, name, &err) == 0;
}

/* A key that lasts: who said it for a version that stays, stays; on each branch, over versions that go, and no older one. */
static void test_lasting(void **state)
{
    struct store_prune p = {.keep_last = 1, .lasting = "kernel"};
    const char *const main_says[9] = {NULL, "a", NULL, "b", NULL, NULL, "c", NULL, NULL}; /* versions 1 to 9 */
    struct store_version about;
    struct pcct_error err;
    uint64_t last = 0;

    (void)state;
    for (int i = 0; i < 9; i++) last = say("main", last, main_says[i]);
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_MADE, "side", 0, 5}, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_TAG_MADE, "old", 0, 3}, &err), &err);
    store_unlock(live.store);
    for (int i = 0; i < 3; i++) last = say("side", i == 0 ? 5 : last, NULL); /* 10 to 12 */
    support_ok(store_lock(live.store, 1, &err), &err);
    for (int twice = 0; twice < 2; twice++) { /* the second time over versions that are gone */
        p.dry_run = twice == 0;
        support_ok(store_prune(&p, live.store, &err), &err);
        assert_int_equal(p.pruned, 6);
        assert_int_equal(p.left, 6);
    }
    for (uint64_t v = 1; v <= 12; v++) assert_int_equal(is_there(v), v == 2 || v == 3 || v == 4 || v == 7 || v == 9 || v == 12);
    support_ok(store_version(&about, NULL, live.store, 12, &err), &err);
    assert_int_equal(about.kept, 4);
    support_ok(store_version(&about, NULL, live.store, 9, &err), &err);
    assert_int_equal(about.kept, 7);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_TAG_DELETED, "old", UINT64_MAX, 0}, &err), &err);
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_int_equal(p.pruned, 2); /* with the tag goes what it stood at, and what that needed */
    assert_true(!is_there(2) && !is_there(3) && is_there(4) && is_there(7));
    p.lasting = NULL;
    support_ok(store_prune(&p, live.store, &err), &err);
    assert_int_equal(p.pruned, 2);
    assert_true(!is_there(4) && !is_there(7) && is_there(9) && is_there(12));
    store_unlock(live.store);
}

static void change(enum store_operation operation, const char *name, uint64_t version)
{
    struct pcct_error err;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){operation, name, UINT64_MAX, version}, &err), &err);
    store_unlock(live.store);
}

/* The reflog, by operations. */
static const char *told(void)
{
    static char text[64];
    struct base_vector entries = {.item_bytes = sizeof(struct store_reflog_entry)};
    const struct store_reflog_entry *entry;
    struct pcct_error err;

    memset(text, 0, sizeof(text));
    support_ok(store_reflog(&entries, live.store, 1, sizeof(text) - 1, &err), &err);
    entry = entries.memory.data;
    for (size_t i = 0; i < entries.count; i++) text[i] = (char)('0' + entry[i].operation);
    base_vector_free(&entries, &live.support.env);
    return text;
}

/* What happened to branches and tags is told while one of its versions is there, and so the reflog does not grow for ever. */
static void test_reflog(void **state)
{
    (void)state;
    support_commit(live.store, 4, BYTES);
    change(STORE_BRANCH_MADE, "side", 2);
    change(STORE_BRANCH_MOVED, "side", 3);
    change(STORE_TAG_MADE, "one", 1);
    change(STORE_BRANCH_MOVED, "side", 4);
    change(STORE_BRANCH_DELETED, "side", 0);
    (void)prune(1, 0);
    assert_string_equal(told(), "0042" "36"); /* v1 and v4; the tag at v1; side from v3 to v4, and away from there */
    change(STORE_TAG_DELETED, "one", 0);
    (void)prune(1, 0);
    assert_string_equal(told(), "0236");
    support_commit(live.store, 1, BYTES);
    (void)prune(1, 0);
    assert_string_equal(told(), "06");
    check(2);
    assert_string_equal(told(), "06");
}

/* A loop of commits with pruning stays within: what is kept and its anchor, twice over, and two segments. */
static void test_bounded(void **state)
{
    uint64_t most = 0;

    (void)state;
    for (int round = 0; round < 30; round++) {
        support_commit(live.store, 20, BYTES);
        support_anchor(live.store, (uint64_t)(round + 1) * 20 - 10);
        (void)prune(5, 0);
        if (disk() > most) most = disk();
    }
    expect_versions(596, 600);
    check(2);
    expect_versions(596, 600);
    assert_true(most < (UINT64_C(28) << 20)); /* 16 MiB of it are BALLAST; 30 times 20 frames are 18 MiB */
}

/* The n-th system call fails: versions that stay are whole whatever happens, and what was told is so. */
static void fail_each_call(int error_number)
{
    struct pcct_error err;
    uint64_t failures = 0;
    int more = 1;

    for (uint64_t n = 1; more; n++) {
        struct store_prune p = {.keep_last = 3};
        int status;

        support_commit(live.store, 12, BYTES);
        support_anchor(live.store, 8);
        support_ok(store_lock(live.store, 1, &err), &err);
        live.support.os.fail_mask = (UINT64_C(1) << BASE_OS_CALLS) - 1;
        live.support.os.counted = 0;
        live.support.os.fail_at = n;
        live.support.os.fail_errno = error_number;
        live.support.os.fail_short = error_number == ENOSPC;
        status = store_prune(&p, live.store, &err);
        live.support.os.fail_mask = 0;
        more = live.support.os.counted >= n;
        store_unlock(live.store);
        if (status != 0) {
            uint64_t version = 0;

            failures++;
            assert_true(strlen(err.message) > 0);
            check(0);
            /* an error after the commit of the catalogue is one of giving back */
            if (store_revision(&version, live.store, "v5", NULL) == 0) expect_versions(1, 12);
            else expect_versions(10, 12);
        }
        p = prune(3, 0);
        expect_versions(10, 12);
        support_commit(live.store, 1, BYTES);
        check(2);
        expect_versions(10, 13);
        store_close(live.store);
        support_store_finish(&live.s);
        support_store_start(&live.s, &live.support);
        support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    }
    assert_true(failures >= 5);
}

static void test_eio(void **state) { (void)state; fail_each_call(EIO); }
static void test_enospc(void **state) { (void)state; fail_each_call(ENOSPC); }

static int prune_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_prune p = {.keep_last = 4};

    (void)ctx;
    (void)env;
    return store_prune(&p, live.store, err);
}

static void test_no_memory(void **state)
{
    struct pcct_error err;

    (void)state;
    support_commit(live.store, 25, BYTES);
    support_anchor(live.store, 15);
    support_ok(store_lock(live.store, 1, &err), &err);
    assert_true(support_fail_each(&live.support, prune_once, NULL) >= 5);
    store_unlock(live.store);
    expect_versions(22, 25);
}

/* A base that a crash left behind the tail does not come back over what was committed after it. */
static void test_leftover(void **state)
{
    struct store_version about;
    struct pcct_error err;
    uint8_t *catalogue, *base;
    size_t bytes, base_bytes;

    (void)state;
    support_commit(live.store, 25, BYTES);
    store_close(live.store);
    catalogue = support_file_read(&bytes, &live.s, "catalogue.mdb");
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    (void)prune(4, 0);
    support_ok(store_version(&about, NULL, live.store, 25, &err), &err);
    assert_int_equal(about.segment, 1);
    base = support_file_read(&base_bytes, &live.s, "journal/J00000002");
    store_close(live.store);
    support_file_write(&live.s, "catalogue.mdb", catalogue, bytes); /* the crash came before its commit */
    support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
    expect_versions(1, 25);
    support_commit(live.store, 3, BYTES);
    check(2);
    expect_versions(1, 28);
    free(catalogue);
    free(base);
}

/* Killed anywhere: every version that is there is whole, and the last ones are there. */
static void test_killed(void **state)
{
    volatile uint64_t *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct pcct_error err;

    (void)state;
    for (int round = 0; round < 12; round++) {
        uint64_t head = 0;
        pid_t child;

        store_close(live.store);
        live.store = NULL;
        child = fork();
        if (child == 0) {
            if (store_open(&live.store, live.s.path, &live.support.env, &err) != 0) _exit(1);
            for (;;) {
                support_commit(live.store, 1, BYTES);
                ++*told;
                if (*told % 7 == 0) support_anchor(live.store, *told);
                if (*told % 5 == 0) (void)prune(3, 0);
            }
        }
        usleep((useconds_t)(15000 + 3000 * round));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        support_ok(store_open(&live.store, live.s.path, &live.support.env, &err), &err);
        check(0);
        support_ok(store_head(&head, live.store, "main", &err), &err);
        assert_true(head == *told || head == *told + 1);
        *told = head;
        for (uint64_t v = head > 2 ? head - 2 : 1; v <= head; v++) support_ok(support_check(live.store, v, BYTES, &err), &err);
    }
    support_commit(live.store, 1, BYTES);
    check(2);
    munmap((void *)(uintptr_t)told, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_space, set_up, tear_down), cmocka_unit_test_setup_teardown(test_damaged_anchor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down), cmocka_unit_test_setup_teardown(test_usage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down), cmocka_unit_test_setup_teardown(test_lasting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reflog, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_eio, set_up, tear_down), cmocka_unit_test_setup_teardown(test_enospc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down), cmocka_unit_test_setup_teardown(test_leftover, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
