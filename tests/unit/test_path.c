/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES = 900 };

/* Main to v6; dev from v3: v7, v8; v9 on main has the state of v2 again. */
static void set_up(struct store **store, struct support_env *support, struct support_store *s)
{
    struct store_ref_change change = {STORE_BRANCH_MADE, "dev", UINT64_MAX, 3};
    struct store_version record;
    struct pcct_error err;

    support_env_start(support, 1);
    support_store_start(s, support);
    support_ok(store_open(store, s->path, &support->env, &err), &err);
    support_commit(*store, 6, BYTES);
    support_ok(store_lock(*store, 1, &err), &err);
    support_ok(store_ref_change(NULL, *store, &change, &err), &err);
    store_unlock(*store);
    support_commit_to(*store, "dev", 2, BYTES);
    support_record(&record, 6, 9);
    record.state_parent = 2;
    support_ok(store_lock(*store, 1, &err), &err);
    support_ok(store_commit(&record, *store, "main", "", 0, "", 0, &err), &err);
    store_unlock(*store);
}

static void tear_down(struct store *store, struct support_env *support, struct support_store *s)
{
    store_close(store);
    support_store_finish(s);
    support_env_finish(support);
}

static void expect(const struct base_vector *list, const char *versions)
{
    const struct store_version *version = list->memory.data;

    assert_int_equal(list->count, strlen(versions));
    for (size_t i = 0; i < list->count; i++) {
        assert_int_equal(version[i].version, versions[i] - '0');
        assert_int_equal(version[i].bytes > 0, 1);
    }
}

static void test_ways(void **state)
{
    static const struct { uint64_t from, to, common; const char *undo, *redo; } ways[] = {
        {6, 8, 3, "654", "78"}, {8, 6, 3, "87", "456"}, {9, 6, 2, "9", "3456"}, {9, 8, 2, "9", "378"}, {0, 9, 0, "", "129"}, {4, 4, 4, "", ""},
    };
    static const uint64_t path[] = {1, 2, 9};
    const size_t item_bytes = sizeof(struct store_version);
    struct base_vector undo = {.item_bytes = item_bytes}, redo = {.item_bytes = item_bytes}, list = {.item_bytes = 8};
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct pcct_error err;
    uint64_t common = 99, anchor = 99;

    (void)state;
    set_up(&store, &support, &s);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        support_ok(store_way(&common, &undo, &redo, store, ways[i].from, ways[i].to, &err), &err);
        assert_int_equal(common, ways[i].common);
        expect(&undo, ways[i].undo);
        expect(&redo, ways[i].redo);
    }
    support_ok(store_path(&anchor, &list, store, 9, &err), &err);
    assert_int_equal(anchor, 0);
    assert_int_equal(list.count, 3);
    assert_memory_equal(list.memory.data, path, sizeof(path));
    assert_int_equal(store_way(&common, &undo, &redo, store, 1, 99, &err), PCCT_E_NOT_FOUND);
    base_vector_free(&undo, &support.env);
    base_vector_free(&redo, &support.env);
    base_vector_free(&list, &support.env);
    tear_down(store, &support, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ways)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
