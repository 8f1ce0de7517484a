/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static void test_known_hashes(void **state)
{
    static const uint8_t empty[16] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
    struct support_env support;
    struct base_hasher *hasher;
    struct base_hash128 hash;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_ok(base_hasher_new(&hasher, &support.env, &err), &err);
    assert_true(base_hash64("", 0) == 0x2d06800538d394c2u); /* as xxhsum -H3 prints it */
    hash = base_hasher_128(hasher);
    assert_memory_equal(hash.byte, empty, 16); /* as xxhsum -H2 prints it: the canonical order */
    base_hasher_free(hasher, &support.env);
    support_env_finish(&support);
}

/* Pieces of every kind of size, over the lengths at which XXH3 changes its way. */
static void test_pieces_equal_the_whole(void **state)
{
    static const size_t lengths[] = {0, 1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 256, 257, 1024, 4097, 100000};
    uint8_t *data = malloc(100000);
    struct support_env support;
    struct base_hasher *hasher;
    struct base_random random;
    struct pcct_error err;

    (void)state;
    base_random_seed(&random, 5);
    for (size_t i = 0; i < 100000; i++) data[i] = (uint8_t)base_random_next(&random);
    support_env_start(&support, 1);
    support_ok(base_hasher_new(&hasher, &support.env, &err), &err);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct base_hash128 whole, pieces;

        base_hasher_reset(hasher);
        base_hasher_feed(hasher, data, lengths[i]);
        whole = base_hasher_128(hasher);
        for (uint64_t most = 1; most < 5000; most = most * 3 + 1) {
            base_hasher_reset(hasher);
            for (size_t at = 0, step; at < lengths[i]; at += step) {
                step = base_random_below(&random, most + 1);
                if (step > lengths[i] - at) step = lengths[i] - at;
                base_hasher_feed(hasher, data + at, step);
            }
            pieces = base_hasher_128(hasher);
            assert_memory_equal(pieces.byte, whole.byte, 16);
            assert_true(base_hasher_64(hasher) == base_hash64(data, lengths[i]));
        }
    }
    base_hasher_free(hasher, &support.env);
    base_hasher_free(NULL, &support.env);
    support_env_finish(&support);
    free(data);
}

static void test_each_bit_counts(void **state)
{
    uint8_t data[300] = {0};
    uint64_t clean = base_hash64(data, sizeof(data));

    (void)state;
    for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(base_hash64(data, sizeof(data)) != clean);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(base_hash64(data, sizeof(data) - 1) != clean);
}

static int new_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    return base_hasher_new(ctx, env, err);
}

static void test_without_memory(void **state)
{
    struct support_env support;
    struct base_hasher *hasher;

    (void)state;
    support_env_start(&support, 1);
    assert_int_equal(support_fail_each(&support, new_call, &hasher), 1);
    base_hasher_reset(hasher);
    base_hasher_free(hasher, &support.env);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hashes),
        cmocka_unit_test(test_pieces_equal_the_whole),
        cmocka_unit_test(test_each_bit_counts),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
