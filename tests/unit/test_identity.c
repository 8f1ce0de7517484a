/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"
#include "support_store.h"

#include "api/identity.h"

#include <string.h>

static void adopt(struct store_version *record, struct store *store)
{
    struct pcct_error err = { 0, "" };

    support_ok(store_group_adopt(record, store, &(struct store_bytes){"", "", 1, 0}, &err), &err);
    support_ok(store_group_end(store, &err), &err);
}

/* src/store/identity.c: of several with one identity, that which has a name; none; the empty version. */
static void versions_are_found(void **state)
{
    static const struct base_hash128 zeros;
    struct support_env support;
    struct support_store s;
    struct store *store = NULL;
    struct store_version record, again;
    struct base_hash128 other;
    struct pcct_error err = { 0, "" };
    struct store_fsck fsck = {.report = NULL};
    uint64_t version = 9;
    char first[256] = "";
    int found = 0;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 3, 100);
    support_ok(store_identity(&found, &version, store, &zeros, &err), &err);
    assert_true(found && version == 0);
    for (uint64_t v = 1; v <= 3; v++) {
        support_ok(store_version(&record, NULL, store, v, &err), &err);
        support_ok(store_identity(&found, &version, store, &record.identity, &err), &err);
        assert_true(found && version == v);
    }
    other = record.identity;
    other.byte[15] ^= 1;
    support_ok(store_identity(&found, &version, store, &other, &err), &err);
    assert_true(!found && version == 0);
    /* twice: the same identity once more, in front of a version that was pruned */
    support_ok(store_lock(store, 1, &err), &err);
    again = record;
    memset(again.write_id, 0, sizeof(again.write_id));
    again.state_parent = 3;
    adopt(&again, store);
    assert_int_equal(again.version, 4);
    support_ok(store_identity(&found, &version, store, &record.identity, &err), &err);
    assert_true(found && version == 3);
    support_ok(store_ref_change(NULL, store, &(struct store_ref_change){STORE_BRANCH_MOVED, "main", 3, 4}, &err), &err);
    support_ok(store_prune(&(struct store_prune){.keep_last = 1}, store, &err), &err);
    store_unlock(store);
    support_ok(store_version(&record, NULL, store, 3, &err), &err);
    assert_int_equal(record.flags, STORE_PRUNED);
    support_ok(store_identity(&found, &version, store, &record.identity, &err), &err);
    assert_true(found && version == 4);
    support_ok(store_version(&record, NULL, store, 1, &err), &err);
    support_ok(store_identity(&found, &version, store, &record.identity, &err), &err);
    assert_true(found && version == 1);
    /* on a version that was pruned: its nearest ancestor with a name is that one's; it moves no branch, also not when the catalogue is made anew */
    support_ok(store_version(&record, NULL, store, 3, &err), &err);
    again.parent = again.state_parent = 3;
    again.time_ns = 77;
    again.identity.byte[0] ^= 1;
    support_ok(store_lock(store, 1, &err), &err);
    adopt(&again, store);
    store_unlock(store);
    assert_true(again.version == 5 && again.kept == record.kept && again.kept == 0 && again.time_ns == 77);
    store_close(store);
    assert_int_equal(support_fsck(&fsck, &s, 1, first), 0);
    assert_true(fsck.damaged == 0 && fsck.versions == 5);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_ok(store_head(&version, store, "main", &err), &err);
    assert_int_equal(version, 4);
    support_ok(store_identity(&found, &version, store, &again.identity, &err), &err);
    assert_true(found && version == 5);
    store_close(store);
    support_store_finish(&s);
    support_env_finish(&support);
}

/* src/api/identity.c: everything that belongs to it changes it, and the identity that a commit gave comes out again. */
static void all_of_it_counts(void **state)
{
    static const double points[4] = { 0, 1, 2, 3 };
    struct pcct_error err = { 0, "" };
    struct support_api s;
    struct base_vector payload = { .item_bytes = 1 }, note = { .item_bytes = 1 };
    struct store_version record;
    struct base_hash128 identity, other;
    struct index_frame frame;
    uint64_t digest[INDEX_ARRAYS];
    struct api_origin origin = { .frame = &frame, .digest = digest };

    (void)state;
    support_api_start(&s, "euclidean");
    assert_int_equal(support_api_commit(&s, points, NULL, 2, NULL, 0), 1);
    support_ok(store_version(&record, &note, s.store->store, 1, &err), &err);
    support_ok(store_frame(&payload, s.store->store, &record, &err), &err);
    index_frame_init(&frame, &s.store->env);
    support_ok(index_frame_decode(&frame, payload.memory.data, payload.count, &s.store->metric, &err), &err);
    origin.note = note.memory.data;
    origin.note_bytes = note.count;
    memcpy(digest, frame.digest_after, sizeof digest);
    support_ok(api_identity(&identity, s.store, &origin, &err), &err);
    assert_memory_equal(&identity, &record.identity, sizeof identity);
    support_ok(api_identity_of(&other, s.store, 1, &err), &err);
    assert_memory_equal(&other, &record.identity, sizeof other);
    support_ok(api_identity_of(&other, s.store, 0, &err), &err);
    assert_memory_equal(&other, &(struct base_hash128){ { 0 } }, sizeof other);
    assert_int_equal(api_identity_of(&other, s.store, 2, &err), PCCT_E_NOT_FOUND);
    for (int i = 0; i < 6; i++) {
        uint8_t *byte[6] = { &origin.parent.byte[3], &origin.state_parent.byte[15], (uint8_t *)frame.point.data + 5, (uint8_t *)frame.label.data,
                             (uint8_t *)&digest[INDEX_PDIST], (uint8_t *)&s.store->seed };

        *byte[i] ^= 1;
        support_ok(api_identity(&other, s.store, &origin, &err), &err);
        assert_memory_not_equal(&identity, &other, sizeof identity);
        *byte[i] ^= 1;
    }
    origin.note_bytes--;
    support_ok(api_identity(&other, s.store, &origin, &err), &err);
    assert_memory_not_equal(&identity, &other, sizeof identity);
    index_frame_free(&frame);
    base_vector_free(&payload, &s.store->env);
    base_vector_free(&note, &s.store->env);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(versions_are_found), cmocka_unit_test(all_of_it_counts) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
