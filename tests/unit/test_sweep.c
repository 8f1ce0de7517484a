/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"
#include "store/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES = 3000, LARGE = 200000 };

static int is_there(const struct support_store *s, const char *name)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    return access(path, F_OK) == 0;
}

static uint64_t blocks_of(const struct support_store *s, const char *name)
{
    struct stat about;
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    assert_int_equal(stat(path, &about), 0);
    return (uint64_t)about.st_blocks * 512;
}

static void sweep(struct store *store)
{
    struct pcct_error err = {0, ""};

    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_sweep(store, &err), &err);
    store_unlock(store);
}

static void prune(struct store *store, uint64_t keep_last)
{
    struct store_prune p = {.keep_last = keep_last};
    struct pcct_error err = {0, ""};

    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_prune(&p, store, &err), &err);
    store_unlock(store);
}

/* Files that the catalogue does not lead to go; those go on that may be somebody's work, or are nobody's business. */
static void what_nobody_needs_goes(void **state)
{
    static const char *const stays[] = {"journal/J00000003", "journal/J00000002x", "journal/notes", "data/A00000000000000ff", "data/A5",
                                        "data/notes", "data/notes.new", "data/.new"};
    static const char *const goes[] = {"data/A0000000000000005", "data/A0000000000000005.new", "data/A00000000000000fe.new",
                                       "data/P0000000000000001.new"};
    struct support_env support;
    struct support_store s;
    struct pcct_error err = {0, ""};
    struct store *store = NULL;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 6, BYTES);
    prune(store, 2);
    assert_false(is_there(&s, "data/A0000000000000001"));
    support_file_write(&s, "data/A0000000000000001", "of a version that was pruned", 28);
    for (size_t i = 0; i < sizeof(goes) / sizeof(goes[0]); i++) support_file_write(&s, goes[i], "half made", 9);
    for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) support_file_write(&s, stays[i], "somebody's", 10);
    sweep(store);
    for (size_t i = 0; i < sizeof(goes) / sizeof(goes[0]); i++) assert_false(is_there(&s, goes[i]));
    for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) assert_true(is_there(&s, stays[i]));
    assert_true(is_there(&s, "journal/J00000001") && is_there(&s, "journal/J00000002"));
    for (uint64_t v = 5; v <= 6; v++) support_ok(support_check(store, v, BYTES, &err), &err);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

static void forget_anchor(struct store *store, uint64_t version)
{
    struct store_txn txn = {0};
    struct pcct_error err = {0, ""};
    uint8_t key[8];
    int unsure = 0;

    store_put_key(key, version);
    support_ok(store_txn_begin(&txn, store->catalogue, &store->folder, 1, &err), &err);
    support_ok(store_txn_delete(&txn, STORE_ANCHORS, key, sizeof(key), &err), &err);
    support_ok(store_txn_commit(&txn, &unsure, &err), &err);
}

/* An anchor that is not listed, as a catalogue that is made anew leaves one that it finds damaged, goes unless it is all there is of its version; and
 * with it, if its head cannot be read, what it kept. */
static void anchors_that_are_not_listed(void **state)
{
    struct support_env support;
    struct support_store s;
    struct pcct_error err = {0, ""};
    struct store *store = NULL;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 8, BYTES);
    support_anchor(store, 5);
    support_anchor(store, 7);
    prune(store, 4); /* the frames before v5 are gone */
    support_file_write(&s, "data/P0000000000000063", "that was of one of them", 23);
    sweep(store);
    assert_true(is_there(&s, "data/A0000000000000005") && is_there(&s, "data/A0000000000000007"));
    assert_false(is_there(&s, "data/P0000000000000063"));
    forget_anchor(store, 5);
    forget_anchor(store, 7);
    support_file_write(&s, "data/P0000000000000063", "that was of one of them", 23);
    support_file_write(&s, "data/A0000000000000007", "not a head", 10);
    sweep(store);
    assert_true(is_there(&s, "data/A0000000000000005"));
    assert_false(is_there(&s, "data/A0000000000000007"));
    assert_false(is_there(&s, "data/P0000000000000063"));
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* Before the last base what stands between frames that stay is given back, and nothing of them; a sweep again changes nothing. */
static void what_stands_between_is_given_back(void **state)
{
    struct support_env support;
    struct support_store s;
    struct pcct_error err = {0, ""};
    struct store *store = NULL;
    uint64_t before, after;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 1, BYTES);
    support_commit(store, 3, LARGE);
    before = blocks_of(&s, "journal/J00000001");
    sweep(store);
    assert_int_equal(blocks_of(&s, "journal/J00000001"), before); /* without a base all of it is read in order */
    prune(store, 2);
    after = blocks_of(&s, "journal/J00000001");
    sweep(store);
    assert_int_equal(blocks_of(&s, "journal/J00000001"), after);
    for (uint64_t v = 3; v <= 4; v++) support_ok(support_check(store, v, LARGE, &err), &err);
    assert_true(after + 100000 < before);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

struct sweeping {
    struct store *store;
};

static int sweep_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct sweeping *w = ctx;

    (void)env;
    return store_sweep(w->store, err);
}

static void without_memory(void **state)
{
    struct support_env support;
    struct support_store s;
    struct pcct_error err = {0, ""};
    struct sweeping w = {NULL};

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&w.store, s.path, &support.env, &err), &err);
    support_commit(w.store, 4, BYTES);
    prune(w.store, 2);
    support_ok(store_lock(w.store, 1, &err), &err);
    assert_true(support_fail_each(&support, sweep_once, &w) >= 1);
    store_unlock(w.store);
    for (uint64_t v = 3; v <= 4; v++) support_ok(support_check(w.store, v, BYTES, &err), &err);
    store_close(w.store);
    support_store_finish(&s);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_needs_goes), cmocka_unit_test(anchors_that_are_not_listed),
        cmocka_unit_test(what_stands_between_is_given_back), cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
