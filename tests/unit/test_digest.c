/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/digest.h"
#include "index/rows.h"

#include <string.h>

/* The definition, in the plainest words. */
static uint64_t naive(const struct index_state *s, uint32_t array, const void *values, size_t bytes)
{
    uint64_t sum = 0;

    for (uint32_t row = 0; row < s->n; row++) {
        unsigned char text[64];

        for (int i = 0; i < 4; i++) text[i] = (unsigned char)(array >> 8 * i);
        for (int i = 0; i < 4; i++) text[4 + i] = (unsigned char)(row >> 8 * i);
        memcpy(text + 8, (const char *)values + row * bytes, bytes);
        sum += base_hash64(text, 8 + bytes);
    }
    return sum;
}

static void test_definition(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_index s;
        struct index_frame frame;
        struct base_random random;
        const struct index_state *t = &s.state;

        base_random_seed(&random, 61);
        support_index_start(&s, "haversine", 2, threads);
        for (int round = 0; round < 3; round++) {
            index_frame_init(&frame, &s.support.env);
            support_index_batch(&s, &frame, SUPPORT_LATTICE, 700, SUPPORT_PICK_ANY, 300, &random);
            index_frame_free(&frame);
        }
        assert_true(t->digest[INDEX_POINT] == naive(t, INDEX_POINT, index_points(t), 16));
        assert_true(t->digest[INDEX_LABEL] == naive(t, INDEX_LABEL, index_label(t), 8));
        assert_true(t->digest[INDEX_PARENT] == naive(t, INDEX_PARENT, index_parent(t), 4));
        assert_true(t->digest[INDEX_LEVEL] == naive(t, INDEX_LEVEL, index_level(t), 2));
        assert_true(t->digest[INDEX_RADIUS] == naive(t, INDEX_RADIUS, index_radius(t), 8));
        assert_true(t->digest[INDEX_PDIST] == naive(t, INDEX_PDIST, index_pdist(t), 8));
        assert_true(t->digest[0] == 0 && t->digest[INDEX_CHILD] == 0 && t->digest[INDEX_NEXT] == 0 && t->digest[INDEX_PLACE] == 0);
        support_index_free(&s);
    }
}

/* Rows changed one at a time, or all at once, give what a sum over everything gives; and back again. */
static void test_changes(void **state)
{
    struct support_index s;
    struct base_random random;
    struct index_change change[100];
    uint64_t digest[INDEX_ARRAYS] = { 0 }, wanted[INDEX_ARRAYS] = { 0 }, before[INDEX_ARRAYS];

    (void)state;
    base_random_seed(&random, 62);
    support_index_start(&s, "euclidean", 3, 2);
    support_index_batch(&s, NULL, SUPPORT_GAUSS, 100, SUPPORT_PICK_ANY, 0, &random);
    index_digest_rows(digest, &s.state, 0, 60);
    index_digest_rows(digest, &s.state, 60, 40);
    memcpy(before, digest, sizeof digest);
    for (uint32_t i = 0; i < 100; i++) {
        change[i] = (struct index_change){ i, index_row_get(&s.state, i), { base_random_unit(&random), 2, i / 2, (int16_t)(i + 3), 0 } };
        index_row_put(&s.state, i, &change[i].after);
    }
    index_digest_changes(digest, change, 1, s.state.env);
    index_digest_changes(digest, change + 1, 99, s.state.env);
    index_digest_rows(wanted, &s.state, 0, 100);
    assert_memory_equal(digest, wanted, sizeof digest);
    for (int a = INDEX_PARENT; a <= INDEX_PDIST; a++) assert_true(digest[a] != before[a]);
    for (uint32_t i = 0; i < 100; i++) {
        struct index_row swap = change[i].before;

        change[i].before = change[i].after;
        change[i].after = swap;
    }
    index_digest_changes(digest, change, 100, s.state.env);
    assert_memory_equal(digest, before, sizeof digest);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_definition), cmocka_unit_test(test_changes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
