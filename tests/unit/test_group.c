/* SPDX-License-Identifier: Apache-2.0 */
#include "support_flushes.h"
#include "support_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 5000 };

/* One commit of a group, on `parent`, meant to be version `version`: as support_commit makes them. */
static int add(struct store *store, uint64_t parent, uint64_t version, size_t bytes, struct pcct_error *err)
{
    struct store_version record;
    uint8_t *payload = malloc(bytes + 1);
    char note[64];
    int status;

    support_payload(payload, bytes, version);
    support_record(&record, parent, version);
    snprintf(note, sizeof(note), "note of %d", (int)version);
    status = store_group_commit(&record, store, "main", note, strlen(note), payload, bytes, err);
    if (status == 0) assert_int_equal(record.version, version);
    free(payload);
    return status;
}

static uint64_t head(struct store *store)
{
    struct pcct_error err = {0, ""};
    uint64_t version = 99;

    support_ok(store_head(&version, store, "main", &err), &err);
    return version;
}

static void *head_of_others(void *ctx)
{
    return (void *)(uintptr_t)head(ctx);
}

static uint64_t seen_by_others(struct store *store)
{
    pthread_t thread;
    void *seen = NULL;

    assert_int_equal(pthread_create(&thread, NULL, head_of_others, store), 0);
    assert_int_equal(pthread_join(thread, &seen), 0);
    return (uintptr_t)seen;
}

/* Five commits cost the flushes of one. Nobody else sees them before the end; whoever makes them does. */
static void flushes_are_shared(void **state)
{
    static const int expected[3] = {3, 1, 0};

    (void)state;
    for (int durability = STORE_FULL; durability <= STORE_NONE; durability++) {
        struct pcct_error err = {0, ""};
        struct store_version out;
        struct support_live scene;
        uint32_t word;
        int found = 0;

        support_live_start(&scene, (enum store_durability)durability);
        support_commit(scene.store, 2, BYTES);
        support_ok(store_lock(scene.store, 1, &err), &err);
        support_flushes = 0;
        word = store_pins_word(store_pins(scene.store));
        for (uint64_t v = 3; v <= 7; v++) {
            support_ok(add(scene.store, v - 1, v, BYTES, &err), &err);
            assert_int_equal(head(scene.store), v);
            support_ok(support_check(scene.store, v, BYTES, &err), &err);
            assert_int_equal(seen_by_others(scene.store), 2);
        }
        assert_int_equal(support_flushes, 0);
        assert_int_equal(store_pins_word(store_pins(scene.store)), word);
        support_record(&out, 6, 7);
        support_ok(store_write_id(&found, &out, scene.store, out.write_id, &err), &err);
        assert_true(found);
        support_ok(store_group_end(scene.store, &err), &err);
        assert_int_equal(support_flushes, expected[durability]);
        assert_int_equal(store_pins_word(store_pins(scene.store)), word + 1);
        assert_int_equal(seen_by_others(scene.store), 7);
        support_ok(store_group_end(scene.store, &err), &err); /* of nothing */
        assert_int_equal(support_flushes, expected[durability]);
        store_unlock(scene.store);
        support_commit(scene.store, 2, BYTES);
        for (uint64_t v = 1; v <= 9; v++) support_ok(support_check(scene.store, v, BYTES, &err), &err);
        support_live_finish(&scene);
    }
}

