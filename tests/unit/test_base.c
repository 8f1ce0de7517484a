/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/base.h"
#include "store/bytes.h"
#include "store/super.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 20, BYTES = 3000 };

/* Keys and values of every length, empty ones too. */
static struct store_base_entry entry_of(uint8_t room[2][ENTRIES + 4], int i)
{
    struct store_base_entry entry = {(enum store_table)(i % STORE_TABLES), room[0], room[1], (size_t)i, (size_t)(ENTRIES - 1 - i)};

    memset(room[0], 'k' + i, sizeof(room[0]));
    memset(room[1], 'v' + i, sizeof(room[1]));
    return entry;
}

static void fill(struct base_vector *payload, const struct base_env *env)
{
    const struct store_state after = {.next_version = 7, .next_reflog = 9, .frame_bytes = 11, .prunes = 13, .removed = 15};
    struct pcct_error err = {0, ""};
    uint8_t room[2][ENTRIES + 4];

    support_ok(store_base_begin(payload, env, &after, &err), &err);
    for (int i = 0; i < ENTRIES; i++) {
        const struct store_base_entry entry = entry_of(room, i);

        support_ok(store_base_add(payload, env, &entry, &err), &err);
    }
}

static void entries_come_back(void **state)
{
    struct support_env support;
    struct base_vector payload = {.item_bytes = 1};
    struct pcct_error err = {0, ""};
    struct store_base_entry got;
    uint8_t room[2][ENTRIES + 4];
    size_t at = 0;

    (void)state;
    support_env_start(&support, 1);
    fill(&payload, &support.env);
    fill(&payload, &support.env); /* begins anew */
    assert_int_equal(payload.count % 8, 0);
    for (int i = 0; i < ENTRIES; i++) {
        const struct store_base_entry entry = entry_of(room, i);

        assert_int_equal(store_base_next(&got, &at, &payload, &err), 1);
        assert_true(got.table == entry.table && got.key_bytes == entry.key_bytes && got.bytes == entry.bytes);
        assert_memory_equal(got.key, entry.key, entry.key_bytes);
        assert_memory_equal(got.value, entry.value, entry.bytes);
    }
    assert_int_equal(store_base_next(&got, &at, &payload, &err), 0);
    assert_int_equal(at, payload.count);
    base_vector_free(&payload, &support.env);
    support_env_finish(&support);
}

/* Every number of an entry's head that cannot be, and every length at which it is cut off. */
static void entries_that_cannot_be(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
    } bad[] = { {0, STORE_TABLES}, {0, UINT32_MAX}, {4, 1000}, {4, UINT32_MAX}, {8, 1000}, {8, UINT64_MAX}, {8, UINT64_MAX - 15} };
    struct support_env support;
    struct base_vector payload = {.item_bytes = 1};
    struct pcct_error err = {0, ""};
    struct store_base_entry got;
    uint8_t *head, kept[16];
    size_t whole, at;

    (void)state;
    support_env_start(&support, 1);
    fill(&payload, &support.env);
    head = (uint8_t *)payload.memory.data + STORE_BASE_HEAD_BYTES;
    memcpy(kept, head, sizeof(kept));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (bad[i].at == 8) store_put64(head, bad[i].at, bad[i].value);
        else store_put32(head, bad[i].at, (uint32_t)bad[i].value);
        at = 0;
        assert_int_equal(store_base_next(&got, &at, &payload, &err), PCCT_E_DAMAGED);
        memcpy(head, kept, sizeof(kept));
    }
    whole = payload.count;
    for (payload.count = STORE_BASE_HEAD_BYTES + 1; payload.count < whole; payload.count++) {
        int more = 1, entries = 0;

        for (at = 0; more == 1; entries++) more = store_base_next(&got, &at, &payload, &err);
        assert_true(entries <= ENTRIES && (more == PCCT_E_DAMAGED || at == payload.count));
    }
    payload.count = whole;
    base_vector_free(&payload, &support.env);
    support_env_finish(&support);
}

/* Reads the last base of a store; the versions that it tells of. */
static size_t read_base(int *found, const struct support_store *s, uint64_t *sound)
{
    struct store_folder folder;
    struct store_super super;
    struct store_scan scan;
    struct pcct_error err = {0, ""};
    unsigned damaged = 0;
    size_t n;

    support_ok(store_folder_open(&folder, s->path, 0, &s->support->env, &err), &err);
    support_ok(store_super_read(&super, &damaged, &folder, &err), &err);
    memcpy(folder.uuid, super.uuid, 16);
    store_scan_init(&scan, &folder);
    support_ok(store_base_read(&scan, 1, 2, &err), &err);
    *found = scan.base.count > 0;
    n = scan.found.count;
    *sound = 0;
    for (size_t i = 0; i < n; i++) *sound += ((struct store_found *)scan.found.memory.data)[i].frame_sound;
    if (*found) assert_true(scan.base_next == 10 && scan.tail.segment == 2 && scan.base_prunes == 1);
    store_scan_free(&scan);
    store_folder_close(&folder);
    return n;
}

/* The base that a pruning writes tells of the versions that stay, each with its frame; a base that is not whole is none. */
static void the_last_base_is_found(void **state)
{
    struct support_env support;
    struct support_store s;
    struct store_prune prune = {.keep_last = 3};
    struct pcct_error err = {0, ""};
    struct store *store = NULL;
    uint64_t sound = 0;
    uint8_t *file;
    size_t bytes = 0;
    int found = 1;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 9, BYTES);
    assert_int_equal(read_base(&found, &s, &sound), 0);
    assert_false(found);
    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_prune(&prune, store, &err), &err);
    store_unlock(store);
    store_close(store);
    assert_true(read_base(&found, &s, &sound) >= 3 && found && sound >= 3);
    file = support_file_read(&bytes, &s, "journal/J00000002");
    file[STORE_SEGMENT_HEAD_BYTES + STORE_HEAD_BYTES + 200] ^= 1;
    support_file_write(&s, "journal/J00000002", file, bytes);
    assert_int_equal(read_base(&found, &s, &sound), 0);
    assert_false(found);
    free(file);
    support_store_finish(&s);
    support_env_finish(&support);
}

static int build(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct store_base_entry entry = {STORE_REFS, ctx, ctx, 3000, 3000};
    const struct store_state after = {.next_version = 1};
    struct base_vector payload = {.item_bytes = 1};
    int status = store_base_begin(&payload, env, &after, err);

    if (status == 0) status = store_base_add(&payload, env, &entry, err);
    base_vector_free(&payload, env);
    return status;
}

static void without_memory(void **state)
{
    static uint8_t bytes[3000];
    struct support_env support;

    (void)state;
    support_env_start(&support, 1);
    assert_true(support_fail_each(&support, build, bytes) >= 2);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back), cmocka_unit_test(entries_that_cannot_be), cmocka_unit_test(the_last_base_is_found),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
