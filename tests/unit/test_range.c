/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <string.h>

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

static void branch(const char *name, uint64_t version)
{
    struct pcct_error err;

    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_MADE, name, 0, version}, &err), &err);
    store_unlock(live.store);
}

/* What the range is, as digits. */
static const char *range(uint64_t from, const uint64_t *to, size_t n)
{
    static char text[64];
    struct base_vector versions = {.item_bytes = sizeof(struct store_version)};
    struct pcct_error err = {0, ""};

    memset(text, 0, sizeof(text));
    if (store_range(&versions, live.store, from, to, n, &err) != 0) {
        base_vector_free(&versions, &live.support.env);
        return pcct_code_name(err.code);
    }
    for (size_t i = 0; i < versions.count; i++) text[i] = (char)('0' + ((struct store_version *)versions.memory.data)[i].version);
    base_vector_free(&versions, &live.support.env);
    return text;
}

/* main 1 2 3 6, side 2 4 5, and 7 on side from the state of 3 */
static void make_history(void)
{
    struct store_version record;
    struct pcct_error err;

    support_commit(live.store, 3, 50);
    branch("side", 2);
    support_commit_to(live.store, "side", 2, 50);
    support_commit(live.store, 1, 50);
    support_ok(store_lock(live.store, 1, &err), &err);
    support_record(&record, 5, 7);
    record.state_parent = 3;
    support_ok(store_commit(&record, live.store, "side", "", 1, "", 0, &err), &err);
    store_unlock(live.store);
}

static void what_it_is_made_of(void **state)
{
    static const uint64_t v[] = {0, 1, 2, 3, 4, 5, 6, 7};

    (void)state;
    make_history();
    assert_string_equal(range(0, &v[6], 1), "1236");
    assert_string_equal(range(0, &v[5], 1), "1245");
    assert_string_equal(range(2, &v[6], 1), "36");
    assert_string_equal(range(5, &v[6], 1), "36"); /* not an ancestor: without what both have */
    assert_string_equal(range(6, &v[5], 1), "45");
    assert_string_equal(range(5, &v[7], 1), "37"); /* with the version whose state it has */
    assert_string_equal(range(6, &v[7], 1), "457");
    assert_string_equal(range(0, &v[5], 3), "1234567");
    assert_string_equal(range(6, &v[5], 3), "457");
    assert_string_equal(range(7, &v[5], 3), "6");
    assert_string_equal(range(6, &v[6], 1), "");
    assert_string_equal(range(6, &v[1], 2), "");
    assert_string_equal(range(6, &v[0], 1), "");
    assert_string_equal(range(0, &v[0], 1), "");
    assert_string_equal(range(0, v, 0), "");
}

/* A version of the range that is gone is named; on the other side it does not matter. */
static void what_is_gone(void **state)
{
    const uint64_t six = 6, seven = 7;
    struct index_image image;
    struct base_vector head;
    struct pcct_error err;
    uint64_t written = 0;

    (void)state;
    make_history();
    support_image(&image, &head, &live.support.env, 6, 0);
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_anchor_write(&written, live.store, 6, &image, head.memory.data, head.count, 0, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_MOVED, "side", 7, 6}, &err), &err);
    store_unlock(live.store);
    support_image_free(&image, &head, &live.support.env);
    support_commit(live.store, 1, 50);
    assert_string_equal(range(6, (const uint64_t[]){8}, 1), "8");
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_TAG_MADE, "third", 0, 3}, &err), &err);
    support_ok(store_ref_change(NULL, live.store, &(struct store_ref_change){STORE_BRANCH_DELETED, "side", 6, 0}, &err), &err);
    support_ok(store_prune(&(struct store_prune){.keep_last = 1}, live.store, &err), &err);
    store_unlock(live.store);
    assert_string_equal(range(0, (const uint64_t[]){3}, 1), "123"); /* 1 and 2 have no name, but frames */
    assert_string_equal(range(3, (const uint64_t[]){8}, 1), "PCCT_E_NOT_FOUND"); /* 6 has a record, but no frame */
    assert_string_equal(range(6, (const uint64_t[]){8}, 1), "8");
    assert_string_equal(range(0, (const uint64_t[]){8}, 1), "PCCT_E_NOT_FOUND");
    assert_string_equal(range(0, &six, 1), "PCCT_E_NOT_FOUND");
    assert_string_equal(range(0, &seven, 1), "PCCT_E_NOT_FOUND");
}

static int whole(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct base_vector versions = {.item_bytes = sizeof(struct store_version)};
    int status = store_range(&versions, live.store, 0, ctx, 1, err);

    base_vector_free(&versions, env);
    return status;
}

static void no_memory(void **state)
{
    uint64_t to = 7;

    (void)state;
    make_history();
    assert_in_range(support_fail_each(&live.support, whole, &to), 2, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_it_is_made_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