/* One that rests on what is not the head is refused, and the others are committed; so are those before one that finds no room. */
static void one_may_fail(void **state)
{
    struct pcct_error err = {0, ""};
    struct store_fsck fsck;
    struct support_live scene;
    char first[256];

    (void)state;
    support_live_start(&scene, STORE_FULL);
    support_commit(scene.store, 2, BYTES);
    support_ok(store_lock(scene.store, 1, &err), &err);
    support_ok(add(scene.store, 2, 3, BYTES, &err), &err);
    assert_int_equal(add(scene.store, 2, 4, BYTES, &err), PCCT_E_CONFLICT);
    support_ok(add(scene.store, 3, 4, BYTES, &err), &err);
    scene.support.os.fail_mask = UINT64_C(1) << BASE_OS_PWRITE;
    scene.support.os.fail_at = 1;
    scene.support.os.fail_errno = ENOSPC;
    scene.support.os.counted = 0;
    assert_int_equal(add(scene.store, 4, 5, BYTES, &err), PCCT_E_NOSPACE);
    scene.support.os.fail_mask = 0;
    support_ok(store_group_end(scene.store, &err), &err);
    store_unlock(scene.store);
    assert_int_equal(head(scene.store), 4);
    support_commit(scene.store, 1, BYTES);
    for (uint64_t v = 1; v <= 5; v++) support_ok(support_check(scene.store, v, BYTES, &err), &err);
    store_close(scene.store);
    assert_int_equal(support_fsck(&fsck, &scene.s, 0, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(fsck.versions_readable, 5);
    support_live_open(&scene, STORE_FULL);
    support_live_finish(&scene);
}

/* The group is given up: none of it is there, with the catalogue or without. */
static void check_none(struct support_live *scene, uint64_t versions)
{
    struct store_fsck fsck;
    char first[256], path[400];

    assert_int_equal(seen_by_others(scene->store), versions);
    store_close(scene->store);
    snprintf(path, sizeof(path), "%s/catalogue.mdb", scene->s.path);
    assert_int_equal(unlink(path), 0); /* the journal alone decides */
    assert_int_equal(support_fsck(&fsck, &scene->s, 1, first), 0);
    assert_int_equal(fsck.damaged, 0);
    assert_int_equal(fsck.versions, versions);
    support_live_open(scene, STORE_FULL);
}

/* What an operation means is written down in parts, and the second of them fails. */
static int put_half(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err)
{
    const struct store_ref ref = {.name = "half", .kind = STORE_BRANCH, .version = 2};

    (void)ctx;
    (void)after;
    support_ok(store_ref_put(txn, &ref, err), err);
    return base_fail(err, PCCT_E_LIMIT, "half of it");
}

/* The transaction is the group's, so half of what one operation means cannot be taken out of it again: nobody is committed with it. */
static void a_half_takes_all_with_it(void **state)
{
    struct store_record record = {.operation = STORE_BRANCH_MADE, .ref = "half", .version = {.version = 2}};
    struct pcct_error err = {0, ""};
    struct store_txn txn = {0};
    struct store_state now;
    struct store_ref ref;
    struct support_live scene;
    int found = 1;

    (void)state;
    support_live_start(&scene, STORE_FULL);
    support_commit(scene.store, 2, BYTES);
    support_ok(store_lock(scene.store, 1, &err), &err);
    support_ok(add(scene.store, 2, 3, BYTES, &err), &err);
    support_ok(store_txn_begin(&txn, scene.store->catalogue, &scene.store->folder, 0, &err), &err);
    support_ok(store_state_get(&now, &txn, &err), &err);
    store_txn_abort(&txn);
    assert_int_equal(store_group_add(scene.store, &(struct store_writing){&record, &now, "", "", 0, put_half, NULL}, &err), PCCT_E_LIMIT);
    assert_int_equal(add(scene.store, 3, 4, BYTES, &err), PCCT_E_LIMIT);
    assert_int_equal(store_group_end(scene.store, &err), PCCT_E_LIMIT);
    assert_string_equal(err.message, "half of it");
    store_unlock(scene.store);
    support_ok(store_txn_begin(&txn, scene.store->catalogue, &scene.store->folder, 0, &err), &err);
    support_ok(store_ref_get(&found, &ref, &txn, "half", &err), &err);
    store_txn_abort(&txn);
    assert_false(found);
    check_none(&scene, 2);
    support_commit(scene.store, 1, BYTES);
    support_live_finish(&scene);
}

/* The n-th system call of a group of four fails, over two segments too: what is told as failed is not there, and what is told as committed is. */
static void each_call_fails(void **state)
{
    static const size_t sizes[2] = {BYTES, 600000};

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        uint64_t failures = 0, partly = 0;
        int more = 1;

        for (uint64_t n = 1; more; n++) {
            struct pcct_error err = {0, ""};
            struct support_live scene;
            uint64_t made = 3;
            int status = 0;

            support_live_start(&scene, STORE_FULL);
            support_commit(scene.store, 3, BYTES);
            support_ok(store_lock(scene.store, 1, &err), &err);
            scene.support.os.fail_mask = (UINT64_C(1) << BASE_OS_CALLS) - 1;
            scene.support.os.counted = 0;
            scene.support.os.fail_errno = EIO;
            scene.support.os.fail_at = n;
            for (int i = 0; i < 4; i++) {
                if (add(scene.store, made, made + 1, sizes[kind], &err) == 0) made++;
            }
            status = store_group_end(scene.store, &err);
            scene.support.os.fail_mask = 0;
            more = scene.support.os.counted >= n;
            store_unlock(scene.store);
            failures += status != 0;
            partly += status == 0 && made < 7;
            if (status != 0) {
                assert_int_equal(status, PCCT_E_IO);
                check_none(&scene, 3);
                made = 3;
            }
            assert_int_equal(head(scene.store), made);
            support_commit(scene.store, 1, BYTES);
            support_ok(support_check(scene.store, made + 1, BYTES, &err), &err);
            for (uint64_t v = 4; v <= made; v++) support_ok(support_check(scene.store, v, sizes[kind], &err), &err);
            assert_true(more || (status == 0 && made == 7));
            support_live_finish(&scene);
        }
        assert_true(failures >= 2 && partly >= 4);
    }
}

/* A flush that fails takes all of them with it, and nobody goes on writing by this handle. */
static void a_failed_flush_fails_all(void **state)
{
    struct pcct_error err = {0, ""};
    struct support_live scene;

    (void)state;
    support_live_start(&scene, STORE_FULL);
    support_commit(scene.store, 1, BYTES);
    support_ok(store_lock(scene.store, 1, &err), &err);
    for (uint64_t v = 2; v <= 4; v++) support_ok(add(scene.store, v - 1, v, BYTES, &err), &err);
    scene.support.os.fail_mask = UINT64_C(1) << BASE_OS_FDATASYNC;
    scene.support.os.fail_at = 1;
    scene.support.os.fail_errno = EIO;
    scene.support.os.counted = 0;
    assert_int_equal(store_group_end(scene.store, &err), PCCT_E_IO);
    scene.support.os.fail_mask = 0;
    assert_int_equal(head(scene.store), 1);
    assert_int_equal(add(scene.store, 1, 2, BYTES, &err), PCCT_E_IO);
    assert_non_null(strstr(err.message, "earlier"));
    support_ok(store_group_end(scene.store, &err), &err);
    store_unlock(scene.store);
    check_none(&scene, 1);
    support_commit(scene.store, 2, BYTES);
    support_live_finish(&scene);
}

struct memory {
    struct store *store;
    uint64_t head;
};

static int commit_two(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct memory *m = ctx;
    int status;

    (void)env;
    status = add(m->store, m->head, m->head + 1, 100, err);
    if (status == 0) status = add(m->store, m->head + 1, m->head + 2, 100, err);
    if (status == 0) return store_group_end(m->store, err);
    if (store_group_end(m->store, NULL) == 0) m->head = head(m->store); /* the first of them may have gone well */
    return status;
}

static void memory_runs_out(void **state)
{
    struct pcct_error err = {0, ""};
    struct support_live scene;
    struct memory m;

    (void)state;
    support_live_start(&scene, STORE_FULL);
    m = (struct memory){scene.store, 0};
    support_ok(store_lock(scene.store, 1, &err), &err);
    assert_true(support_fail_each(&scene.support, commit_two, &m) >= 4);
    assert_int_equal(head(scene.store), m.head + 2);
    store_unlock(scene.store);
    support_live_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushes_are_shared), cmocka_unit_test(one_may_fail), cmocka_unit_test(a_half_takes_all_with_it),
        cmocka_unit_test(each_call_fails), cmocka_unit_test(a_failed_flush_fails_all), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
