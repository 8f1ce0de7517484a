/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct support_env support;
static struct support_store s;
static struct store_folder folder;

static int set_up(void **state)
{
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
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

struct seen {
    uint64_t keys[10];
    int n, stop_at;
};

static int note_key(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct seen *seen = ctx;

    (void)err;
    assert_int_equal(key_bytes, 8);
    assert_int_equal(bytes, 3);
    assert_memory_equal(value, "abc", 3);
    seen->keys[seen->n++] = store_get_key(key);
    return seen->n == seen->stop_at;
}

static void test_tables(void **state)
{
    struct store_catalogue *a = NULL, *b = NULL;
    struct store_txn txn;
    struct seen seen = {.stop_at = 0};
    struct pcct_error err;
    const uint8_t *value = NULL;
    size_t bytes = 0;
    uint8_t key[8];
    int unsure = 1;

    (void)state;
    support_ok(store_catalogue_open(&a, &folder, "made.mdb", 1, &err), &err);
    support_ok(store_catalogue_open(&b, &folder, "made.mdb", 0, &err), &err);
    assert_ptr_equal(a, b); /* one environment for a file */
    assert_true(store_catalogue_current(a, &folder, "made.mdb"));
    assert_false(store_catalogue_current(a, &folder, "catalogue.mdb"));
    support_ok(store_txn_begin(&txn, a, &folder, 1, &err), &err);
    for (uint64_t i = 300; i >= 100; i -= 50) {
        store_put_key(key, i);
        support_ok(store_txn_put(&txn, STORE_ANCHORS, key, 8, "abc", 3, &err), &err);
    }
    support_ok(store_txn_commit(&txn, &unsure, &err), &err);
    assert_false(unsure);
    store_catalogue_close(a);
    support_ok(store_txn_begin(&txn, b, &folder, 0, &err), &err);
    support_ok(store_txn_get(&value, &bytes, &txn, STORE_ANCHORS, key, 8, &err), &err);
    assert_non_null(value);
    support_ok(store_txn_get(&value, &bytes, &txn, STORE_SEGMENTS, key, 8, &err), &err);
    assert_null(value);
    store_put_key(key, 160);
    support_ok(store_txn_each(&txn, STORE_ANCHORS, key, 8, note_key, &seen, &err), &err);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.keys[0], 200);
    assert_int_equal(seen.keys[2], 300);
    seen = (struct seen){.stop_at = 2};
    support_ok(store_txn_each(&txn, STORE_ANCHORS, NULL, 0, note_key, &seen, &err), &err);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.keys[0], 100);
    store_txn_abort(&txn);
    /* given up: nothing of it is there */
    support_ok(store_txn_begin(&txn, b, &folder, 1, &err), &err);
    support_ok(store_txn_put(&txn, STORE_REFS, "x", 1, "y", 1, &err), &err);
    store_txn_abort(&txn);
    store_txn_abort(&txn);
    support_ok(store_txn_begin(&txn, b, &folder, 0, &err), &err);
    support_ok(store_txn_get(&value, &bytes, &txn, STORE_REFS, "x", 1, &err), &err);
    assert_null(value);
    store_txn_abort(&txn);
    store_catalogue_close(b);
    store_catalogue_close(NULL);
    store_catalogue_remove(&folder, "made.mdb");
    assert_int_equal(store_catalogue_open(&a, &folder, "made.mdb", 0, &err), PCCT_E_DAMAGED);
    assert_null(a);
}

/* Room is there before the first commits: they do not change the file's size. */
static void test_room(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;
    struct stat before, after;
    char path[400];

    (void)state;
    snprintf(path, sizeof(path), "%s/catalogue.mdb", s.path);
    assert_int_equal(stat(path, &before), 0);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 300, 10);
    store_close(store);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_true(before.st_size > 1000000);
}

/* After fork() the child has a table of its own, and the parent's environment is as it was. */
static void test_fork(void **state)
{
    struct store_catalogue *ours = NULL, *theirs = NULL;
    struct store_txn txn;
    struct store_ref ref;
    struct pcct_error err;
    pid_t child;
    int how = 0;

    (void)state;
    memcpy(folder.uuid, "", 1);
    support_ok(store_catalogue_open(&ours, &folder, STORE_CATALOGUE_NAME, 0, &err), &err);
    child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; i++) {
            if (store_catalogue_open(&theirs, &folder, STORE_CATALOGUE_NAME, 0, &err) != 0) _exit(1);
            if (store_txn_begin(&txn, theirs, &folder, 1, &err) != 0) _exit(2);
            if (store_ref_put(&txn, &(struct store_ref){.name = "child", .kind = STORE_BRANCH}, &err) != 0) _exit(3);
            if (store_txn_commit(&txn, &how, &err) != 0) _exit(4);
            store_catalogue_close(theirs);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    support_ok(store_txn_begin(&txn, ours, &folder, 0, &err), &err);
    support_ok(store_ref_get(&how, &ref, &txn, "child", &err), &err);
    assert_true(how);
    store_txn_abort(&txn);
    store_catalogue_close(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tables, set_up, tear_down), cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fork, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
